import { renameSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import t from 'tap'
import { Unavailable } from '../../src/errors.js'
import { noOwnKeystone, ownKeystone } from '../helpers/keystone.js'
import { failure, open, relay } from './keystone-setup.js'

// A Keystone takes seconds to start, and this starts several.
t.setTimeout(110_000)

t.test('tokens that end soon', { skip: noOwnKeystone }, async t => {
  const keystone = await ownKeystone(t, { tokenSeconds: 8 })
  const { as, logged } = open(t, keystone)
  const alice = await keystone.token('alice')
  t.equal((await as({ 'x-auth-token': alice })).user_name, 'alice')

  await t.test("the service account's token is renewed in time", async t => {
    const { as } = open(t, keystone, { cacheSeconds: 0 })
    for (const start = Date.now(); Date.now() - start < 15_000; await sleep(1000))
      t.equal((await as({ 'x-auth-token': await keystone.token('carol') })).user_name, 'carol')
  })

  await t.test(
    'an expired token is refused although believed longer; a service may still act for it',
    async t => {
      t.equal((await failure(as({ 'x-auth-token': alice }))).status, 401)
      const caller = await as({ 'x-auth-token': alice, 'x-service-token': await keystone.token('svc') })
      t.match(caller, { user_name: 'alice', service_roles: ['service'] })
      t.equal((await failure(as({ 'x-auth-token': alice }))).status, 401, 'which helps nobody else')
      const lacking = { 'x-auth-token': alice, 'x-service-token': await keystone.token('bob') }
      t.equal((await failure(as(lacking))).status, 401, 'a service token without the role does not do')
      const late = { 'x-auth-token': await keystone.token('bob'), 'x-service-token': alice }
      t.match(await as(late), { user_name: 'bob', service_roles: [] }, 'an expired service token is dropped')
    },
  )

  t.notMatch(logged.join(), /gAAAA/)
})

t.test('Keystone away', { skip: noOwnKeystone }, async t => {
  const keystone = await ownKeystone(t)
  const proxy = await relay(t, keystone.url)
  const setup = { url: proxy.url, timeoutMs: 3000 }
  const { as, auth, logged } = open(t, keystone, setup)
  const alice = await keystone.token('alice')
  const bob = await keystone.token('bob')
  const carol = await keystone.token('carol')
  await as({ 'x-auth-token': alice })

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
    await keystone.stop()
    renameSync(database, `${database}.away`)
    await keystone.start()
    t.equal((await failure(as({ 'x-auth-token': alice }))).status, 503)
    await keystone.stop()
    renameSync(`${database}.away`, database)
    await keystone.start()
    t.equal((await as({ 'x-auth-token': alice })).user_name, 'alice')
  })

  t.notMatch(logged.join(), /gAAAA/)
})
