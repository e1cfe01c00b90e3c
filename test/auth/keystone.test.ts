import { setTimeout as sleep } from 'node:timers/promises'
import pino from 'pino'
import t from 'tap'
import { openKeystone } from '../../src/auth/keystone.js'
import { Faults, Unavailable } from '../../src/errors.js'
import { noKeystone, testKeystone } from '../helpers/keystone.js'
import { failure, open, policy, relay } from './keystone-setup.js'

t.test('settings that are missing or wrong are listed at once', async t => {
  const settings = {
    keystone_url: null,
    keystone_username: null,
    keystone_password: '',
    keystone_project: null,
    keystone_user_domain: 'default',
    keystone_project_domain: 'default',
    keystone_ca_file: '/nowhere/ca.pem',
    token_cache_seconds: 300,
    group_cache_seconds: 60,
  }
  const log = pino({ level: 'silent' })
  const faults = (more: object) => {
    try {
      openKeystone({ ...settings, ...more }, log, policy.isAdmin)
    } catch (err) {
      if (err instanceof Faults) return err.faults
      throw err
    }
    return []
  }
  t.equal(faults({}).length, 5)
  for (const keystone_url of ['ftp://x', 'http://user:pass@x/v3', 'http://x/v3?a=b', 'nonsense'])
    t.ok(
      faults({ keystone_url }).some(fault => fault.startsWith('keystone_url')),
      keystone_url,
    )
})

