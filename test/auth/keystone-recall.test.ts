/** What is left of a caller later, without their token: asked of a real Keystone. */
import pino from 'pino'
import t, { type Test } from 'tap'
import { type Caller, nobody } from '../../src/auth/caller.js'
import { openKeystoneClient } from '../../src/auth/keystone-client.js'
import { openRecall } from '../../src/auth/keystone-recall.js'
import { Unavailable } from '../../src/errors.js'
import { noOwnKeystone, ownKeystone } from '../helpers/keystone.js'
import { failure, open } from './keystone-setup.js'

t.setTimeout(120_000)

t.test('a Keystone of its own', { skip: noOwnKeystone }, async t => {
  const keystone = await ownKeystone(t)
  const { as } = open(t, keystone)
  const idOf = async (kind: string, name: string) => {
    const found = await keystone.asAdmin('GET', `/${kind}?name=${name}`)
    return (found[kind] as { id: string }[])[0]!.id
  }
  const callerOf = async (name: 'alice' | 'carol' | 'dora'): Promise<Caller> => ({
    ...(await as({ 'x-auth-token': await keystone.token(name) })),
    token: null,
  })

  /** Asks as `account`, with a clock that the test moves. */
  function recaller(t: Test, account: 'nova' | 'svc', believedMs = 300_000) {
    const logged: string[] = []
    const log = pino({ level: 'trace' }, { write: (line: string) => void logged.push(line) })
    const client = openKeystoneClient(
      {
        keystone_url: keystone.url,
        keystone_username: account,
        keystone_password: account,
        keystone_project: 'service',
        keystone_user_domain: 'default',
        keystone_project_domain: 'default',
        keystone_ca_file: null,
      },
      log,
      { timeoutMs: 20_000 },
    )
    t.teardown(() => client.close())
    const clock = { now: Date.now() }
    const recall = openRecall(client, log, { believedMs, patienceMs: 60_000, now: () => clock.now })
    /** After the minute for which answers count. */
    const later = async (kept: Caller) => {
      clock.now += 61_000
      return recall(kept)
    }
    return { recall, later, clock, logged }
  }
  const sorted = (roles: readonly string[] = []) => [...roles].toSorted()

  await t.test('who is as before has what was kept, and nothing that came since', async t => {
    const { recall, later } = recaller(t, 'nova')
    const alice = await callerOf('alice')
    t.same(sorted((await recall(alice))?.roles), ['member', 'reader'])
    const path = `/projects/${alice.project_id}/users/${alice.user_id}/roles/${await idOf('roles', 'admin')}`
    await keystone.asAdmin('PUT', path)
    t.same(sorted((await later(alice))?.roles), ['member', 'reader'])
    await keystone.asAdmin('DELETE', path)
  })

  await t.test('a role that was taken away is gone within a minute', async t => {
    const { recall, later } = recaller(t, 'nova')
    const carol = await callerOf('carol')
    t.same(sorted((await recall(carol))?.roles), ['member', 'reader'])
    const path = `/projects/${carol.project_id}/users/${carol.user_id}/roles/${await idOf('roles', 'member')}`
    await keystone.asAdmin('DELETE', path)
    t.same(sorted((await recall(carol))?.roles), ['member', 'reader'], 'Keystone is asked every minute only')
    t.same((await later(carol))?.roles, [])
    await keystone.asAdmin('PUT', path)
    t.same(sorted((await later(carol))?.roles), ['member', 'reader'])
  })

  await t.test('a group that was left is gone, those that Keystone does not know of stay', async t => {
    const { recall, later } = recaller(t, 'nova')
    const builders = await idOf('groups', 'builders')
    const alice = { ...(await callerOf('alice')), groups: [builders] }
    t.same((await recall(alice))?.groups, [builders])
    await keystone.asAdmin('DELETE', `/groups/${builders}/users/${alice.user_id}`)
    t.same((await later(alice))?.groups, [])
    const federated = { ...alice, federated: true as const, roles: ['member'] }
    t.match(await later(federated), { groups: [builders], roles: ['member'] })
    await keystone.asAdmin('PUT', `/groups/${builders}/users/${alice.user_id}`)
  })

  await t.test('who could get no token any more is nobody', async t => {
    const { recall, later } = recaller(t, 'nova')
    const dora = await callerOf('dora')
    t.ok(await recall(dora))
    const switches: [kind: string, id: string | null][] = [
      ['user', dora.user_id],
      ['project', dora.project_id],
      ['domain', dora.user_domain_id],
    ]
    for (const [kind, id] of switches) {
      await keystone.asAdmin('PATCH', `/${kind}s/${id}`, { [kind]: { enabled: false } })
      t.equal(await later(dora), null, `${kind} disabled`)
      await keystone.asAdmin('PATCH', `/${kind}s/${id}`, { [kind]: { enabled: true } })
      t.ok(await later(dora), `${kind} enabled`)
    }
    t.equal(await recall({ ...dora, user_id: 'f'.repeat(32) }), null, 'a user that is no more')
  })

  await t.test('what the service account may not read stays as it was kept, which is said once', async t => {
    const { recall, later, logged } = recaller(t, 'svc')
    const alice = { ...(await callerOf('alice')), groups: ['a-group'] }
    await keystone.asAdmin('PATCH', `/users/${alice.user_id}`, { user: { enabled: false } })
    t.match(await recall(alice), { roles: alice.roles, groups: ['a-group'] })
    t.ok(await later(alice))
    await keystone.asAdmin('PATCH', `/users/${alice.user_id}`, { user: { enabled: true } })
    const said = logged.filter(line => line.includes('does not let')).map(line => JSON.parse(line).msg)
    t.equal(new Set(said).size, said.length, said.join('\n'))
    t.ok(said.some(text => text.includes('read users')))
    t.ok(said.some(text => text.includes('read role assignments')))
    t.notMatch(logged.join(''), keystone.url.replace('http://', 'svc:'))
  })

  await t.test('while Keystone is away the last answer counts for a while', async t => {
    const { recall, later, clock } = recaller(t, 'nova', 120_000)
    const alice = await callerOf('alice')
    const carol = await callerOf('carol')
    t.ok(await recall(alice))
    await keystone.stop()
    t.ok(await later(alice))
    clock.now += 60_000
    t.ok(await recall(alice))
    t.type(await failure(recall(carol)), Unavailable, 'nobody is believed unseen')
    clock.now += 60_000
    t.type(await failure(recall(alice)), Unavailable)
    await keystone.start()
    t.ok(await recall(alice))
    t.match(await recall({ ...nobody, user_id: alice.user_id }), { roles: [] })
  })
})
