/** Groups of Keystone's users: who is shown what, how often Keystone is asked, and when leaving a group counts. */
import { once } from 'node:events'
import { type AddressInfo, connect, createServer } from 'node:net'
import t from 'tap'
import { startApp, type TestApp } from '../../helpers/app.js'
import { type Client, client } from '../../helpers/client.js'
import { noOwnKeystone, ownKeystone, type Person, type TestKeystone } from '../../helpers/keystone.js'

t.setTimeout(240_000)

/** A TCP relay that keeps what was asked of Keystone, and can refuse everybody. */
async function relay(t: { teardown(fn: () => unknown): void }, target: string) {
  const state = { asked: [] as string[], away: false }
  const server = createServer(socket => {
    if (state.away) return socket.destroy()
    const upstream = connect(Number(new URL(target).port), '127.0.0.1')
    socket.on('data', chunk => {
      if (state.away) return socket.destroy()
      const line = /^([A-Z]+ \S+) HTTP/.exec(chunk.toString('latin1'))?.[1]
      if (line) state.asked.push(line.replace(/\?.*/, ''))
      upstream.write(chunk)
    })
    upstream.on('data', chunk => socket.write(chunk))
    socket.on('close', () => upstream.destroy())
    upstream.on('close', () => socket.end())
    for (const one of [socket, upstream]) one.on('error', () => one.destroy())
    return undefined
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.teardown(() => server.close())
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/v3`
  const groupsAsked = () => state.asked.filter(line => /\/users\/[^/]+\/groups$/.test(line)).length
  return Object.assign(state, { url, groupsAsked })
}

/** Vitrine with that Keystone, and a client for a token. */
async function start(t: Parameters<typeof startApp>[0], url: string, seconds: number) {
  const server = await startApp(
    t,
    {
      auth: 'keystone',
      keystone_url: url,
      keystone_username: 'nova',
      keystone_password: 'nova',
      keystone_project: 'service',
      group_cache_seconds: seconds,
    },
    { change: opened => ({ auth: opened.auth }) },
  )
  return { server, as: (token: string) => client(server.app, server.port, { 'x-auth-token': token }) }
}

const idOf = async (
  keystone: TestKeystone,
  kind: 'users' | 'groups' | 'domains' | 'projects',
  name: string,
) => {
  const found = (await keystone.asAdmin('GET', `/${kind}?name=${name}`)) as Record<string, { id: string }[]>
  return found[kind]![0]!.id
}

t.test('with a real Keystone', { skip: noOwnKeystone }, async t => {
  const keystone = await ownKeystone(t)
  const builders = await idOf(keystone, 'groups', 'builders')
  const tokens = new Map<Person, string>()
  for (const person of ['admin', 'alice', 'carol', 'bob', 'dora'] as const)
    tokens.set(person, await keystone.token(person))
  const everybody = (as: (token: string) => Client) =>
    Object.fromEntries([...tokens].map(([person, token]) => [person, as(token)])) as Record<Person, Client>
  const sees = async (who: Client, id: string) => ({
    list: (await who.get(`/v2/images?id=${id}`)).json.images.length,
    show: (await who.get(`/v2/images/${id}`)).status,
    members: (await who.get(`/v2/images/${id}/members`)).status,
  })
  const yes = { list: 1, show: 200, members: 200 }
  const no = { list: 0, show: 404, members: 404 }

  await t.test(
    'plain members of a group are recipients; nobody is asked before there is a group share',
    async t => {
      const wire = await relay(t, keystone.url)
      const { as } = await start(t, wire.url, 60)
      const { alice, bob, carol, dora, admin } = everybody(as)
      const { id } = await alice.create()
      t.strictSame(await sees(bob, id), no)
      t.strictSame(await sees(dora, id), no)
      const east = await idOf(keystone, 'domains', 'east')
      const toDomain = await admin.post(`/v2/images/${id}/shares`, { kind: 'domain', target: east })
      t.equal(toDomain.status, 201)
      t.strictSame(await sees(dora, id), yes, 'the domain of her project')
      t.strictSame(await sees(bob, id), no)
      t.equal(wire.groupsAsked(), 0)
      t.equal((await carol.post(`/v2/images/${id}/shares`, { kind: 'group', target: builders })).status, 403)
      t.equal((await bob.post(`/v2/images/${id}/shares`, { kind: 'group', target: builders })).status, 404)
      const made = await alice.post(`/v2/images/${id}/shares`, { kind: 'group', target: builders })
      t.equal(made.status, 201)
      t.equal(wire.groupsAsked(), 2, "carol's, alice's")
      t.strictSame(await sees(bob, id), yes)
      t.equal((await bob.delete(`/v2/images/${id}`)).status, 403)
      t.equal((await bob.put(`/v2/images/${id}/tags/x`)).status, 403)
      t.match((await bob.get(`/v2/images/${id}/members`)).json.members, [
        { member_id: await idOf(keystone, 'projects', 'other'), status: 'accepted' },
      ])
      for (let n = 0; n < 10; n++) t.strictSame(await sees(bob, id), yes)
      t.equal(wire.groupsAsked(), 3, 'believed for a while')
      const hidden = await carol.create({ visibility: 'private' })
      t.strictSame(await sees(bob, hidden.id), no)
      t.equal((await alice.delete(`/v2/images/${id}/shares/${made.json.id}`)).status, 204)
      t.strictSame(await sees(bob, id), no, 'at once')
    },
  )

  await t.test('who changes or deletes without having looked is told 403, not 404', async t => {
    const { as } = await start(t, keystone.url, 0)
    const { alice, bob, dora } = everybody(as)
    const { id } = await alice.create()
    await alice.post(`/v2/images/${id}/shares`, { kind: 'group', target: builders })
    for (const [who, status] of [
      [bob, 403],
      [dora, 404],
    ] as const) {
      t.equal((await who.delete(`/v2/images/${id}`)).status, status)
      t.equal((await who.put(`/v2/images/${id}/tags/x`)).status, status)
      t.equal((await who.patch(`/v2/images/${id}`, [{ op: 'add', path: '/x', value: 'y' }])).status, status)
      t.equal((await who.post(`/v2/images/${id}/actions/deactivate`)).status, status)
    }
    t.equal((await bob.get(`/v2/images?marker=${id}`)).status, 200)
    t.equal((await dora.get(`/v2/images?marker=${id}`)).status, 403)
  })

  await t.test(
    'who leaves a group sees nothing of it when the time for which it is believed is over',
    async t => {
      const seconds = 3
      const { as } = await start(t, keystone.url, seconds)
      const { alice, bob } = everybody(as)
      const { id } = await alice.create()
      await alice.post(`/v2/images/${id}/shares`, { kind: 'group', target: builders })
      t.strictSame(await sees(bob, id), yes)
      const user = await idOf(keystone, 'users', 'bob')
      const membership = `/groups/${builders}/users/${user}`
      await keystone.asAdmin('DELETE', membership)
      t.teardown(() => keystone.asAdmin('PUT', membership))
      const left = Date.now()
      const late: unknown[] = []
      let last: number
      do {
        last = Date.now() - left
        const [listed, shown] = await Promise.all([
          bob.get(`/v2/images?id=${id}`),
          bob.get(`/v2/images/${id}`),
        ])
        const seen = { list: listed.json.images.length, show: shown.status }
        // whatever the machine is busy with: a request that begins after the time is over finds nothing
        if (last > seconds * 1000 && (seen.list !== 0 || seen.show !== 404)) late.push({ last, ...seen })
      } while (last <= seconds * 1000)
      t.strictSame(late, [])
      await keystone.asAdmin('PUT', membership)
      await until(async () => (await bob.get(`/v2/images/${id}`)).status === 200)
      t.strictSame((await sees(bob, id)).list, 1, 'and who comes back sees it again')
    },
  )

  await t.test(
    'while Keystone is away, whose groups matter and are not known is told 503, others are served',
    async t => {
      const wire = await relay(t, keystone.url)
      const { as, server } = await start(t, wire.url, 0)
      // leaving a group has ended his token
      tokens.set('bob', await keystone.token('bob'))
      const { alice, bob, admin } = everybody(as)
      const { id } = await alice.create()
      const own = await bob.create()
      await alice.post(`/v2/images/${id}/shares`, { kind: 'group', target: builders })
      await admin.get('/v2/images')
      wire.away = true
      t.equal((await bob.get(`/v2/images/${own.id}`)).status, 200)
      t.equal((await bob.get(`/v2/images/${id}`)).status, 503)
      t.equal((await bob.get('/v2/images')).status, 503)
      t.equal((await admin.get('/v2/images')).status, 200)
      wire.away = false
      await until(async () => (await bob.get(`/v2/images/${id}`)).status === 200)
      t.notOk(hasToken(server, tokens), 'no token is logged')
    },
  )
})

const hasToken = ({ logs }: TestApp, tokens: ReadonlyMap<Person, string>) =>
  [...tokens.values()].some(token => JSON.stringify(logs).includes(token))

async function until(holds: () => Promise<boolean>): Promise<void> {
  for (let n = 0; n < 600; n++) {
    if (await holds()) return
    await new Promise(resolve => setTimeout(resolve, 50))
  }
  throw new Error('it does not come to hold')
}
