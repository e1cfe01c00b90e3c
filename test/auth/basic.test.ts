import { execFile } from 'node:child_process'
import { renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import * as argon2 from '@node-rs/argon2'
import Fastify from 'fastify'
import pino from 'pino'
import t, { type Test } from 'tap'
import { openBasic } from '../../src/auth/basic.js'
import { hashPassword, readHash } from '../../src/auth/passwords.js'
import { openThrottle } from '../../src/auth/throttle.js'
import { readUsers } from '../../src/auth/users-file.js'
import { Faults, type HttpError, TooManyRequests, Unauthorized } from '../../src/errors.js'
import { glanceRules } from '../../src/policy/defaults.js'
import { openPolicy } from '../../src/policy/enforcer.js'

const log = pino({ level: 'silent' })
const { isAdmin } = openPolicy(null, glanceRules)

/** Hashes of `secret` made by other programs: Python's cryptography, bcrypt and hashlib, and crypt(3). */
const foreign = {
  argon2id:
    '$argon2id$v=19$m=8192,t=2,p=2$C/wBhZLDdlQvhLjidMA2Qw$zaXVOpUgnmClktn8GLify6D6aL5s/6qG7x/9JLcuSGU',
  bcrypt: '$2b$05$dIcQLuQhcMvQI.CON483LuEwbmcxSlIvUEwOTWszGv7msj6ff3Tp6',
  crypt: '$2y$05$abcdefghijklmnopqrstuuOQiyCxlgf/oeuTqixKmWdcYUh4Hjl0a',
  scrypt: '$scrypt$ln=12,r=8,p=1$C/wBhZLDdlQvhLjidMA2Qw$EJuv2Zi32E+xhlMnI9wg8H8rLavtx+fP7fbRt5+TrDo',
}

function usersFile(t: Test, content: string): string {
  const file = join(t.testdir(), 'users.yaml')
  writeFileSync(file, content)
  return file
}

async function alice(more = ''): Promise<string> {
  return `users:
  - name: alice
    password_hash: ${await hashPassword('wonder: land')}
    project: demo
    roles: [Member]
    groups: [builders]
${more}`
}

const basic = (name: string, password: string) =>
  `Basic ${Buffer.from(`${name}:${password}`).toString('base64')}`

function open(t: Test, file: string, pollMs = 2000) {
  const auth = openBasic(file, log, isAdmin, { pollMs })
  t.teardown(() => auth.close())
  const as = (authorization?: string, ip = '192.0.2.1', more: Record<string, string> = {}) =>
    auth.authenticate({ headers: { ...(authorization === undefined ? {} : { authorization }), ...more }, ip })
  return { auth, as }
}

t.test('a user is who the file says, with the roles that others bring with them', async t => {
  const { as } = open(t, usersFile(t, await alice()))
  t.match(await as(basic('alice', 'wonder: land')), {
    user_id: 'alice',
    user_name: 'alice',
    project_id: 'demo',
    user_domain_id: 'default',
    project_domain_id: 'default',
    roles: ['member', 'reader'],
    groups: ['builders'],
    is_admin: false,
    token: null,
  })
})

t.test('ids are the names unless given', async t => {
  const hash = await hashPassword('x')
  const file = usersFile(
    t,
    `users: [{name: "Jo Doe", id: u1, password_hash: "${hash}", project: "My Project", project_id: p1, domain: East, domain_id: d1, roles: [admin]}]`,
  )
  t.match(await open(t, file).as(basic('Jo Doe', 'x')), {
    user_id: 'u1',
    user_name: 'Jo Doe',
    project_id: 'p1',
    user_domain_id: 'd1',
    roles: ['admin', 'manager', 'member', 'reader'],
    is_admin: true,
  })
})

t.test(
  'everything else is 401 with a challenge, and identity headers from the wire change nothing',
  async t => {
    const { as } = open(t, usersFile(t, await alice()))
    const wrong = [
      undefined,
      '',
      'Basic',
      'Basic !!!',
      'Bearer abc',
      `Basic ${Buffer.from('alice').toString('base64')}`,
      `Basic ${Buffer.from('alice:wonder: land\0').toString('base64')}`,
      `Basic ${'A'.repeat(5000)}`,
      basic('alice', 'wonder: lan'),
      basic('Alice', 'wonder: land'),
      basic('bob', 'wonder: land'),
      basic('', ''),
      basic('__proto__', 'x'),
    ]
    for (const [at, authorization] of wrong.entries()) {
      const claims = {
        'x-identity-status': 'Confirmed',
        'x-user-id': 'admin',
        'x-roles': 'admin',
        'x-project-id': 'p',
      }
      const err = await as(authorization, `192.0.2.${at}`, claims).then(
        () => null,
        (err: unknown) => err,
      )
      t.type(err, Unauthorized, authorization ?? 'nothing')
      t.match((err as HttpError)?.headers, { 'WWW-Authenticate': /^Basic realm=/ })
    }
    const caller = await as(basic('alice', 'wonder: land'), '192.0.2.1', {
      'x-roles': 'admin',
      'x-project-id': 'other',
    })
    t.equal(caller.project_id, 'demo')
    t.notOk(caller.is_admin)
  },
)

t.test('hashes of argon2id, argon2i, bcrypt and scrypt are taken', async t => {
  const all = {
    ...foreign,
    '2a': foreign.bcrypt.replace('$2b$', '$2a$'),
    argon2i: await argon2.hash('secret', { algorithm: 1 satisfies argon2.Algorithm.Argon2i }),
    own: await hashPassword('secret'),
  }
  for (const [kind, encoded] of Object.entries(all)) {
    const hash = readHash(encoded)
    if (typeof hash === 'string') {
      t.fail(`${kind}: ${hash}`)
      continue
    }
    t.equal(await hash.matches('secret'), true, kind)
    t.equal(await hash.matches('Secret'), false, kind)
    t.type(readHash(encoded.slice(0, -30)), 'string', `${kind}, cut short, is refused`)
  }
  for (const text of [
    '',
    'secret',
    '$1$abc$def',
    '$argon2d$v=19$m=8192,t=2,p=2$C/wBhZLDdlQvhLjidMA2Qw$zaXVOpUgnmClktn8GLify6D6aL5s',
  ])
    t.type(readHash(text), 'string', text)
})

t.test('every fault of the file is listed at once, and no hash is repeated in it', async t => {
  const hash = await hashPassword('x')
  const faultsOf = (content: string): readonly string[] => {
    try {
      readUsers(usersFile(t, content), isAdmin)
    } catch (err) {
      if (err instanceof Faults) return err.faults
      throw err
    }
    return []
  }
  t.match(faultsOf('users: []'), [/users/])
  t.match(faultsOf('a: b: c'), [/./])
  t.match(faultsOf(''), [/./])
  t.equal(
    faultsOf(`users: [{name: a, password_hash: "${hash}", project: p, roles: [], rolls: []}]`).length,
    1,
  )
  const faults = faultsOf(`users:
  - {name: a, password_hash: plain, project: p, roles: [member]}
  - {name: b, password_hash: "${hash}", project: p, roles: [member]}
  - {name: b, password_hash: "${hash}", project: p, roles: [member]}
  - {name: c, id: b, password_hash: "${hash}", project: p, roles: [member]}
  - {name: d, password_hash: "$2b$31$${'a'.repeat(53)}", project: p, roles: [member]}
  - {name: e, password_hash: "$argon2id$v=19$m=4194304,t=1,p=1$c2FsdHNhbHQ$${'A'.repeat(43)}", project: p, roles: [member]}
  - {name: f f, password_hash: "${hash}", project: p, roles: [member]}
`)
  t.match(faults, [
    /^a: password_hash/,
    /^b: is there twice/,
    /^c: id b/,
    /^d: .*cost/,
    /^e: .*256 MiB/,
    /^f f: .*id/,
  ])
  t.equal(faults.length, 6)
  t.notMatch(faults.join(), 'argon2id$v')
  t.throws(() => readUsers('/nowhere/users.yaml', isAdmin), Faults)
})

t.test('the file is read again when it is replaced; a faulty one changes nothing', async t => {
  const file = usersFile(t, await alice())
  const { as } = open(t, file, 20)
  await as(basic('alice', 'wonder: land'))
  const replace = (content: string) => {
    writeFileSync(`${file}.new`, content)
    renameSync(`${file}.new`, file)
  }
  const until = async (state: () => Promise<boolean>) => {
    for (let i = 0; i < 500 && !(await state()); i++) await new Promise(resolve => setTimeout(resolve, 10))
    return state()
  }
  const works = (name: string, password: string) => async () => {
    // From an address of its own each time, or the throttle would answer.
    const ip = `198.51.100.${Math.floor(Math.random() * 250)}`
    return as(basic(name, password), ip).then(
      () => true,
      () => false,
    )
  }
  const bob = `  - {name: bob, password_hash: "${await hashPassword('b')}", project: demo, roles: [member]}\n`
  replace(await alice(bob))
  t.ok(await until(works('bob', 'b')), 'bob came')
  replace('users: nonsense')
  await new Promise(resolve => setTimeout(resolve, 100))
  t.ok(await works('bob', 'b')(), 'bob stays while the file is faulty')
  replace(`users:\n${bob}`)
  t.ok(
    await until(async () => !(await works('alice', 'wonder: land')())),
    'alice is gone although believed a moment ago',
  )
})

t.test(
  'a password that was right is believed for a while: a thousand requests cost no thousand hashes',
  async t => {
    const { as } = open(t, usersFile(t, await alice()))
    await as(basic('alice', 'wonder: land'))
    const start = Date.now()
    for (let i = 0; i < 1000; i++) await as(basic('alice', 'wonder: land'))
    t.ok(Date.now() - start < 1000, `${Date.now() - start} ms`)
  },
)

t.test('many at once with the right password on a cold start are checked once and all pass', async t => {
  const { as } = open(t, usersFile(t, await alice()))
  const callers = await Promise.all(Array.from({ length: 500 }, () => as(basic('alice', 'wonder: land'))))
  t.ok(callers.every(caller => caller.user_id === 'alice'))
})

t.test('an unknown user costs what a known one does', async t => {
  const { as } = open(t, usersFile(t, await alice()))
  const time = async (name: string) => {
    const times: number[] = []
    for (let i = 0; i < 9; i++) {
      const start = process.hrtime.bigint()
      await as(basic(name, `guess ${i}`), `203.0.113.${i}`).catch(() => {})
      times.push(Number(process.hrtime.bigint() - start))
    }
    return times.sort((a, b) => a - b)[4]!
  }
  await time('alice')
  const [known, unknown] = [await time('alice'), await time('mallory')]
  t.ok(unknown > known / 3 && unknown < known * 3, `${known} ns and ${unknown} ns`)
})

t.test(
  'guessing is slowed for the pair of user and address, for the address, and a little for the user',
  async t => {
    let now = 1_000_000
    const attempt = openThrottle(() => now)
    const wait = (name: string, address: string): number => {
      try {
        attempt(name, address)
        return 0
      } catch (err) {
        t.type(err, TooManyRequests)
        return Number((err as HttpError).headers['Retry-After'])
      }
    }
    for (let i = 0; i < 6; i++) t.equal(wait('alice', '192.0.2.1'), 0)
    t.equal(wait('alice', '192.0.2.1'), 1, 'the seventh waits')
    t.equal(wait('alice', '::ffff:192.0.2.1'), 1, 'the same address, written otherwise')
    t.equal(wait('alice', '192.0.2.2'), 0, 'alice elsewhere does not')
    for (let i = 0; i < 10; i++) {
      now += 60_000
      t.equal(wait('alice', '192.0.2.1'), 0)
    }
    t.equal(wait('alice', '192.0.2.1'), 60, 'a minute at most')
    now += 16 * 60_000
    for (let i = 0; i < 51; i++) t.equal(wait(`user${i}`, `2001:db8::${i}`), 0)
    t.ok(wait('somebody', '2001:db8::ffff') > 0, 'one network, many names')
    t.equal(wait('somebody', '2001:db8:0:1::1'), 0, 'the next network')
    now += 16 * 60_000
    for (let i = 0; i < 101; i++) t.equal(wait('carol', `10.0.${i}.1`), 0)
    t.ok(wait('carol', '10.1.0.1') <= 2, 'a user under attack from everywhere waits two seconds at most')
  },
)

t.test('a success wipes the failures of its pair before it', async t => {
  const attempt = openThrottle(() => 1)
  for (let i = 0; i < 4; i++) attempt('alice', '192.0.2.1')
  attempt('alice', '192.0.2.1').succeeded()
  for (let i = 0; i < 6; i++) t.doesNotThrow(() => attempt('alice', '192.0.2.1'))
  t.throws(() => attempt('alice', '192.0.2.1'), TooManyRequests)
})

t.test('guessing over the mode ends in 429, and who is believed goes on', async t => {
  const { as } = open(t, usersFile(t, await alice()))
  await as(basic('alice', 'wonder: land'))
  let refused = 0
  for (let i = 0; i < 20; i++)
    await as(basic('alice', `guess ${i}`)).catch(err => (refused += err instanceof TooManyRequests ? 1 : 0))
  t.ok(refused >= 12, `${refused} of 20`)
  await t.resolves(as(basic('alice', 'wonder: land')))
})

t.test('curl -u signs in over a real socket', async t => {
  const { auth } = open(t, usersFile(t, await alice()))
  const app = Fastify()
  app.decorateRequest('caller')
  app.addHook('onRequest', async request => {
    request.caller = await auth.authenticate(request)
  })
  app.setErrorHandler((err: HttpError, _request, reply) =>
    reply.code(err.status).headers(err.headers).send(err.message),
  )
  app.get('/who', request => ({ user: request.caller.user_id }))
  t.teardown(() => app.close())
  const url = await app.listen({ host: '127.0.0.1', port: 0 })
  const curl = (user: string) =>
    promisify(execFile)('curl', ['-s', '-w', ' %{http_code}', '-u', user, `${url}/who`]).then(
      out => out.stdout,
    )
  t.equal(await curl('alice:wonder: land'), '{"user":"alice"} 200')
  t.match(await curl('alice:wrong'), / 401$/)
})

t.test('who was here before is looked up in the file as it is now', async t => {
  const content = await alice()
  const file = usersFile(t, content)
  const { auth, as } = open(t, file, 20)
  const kept = await as(basic('alice', 'wonder: land'))
  t.same(await auth.recall(kept), kept)
  t.match(await auth.recall({ ...kept, roles: ['reader'], groups: [] }), { roles: ['reader'], groups: [] })
  t.equal(await auth.recall({ ...kept, user_id: 'bob' }), null)
  t.equal(await auth.recall({ ...kept, project_id: 'other' }), null)
  const admin = { ...kept, roles: [...kept.roles, 'admin'], is_admin: true }
  t.match(
    await auth.recall(admin),
    { roles: kept.roles, is_admin: false },
    'a role that is not there any more',
  )
  const until = async (look: () => Promise<boolean>) => {
    while (!(await look())) await new Promise(resolve => setTimeout(resolve, 20))
  }
  writeFileSync(file, content.replace('groups: [builders]', 'groups: []').replace('[Member]', '[reader]'))
  await until(async () => (await auth.recall(kept))?.groups.length === 0)
  t.match(await auth.recall(kept), { roles: ['reader'] })
  writeFileSync(file, content.replaceAll('alice', 'anna'))
  await until(async () => (await auth.recall(kept)) === null)
})
