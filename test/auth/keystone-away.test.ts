import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import t from 'tap'
import { Unavailable } from '../../src/errors.js'
import { noOwnKeystone, ownKeystone } from '../helpers/keystone.js'
import { failure, noOpenssl, open, policy, relay, tlsRelay } from './keystone-setup.js'

t.test('a Keystone of its own: special tokens, then failures', { skip: noOwnKeystone }, async t => {
  const keystone = await ownKeystone(t)
  const proxy = await relay(t, keystone.url)
  const setup = { url: proxy.url, timeoutMs: 3000 }
  const { as, auth, logged } = open(t, keystone, setup)
  const alice = await keystone.token('alice')
  const bob = await keystone.token('bob')
  const carol = await keystone.token('carol')
  await as({ 'x-auth-token': alice })

  const { as: plainly } = open(t, keystone)
  const idOf = async (kind: string, name: string) => {
    const found = await keystone.asAdmin('GET', `/${kind}?name=${name}`)
    return (found[kind] as { id: string }[])[0]!.id
  }

  await t.test('a domain-scoped admin is an admin that passes no rule of an operation', async t => {
    const path = `/domains/default/users/${await idOf('users', 'admin')}/roles/${await idOf('roles', 'admin')}`
    await keystone.asAdmin('PUT', path)
    const caller = await plainly({ 'x-auth-token': await keystone.token('admin', { domain_id: 'default' }) })
    t.match(caller, { domain_id: 'default', project_id: null, is_admin: true })
    t.notOk(policy.allows(caller, 'get_images', { project_id: null }))
  })

  await t.test(
    'an application credential works; one that is bound to certain requests is refused',
    async t => {
      const alice = await idOf('users', 'alice')
      const token = await keystone.token('alice')
      const tokenOf = async (name: string, more: object): Promise<string> => {
        const headers = { 'content-type': 'application/json', 'x-auth-token': token }
        const made = await fetch(`${keystone.url}/users/${alice}/application_credentials`, {
          method: 'POST',
          headers,
          body: JSON.stringify({ application_credential: { name, secret: name, ...more } }),
        })
        const { application_credential: credential } = (await made.json()) as {
          application_credential: { id: string }
        }
        const identity = {
          methods: ['application_credential'],
          application_credential: { id: credential.id, secret: name },
        }
        const issued = await fetch(`${keystone.url}/auth/tokens`, {
          method: 'POST',
          headers: { 'content-type': 'application/json' },
          body: JSON.stringify({ auth: { identity } }),
        })
        return issued.headers.get('x-subject-token')!
      }
      const plain = await plainly({ 'x-auth-token': await tokenOf('plain', {}) })
      t.equal(plain.user_name, 'alice')
      const rule = { service: 'image', method: 'GET', path: '/v2/images' }
      // Keystone says so itself, as Vitrine does not claim to heed the rules: never more than they give.
      const bound = await failure(
        plainly({ 'x-auth-token': await tokenOf('bound', { access_rules: [rule] }) }),
      )
      t.equal(bound.status, 401)
    },
  )

  await t.test('over TLS with a CA of its own', { skip: noOpenssl }, async t => {
    const { port, ca } = await tlsRelay(t, keystone.url)
    const url = `https://localhost:${port}/v3`
    const token = await keystone.token('bob')
    t.equal((await open(t, keystone, { url, caFile: ca }).as({ 'x-auth-token': token })).user_name, 'bob')
    const untrusted = open(t, keystone, { url })
    t.equal((await failure(untrusted.as({ 'x-auth-token': token }))).status, 503)
    t.match(untrusted.logged.join(), /SELF_SIGNED|UNABLE_TO_VERIFY/)
  })

  await t.test('slow but in time: it works; slower: 503 in time, not 401', async t => {
    proxy.delayMs = 200
    const patient = open(t, keystone, { ...setup, timeoutMs: 30_000 })
    t.equal((await patient.as({ 'x-auth-token': bob })).user_name, 'bob')
    proxy.delayMs = 8000
    const impatient = open(t, keystone, setup)
    const start = Date.now()
    const err = await failure(impatient.as({ 'x-auth-token': bob }))
    t.type(err, Unavailable)
    t.match(err.message, /Keystone/)
    t.ok(err.headers['Retry-After'])
    t.ok(Date.now() - start < 7000, `${Date.now() - start} ms`)
    proxy.delayMs = 0
  })

  await t.test('hanging: 503 in time, believed tokens go on', async t => {
    const hasty = open(t, keystone, setup)
    await hasty.as({ 'x-auth-token': alice })
    process.kill(keystone.pid, 'SIGSTOP')
    const start = Date.now()
    t.type(await failure(hasty.as({ 'x-auth-token': carol })), Unavailable)
    t.ok(Date.now() - start < 7000)
    t.equal((await hasty.as({ 'x-auth-token': alice })).user_name, 'alice')
    process.kill(keystone.pid, 'SIGCONT')
  })

  await t.test('killed: 503, believed tokens go on; started again: all is well by itself', async t => {
    await keystone.stop('SIGKILL')
    const err = await failure(as({ 'x-auth-token': carol }))
    t.equal(err.status, 503)
    t.notMatch(err.message, carol)
    t.equal((await as({ 'x-auth-token': alice })).user_name, 'alice')
    await t.rejects(auth.check(AbortSignal.timeout(20_000)), Unavailable)
    t.type(await failure(open(t, keystone, setup).as({ 'x-auth-token': alice })), Unavailable)
    await keystone.start()
    t.equal((await as({ 'x-auth-token': carol })).user_name, 'carol')
    await t.resolves(auth.check(AbortSignal.timeout(20_000)))
  })

  await t.test("the service account's token was revoked: another is got, and nobody notices", async t => {
    const { as } = open(t, keystone, { cacheSeconds: 0 })
    await as({ 'x-auth-token': alice })
    const sibling = await keystone.token('nova')
    const { users } = await keystone.asAdmin('GET', '/users?name=nova')
    const [{ id }] = users as [{ id: string }]
    // A new password ends the tokens made before; they are dated in whole seconds.
    for (const password of ['other', 'nova'])
      await keystone.asAdmin('PATCH', `/users/${id}`, { user: { password } })
    await sleep(1100)
    t.equal((await failure(as({ 'x-auth-token': sibling }))).status, 401, 'tokens of before are dead')
    t.equal((await as({ 'x-auth-token': alice })).user_name, 'alice')
  })

  await t.test('answering 500: 503', async t => {
    const { as } = open(t, keystone, { cacheSeconds: 0 })
    await as({ 'x-auth-token': alice })
    const database = join(keystone.dir, 'keystone.db')
    const sound = readFileSync(database)
    writeFileSync(database, Buffer.alloc(sound.length, 'no database '))
    t.equal((await failure(as({ 'x-auth-token': alice }))).status, 503)
    writeFileSync(database, sound)
    t.equal((await as({ 'x-auth-token': alice })).user_name, 'alice')
  })

  t.notMatch(logged.join(), /gAAAA/)
})
