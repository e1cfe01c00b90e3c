import { setTimeout as sleep } from 'node:timers/promises'
import t from 'tap'
import { noOwnKeystone, ownKeystone } from '../helpers/keystone.js'
import { failure, open } from './keystone-setup.js'

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