t.test('tokens of a real Keystone', { skip: noKeystone }, async t => {
  const keystone = await testKeystone(t)
  const { auth, as, logged } = open(t, keystone)
  const alice = await keystone.token('alice')

  await t.test('a token makes the caller', async t => {
    const caller = await as({ 'x-auth-token': alice })
    t.match(caller, {
      user_name: 'alice',
      user_id: /^[0-9a-f]{32}$/,
      project_id: /^[0-9a-f]{32}$/,
      user_domain_id: 'default',
      project_domain_id: 'default',
      domain_id: null,
      system_scope: null,
      is_admin: false,
      service_roles: [],
      token: alice,
    })
    t.same([...caller.roles].sort(), ['member', 'reader'])
    const dora = await as({ 'x-auth-token': await keystone.token('dora') })
    t.not(dora.user_domain_id, 'default')
    t.equal(dora.project_domain_id, dora.user_domain_id)
    const admin = await as({ 'x-auth-token': await keystone.token('admin') })
    t.ok(admin.is_admin)
    t.ok(policy.allows(admin, 'publicize_image', {}))
  })

  await t.test('X-Storage-Token is another name for it; X-Auth-Token goes first', async t => {
    t.equal((await as({ 'x-storage-token': alice })).user_name, 'alice')
    const err = await failure(as({ 'x-auth-token': 'nonsense', 'x-storage-token': alice }))
    t.equal(err.status, 401)
  })

  await t.test('everything else is 401 with where Keystone is', async t => {
    const bad = [
      '',
      'nonsense',
      `${alice}x`,
      alice.slice(0, -1),
      'a b',
      'tök',
      'x\r\nX-Auth-Token: y',
      'x'.repeat(8193),
      'x'.repeat(100_000),
      `${alice}, ${alice}`,
      '/../..',
    ]
    for (const token of bad) {
      const err = await failure(as({ 'x-auth-token': token }))
      t.equal(err.status, 401, token.slice(0, 40))
      t.equal(err.headers['WWW-Authenticate'], `Keystone uri="${keystone.url}"`)
    }
    t.equal((await failure(as({}))).status, 401)
  })

  await t.test('identity headers from the wire change nothing', async t => {
    const claims = {
      'x-identity-status': 'Confirmed',
      'x-service-identity-status': 'Confirmed',
      'x-roles': 'admin',
      'x-role': 'admin',
      'x-service-roles': 'service',
      'x-project-id': 'stolen',
      'x-tenant-id': 'stolen',
      'x-tenant': 'stolen',
      'x-user-id': 'mallory',
      'x-domain-id': 'stolen',
      'openstack-system-scope': 'all',
      'x-is-admin-project': 'True',
      'x-service-catalog': '{malformed',
    }
    t.same(await as({ ...claims, 'x-auth-token': alice }), await as({ 'x-auth-token': alice }))
    t.equal((await failure(as(claims))).status, 401)
  })

  await t.test(
    'a system-scoped admin passes no rule of an operation; an unscoped token has no project',
    async t => {
      const system = await as({ 'x-auth-token': await keystone.token('admin', 'system') })
      t.equal(system.system_scope, 'all')
      t.equal(system.project_id, null)
      t.notOk(policy.allows(system, 'get_images', { project_id: null }))
      const unscoped = await as({ 'x-auth-token': await keystone.token('alice', 'unscoped') })
      t.match(unscoped, { project_id: null, roles: [], user_name: 'alice' })
    },
  )

  await t.test('a valid service token shows in the caller, and adds nothing to the roles', async t => {
    const svc = await keystone.token('svc')
    const caller = await as({ 'x-auth-token': alice, 'x-service-token': svc })
    t.same(caller.service_roles, ['service'])
    t.match(caller.service, { user_id: /^[0-9a-f]{32}$/, project_domain_id: 'default' })
    t.same([...caller.roles].sort(), ['member', 'reader'])
    t.notOk(policy.allows(caller, 'fetch_image_location', {}))
  })

  await t.test('a service token that is none, or lacks the role, is dropped', async t => {
    for (const token of ['nonsense', await keystone.token('bob'), '', 'a b']) {
      const caller = await as({ 'x-auth-token': alice, 'x-service-token': token })
      t.same(caller.service_roles, [])
      t.equal(caller.service, undefined)
      t.equal(caller.user_name, 'alice')
    }
    t.equal(
      (await failure(as({ 'x-auth-token': 'nonsense', 'x-service-token': await keystone.token('svc') })))
        .status,
      401,
    )
    t.equal((await failure(as({ 'x-service-token': await keystone.token('svc') }))).status, 401)
  })

  await t.test('a revoked token is refused once it is no longer believed', async t => {
    const { as: unbelieving } = open(t, keystone, { cacheSeconds: 0 })
    const { as: briefly } = open(t, keystone, { cacheSeconds: 5 })
    const token = await keystone.token('alice')
    await unbelieving({ 'x-auth-token': token })
    await briefly({ 'x-auth-token': token })
    await keystone.revoke(token)
    t.equal((await failure(unbelieving({ 'x-auth-token': token }))).status, 401, 'nothing is believed')
    t.equal((await briefly({ 'x-auth-token': token })).user_name, 'alice', 'believed for five seconds')
    await sleep(5100)
    t.equal((await failure(briefly({ 'x-auth-token': token }))).status, 401, 'and no longer')
  })

  await t.test('it is ready', async t => {
    await t.resolves(auth.check(AbortSignal.timeout(20_000)))
  })

  await t.test(
    'a wrong service account is 503, not 401, says so in the log and is not tried over and over',
    async t => {
      const proxy = await relay(t, keystone.url)
      const wrong = open(t, keystone, { url: proxy.url, password: 'wrong' })
      for (let i = 0; i < 5; i++) t.type(await failure(wrong.as({ 'x-auth-token': alice })), Unavailable)
      t.ok(proxy.requests <= 2, `${proxy.requests} requests`)
      t.match(wrong.logged.join(), 'refuses')
      t.notMatch(wrong.logged.join(), 'wrong"')
      await t.rejects(wrong.auth.check(AbortSignal.timeout(20_000)), Unavailable)
      const powerless = open(t, keystone, { username: 'alice', password: 'alice' })
      t.equal((await failure(powerless.as({ 'x-auth-token': alice }))).status, 503)
    },
  )

  await t.test('many requests with one token ask Keystone once, with a bad one, too', async t => {
    const proxy = await relay(t, keystone.url)
    const { as, auth } = open(t, keystone, { url: proxy.url })
    await auth.check(AbortSignal.timeout(20_000))
    const asked = async (token: string) => {
      let answers = 0
      const before = proxy.requests
      await Promise.all(
        Array.from({ length: 200 }, () =>
          as({ 'x-auth-token': token }).then(
            () => answers++,
            () => answers++,
          ),
        ),
      )
      for (let i = 0; i < 200; i++) await as({ 'x-auth-token': token }).catch(() => {})
      t.equal(answers, 200)
      return proxy.requests - before
    }
    t.equal(await asked(await keystone.token('carol')), 1)
    t.equal(await asked('nonsense'), 1)
  })

  await t.test('a believed token costs a look-up: tens of thousands in a second', async t => {
    const headers = { 'x-auth-token': alice }
    await as(headers)
    const start = process.hrtime.bigint()
    for (let i = 0; i < 20_000; i++) await as(headers)
    const ms = Number(process.hrtime.bigint() - start) / 1e6
    t.comment(`${Math.round(20_000 / ms)} per millisecond`)
    t.ok(ms < 2000, `${ms} ms`)
  })

  t.notMatch(logged.join(), /gAAAA/, 'no token is logged, at no level')
})
