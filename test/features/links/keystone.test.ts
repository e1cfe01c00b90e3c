/** Links of users of a real Keystone: they end with what Keystone takes from their makers. */
import { randomBytes } from 'node:crypto'
import t from 'tap'
import { openKeystone } from '../../../src/auth/keystone.js'
import { startApp } from '../../helpers/app.js'
import { client } from '../../helpers/client.js'
import { noOwnKeystone, ownKeystone, type Person } from '../../helpers/keystone.js'
import { until } from '../../helpers/left.js'
import { begin, endedTransfer, makeLink, type TestLink } from '../../helpers/links.js'

t.setTimeout(300_000)
const MiB = 2 ** 20

t.test('a Keystone of its own', { skip: noOwnKeystone }, async t => {
  const keystone = await ownKeystone(t)
  const idOf = async (kind: string, name: string) => {
    const found = await keystone.asAdmin('GET', `/${kind}?name=${name}`)
    return (found[kind] as { id: string }[])[0]!.id
  }

  const server = await startApp(
    t,
    {
      auth: 'keystone',
      keystone_url: keystone.url,
      keystone_username: 'nova',
      keystone_password: 'nova',
      keystone_project: 'service',
    },
    {
      // asks about makers at each request
      change: ({ config, log, policy }) => ({
        auth: { mode: 'keystone', ...openKeystone(config, log, policy.isAdmin, { recallMs: 0 }) },
      }),
    },
  )
  const as = async (person: Person) =>
    client(server.app, server.port, { 'x-auth-token': await keystone.token(person) })
  const status = async ({ url }: TestLink) => (await fetch(url, { method: 'HEAD' })).status
  // a slow Keystone makes a 503 in between
  const comes = (link: TestLink, wanted: number) =>
    until(async () => (await status(link)) === wanted, `status ${wanted}`, 60)

  const alice = await as('alice')

  await t.test("a disabled user's links end, transfers under way, too", async t => {
    const large = randomBytes(32 * MiB)
    const { id } = await alice.createActive(large)
    const carol = await as('carol')
    const links = { alice: await makeLink(alice, id), carol: await makeLink(carol, id) }
    for (const link of Object.values(links)) t.ok(await comes(link, 200))
    const reading = await begin(links.carol.url)
    const path = `/users/${await idOf('users', 'carol')}`
    await keystone.asAdmin('PATCH', path, { user: { enabled: false } })
    t.notOk((await endedTransfer(server, links.carol, reading)).complete)
    t.ok(await comes(links.carol, 404))
    t.ok(await comes(links.alice, 200), "others' do not")
    await keystone.asAdmin('PATCH', path, { user: { enabled: true } })
    t.ok(await comes(links.carol, 200))
  })

  await t.test('so do those of whom a role was taken from', async t => {
    const { id } = await alice.createActive(Buffer.from('bytes'))
    const link = await makeLink(await as('carol'), id)
    const at = `/projects/${await idOf('projects', 'demo')}/users/${await idOf('users', 'carol')}`
    const role = `${at}/roles/${await idOf('roles', 'member')}`
    await keystone.asAdmin('DELETE', role)
    t.ok(await comes(link, 404))
    await keystone.asAdmin('PUT', role)
    t.ok(await comes(link, 200))
  })

  await t.test('and those of who left the group that an image is shared with', async t => {
    const { id } = await alice.createActive(Buffer.from('bytes'), { visibility: 'shared' })
    const group = await idOf('groups', 'builders')
    const shared = await alice.post(`/v2/images/${id}/shares`, { kind: 'group', target: group })
    t.equal(shared.status, 201)
    const link = await makeLink(await as('bob'), id)
    t.ok(await comes(link, 200))
    const path = `/groups/${group}/users/${await idOf('users', 'bob')}`
    await keystone.asAdmin('DELETE', path)
    t.ok(await comes(link, 404))
    await keystone.asAdmin('PUT', path)
    t.ok(await comes(link, 200))
    await alice.delete(`/v2/images/${id}/shares/${shared.json.id}`)
    t.ok(await comes(link, 404))
  })
})
