import { sql } from 'kysely'
import t from 'tap'
import type { Deps } from '../../src/deps.js'
import { consumers } from '../../src/features/consumers/index.js'
import { MAX_CONSUMERS } from '../../src/features/consumers/register.js'
import { admin, alice, bob, rita, startApp } from '../helpers/app.js'
import type { Client } from '../helpers/client.js'

t.setTimeout(240_000)

/** What the clock shows is what the test says: hours are added to it. */
let ahead = 0
const now = () => new Date(Date.now() + ahead * 3_600_000)
const inHours = (hours: number) => new Date(now().getTime() + hours * 3_600_000).toISOString()

const server = await startApp(t, {}, { change: (): Partial<Deps> => ({ now }) })
const root = server.as(admin)
const owner = server.as(alice)

const nova = { user_id: 'nova', project_id: 'service', roles: ['service'] }
const actors: Record<string, Client> = {
  owner,
  'a colleague': server.as({ user_id: 'carol', project_id: 'alpha' }),
  'owner, reader only': server.as(rita),
  recipient: server.as(bob),
  'a service of its own': server.as(nova),
  'a service for beta': server.as({ ...bob, service_roles: ['service'] }),
  admin: root,
  stranger: server.as({ user_id: 'greta', project_id: 'gamma' }),
}

/** An active image of alpha that is shared with beta. */
async function shared() {
  const { id } = await owner.createActive()
  await owner.post(`/v2/images/${id}/members`, { member: 'beta' })
  return { id, at: `/v2/images/${id}/consumers` }
}

const use = (who: Client, at: string, id: string, body: unknown = { type: 'server' }) =>
  who.put(`${at}/${id}`, body)

t.test('registered comes as 201, again as 200, and is shown', async t => {
  const { id, at } = await shared()
  const made = await use(owner, at, 'vm-1', { type: 'server', name: 'web 1', expires_at: inHours(2) })
  t.equal(made.status, 201)
  t.match(made.json.created_at, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/)
  t.match(made.json, {
    id: 'vm-1',
    image_id: id,
    type: 'server',
    name: 'web 1',
    project_id: 'alpha',
    created_by: 'alice',
  })
  const again = await use(owner, at, 'vm-1', { type: 'volume' })
  t.equal(again.status, 200)
  t.strictSame(again.json, {
    ...made.json,
    type: 'volume',
    name: null,
    expires_at: null,
    updated_at: again.json.updated_at,
  })
  t.strictSame((await owner.get(at)).json, { consumers: [again.json], others: 0 })
  t.equal((await owner.delete(`${at}/vm-1`)).status, 204)
  t.equal((await owner.delete(`${at}/vm-1`)).status, 404)
  t.strictSame((await owner.get(at)).json, { consumers: [], others: 0 })
})

t.test('who may do what', async t => {
  type Row = Record<keyof typeof actors, number>
  const expected: Record<string, Row> = {
    register: {
      owner: 201,
      'a colleague': 201,
      'owner, reader only': 403,
      recipient: 403,
      'a service of its own': 404,
      'a service for beta': 201,
      admin: 201,
      stranger: 404,
    },
    list: {
      owner: 200,
      'a colleague': 200,
      'owner, reader only': 200,
      recipient: 200,
      'a service of its own': 404,
      'a service for beta': 200,
      admin: 200,
      stranger: 404,
    },
    "register alice's again": {
      owner: 200,
      'a colleague': 200,
      'owner, reader only': 403,
      recipient: 403,
      'a service of its own': 404,
      'a service for beta': 200,
      admin: 200,
      stranger: 404,
    },
    "remove alice's": {
      owner: 204,
      'a colleague': 204,
      'owner, reader only': 403,
      recipient: 404,
      'a service of its own': 204,
      'a service for beta': 204,
      admin: 204,
      stranger: 404,
    },
    "remove bob's": {
      owner: 404,
      'a colleague': 404,
      'owner, reader only': 404,
      recipient: 204,
      'a service of its own': 204,
      'a service for beta': 204,
      admin: 204,
      stranger: 404,
    },
    'remove nothing': {
      owner: 404,
      'a colleague': 404,
      'owner, reader only': 404,
      recipient: 404,
      'a service of its own': 404,
      'a service for beta': 404,
      admin: 404,
      stranger: 404,
    },
  }
  const acts: Record<string, (who: Client, at: string) => Promise<{ status: number }>> = {
    register: (who, at) => use(who, at, 'new'),
    list: (who, at) => who.get(at),
    "register alice's again": (who, at) => use(who, at, 'of-alice'),
    "remove alice's": (who, at) => who.delete(`${at}/of-alice`),
    "remove bob's": (who, at) => who.delete(`${at}/of-bob`),
    'remove nothing': (who, at) => who.delete(`${at}/nothing`),
  }
  for (const [act, row] of Object.entries(expected))
    for (const [actor, status] of Object.entries(row)) {
      const { at } = await shared()
      await use(owner, at, 'of-alice')
      await use(actors['a service for beta']!, at, 'of-bob')
      t.equal((await acts[act]!(actors[actor]!, at)).status, status, `${actor}: ${act}`)
    }
})

t.test('a service by its own token registers where it sees the image', async t => {
  const { id } = await owner.createActive()
  await root.patch(`/v2/images/${id}`, [{ op: 'replace', path: '/visibility', value: 'public' }])
  const service = actors['a service of its own']!
  const at = `/v2/images/${id}/consumers`
  t.equal((await use(service, at, 'vm')).status, 201)
  t.equal((await service.get(at)).json.consumers.length, 1)
  t.strictSame((await owner.get(at)).json, { consumers: [], others: 1 })
  await root.patch(`/v2/images/${id}`, [{ op: 'replace', path: '/visibility', value: 'private' }])
  t.equal((await service.get(at)).status, 404)
  t.equal(
    (await service.delete(`${at}/vm`)).status,
    204,
    'what it made, it removes, although it is private now',
  )
})

t.test("each project is shown its own consumers and the others' number", async t => {
  const { at } = await shared()
  for (const n of [1, 2, 3]) await use(owner, at, `a${n}`)
  for (const n of [1, 2]) await use(actors['a service for beta']!, at, `b${n}`)
  const seen = async (who: Client) => {
    const { consumers, others } = (await who.get(at)).json
    return [consumers.map((one: { id: string }) => one.id).join(), others]
  }
  t.strictSame(await seen(owner), ['a1,a2,a3', 2])
  t.strictSame(await seen(actors['owner, reader only']!), ['a1,a2,a3', 2])
  t.strictSame(await seen(actors.recipient!), ['b1,b2', 3])
  t.strictSame(await seen(root), ['a1,a2,a3,b1,b2', 0])
})

t.test('pages', async t => {
  const { id, at } = await shared()
  const ids = ['a', 'a/b', 'b c', 'd&e=f', 'ä', '漢']
  for (const one of ids) t.equal((await use(owner, at, encodeURIComponent(one))).status, 201, one)
  const found: string[] = []
  let next: string | undefined = `${at}?limit=2`
  for (let page = 0; next; page++) {
    t.ok(page < 3)
    const { json } = await owner.get(next)
    found.push(...json.consumers.map((one: { id: string }) => one.id))
    next = json.next
  }
  t.strictSame(found, ids)
  t.strictSame((await owner.get(`${at}?limit=0`)).json, { consumers: [], others: 0 })
  t.equal((await owner.get(`${at}?limit=6`)).json.next, undefined, 'nothing follows a full page')
  for (const [query, status] of [
    ['limit=x', 400],
    ['limit=-1', 400],
    ['marker=%00', 400],
    ['marker=%ff', 400],
    [`marker=${'z'.repeat(5000)}`, 200],
    ['limit=99999999999', 200],
  ] as const)
    t.equal((await owner.get(`${at}?${query}`)).status, status, query.slice(0, 40))
  for (const one of ids)
    t.equal((await owner.delete(`/v2/images/${id}/consumers/${encodeURIComponent(one)}`)).status, 204, one)
})

t.test('bad input', async t => {
  const { id, at } = await shared()
  for (const body of [
    {},
    [],
    'x',
    '',
    { type: '' },
    { type: 5 },
    { type: null },
    { type: 't'.repeat(256) },
    { type: 'a\0' },
    { type: '😀' },
    { type: 'server', name: 'n'.repeat(256) },
    { type: 'server', name: 5 },
    { type: 'server', name: '\ud800' },
    { type: 'server', more: 1 },
    { type: 'server', expires_at: 'tomorrow' },
    { type: 'server', expires_at: 5 },
    { type: 'server', expires_at: '2031-02-31T00:00:00' },
    { type: 'server', expires_at: '2031-13-01T00:00:00Z' },
    { type: 'server', expires_at: '2031-02-30T00:00:00Z' },
    { type: 'server', expires_at: '9999-12-31T23:59:59-23:59' },
    { type: 'server', expires_at: '+275761-01-01T00:00:00Z' },
    { type: 'server', expires_at: inHours(-1) },
    { type: 'server', expires_at: '0000-01-01T00:00:00Z' },
  ])
    t.equal((await use(owner, at, 'vm', body)).status, 400, JSON.stringify(body))
  for (const [odd, status] of [
    ['%00', 400],
    ['a%00b', 400],
    ['x'.repeat(256), 400],
    ['%F0%9F%98%80', 400],
    ['%ff', 400],
    ['', 404],
    ['a/b', 404],
    ['x'.repeat(255), 201],
    ['%2F', 201],
    ['a%2F..%2Fb', 201],
    ['%E6%BC%A2', 201],
    ["'--", 201],
    ['%25', 201],
  ] as const) {
    t.equal((await use(owner, at, odd)).status, status, `PUT ${odd}`)
    const gone = status === 201 ? 204 : odd === '%ff' ? 400 : 404
    t.equal((await owner.delete(`${at}/${odd}`)).status, gone, `DELETE ${odd}`)
  }
  for (const odd of ['nothing', '%00', 'x'.repeat(300), '%E2%82%AC'])
    for (const answer of [
      await owner.get(`/v2/images/${odd}/consumers`),
      await use(owner, `/v2/images/${odd}/consumers`, 'vm'),
      await owner.delete(`/v2/images/${odd}/consumers/vm`),
      await owner.get(`/v2/images/${odd}/launch-defaults`),
      await owner.put(`/v2/images/${odd}/launch-defaults`, {}),
    ])
      t.equal(answer.status, 404, odd)
  t.equal((await owner.get(`${at}/vm`)).status, 405)
  t.equal((await owner.post(at, {})).status, 405)
  await owner.delete(`/v2/images/${id}`)
  t.equal((await owner.get(at)).status, 404)
})

t.test('only an active image can be used; who uses it already may say so again', async t => {
  const queued = await owner.create()
  const refused = await use(owner, `/v2/images/${queued.id}/consumers`, 'vm')
  t.equal(refused.status, 409)
  t.match(refused.text, 'queued')
  const { id, at } = await shared()
  await use(owner, at, 'vm')
  await owner.post(`/v2/images/${id}/actions/deactivate`)
  t.equal((await use(owner, at, 'other')).status, 409)
  t.equal((await use(owner, at, 'vm')).status, 200)
  t.equal((await owner.delete(`/v2/images/${id}`)).status, 409, 'deactivated is used still')
})

t.test('an image in use is not deleted, whoever asks, and says so', async t => {
  const { id, at } = await shared()
  await use(actors['a service for beta']!, at, 'vm')
  for (const who of [owner, root]) {
    const refused = await who.delete(`/v2/images/${id}`)
    t.equal(refused.status, 409)
    t.match(refused.text, 'in use')
  }
  t.equal((await actors.recipient!.delete(`/v2/images/${id}`)).status, 403)
  t.equal((await owner.show(id)).status, 'active')
  t.equal((await owner.download(id)).text, 'some bytes')
  await owner.patch(`/v2/images/${id}`, [{ op: 'replace', path: '/protected', value: true }])
  t.equal((await owner.delete(`/v2/images/${id}`)).status, 403, 'protected is told first')
  await owner.patch(`/v2/images/${id}`, [{ op: 'replace', path: '/protected', value: false }])
  t.equal((await actors.recipient!.delete(`${at}/vm`)).status, 204)
  t.equal((await owner.delete(`/v2/images/${id}`)).status, 204)
})

t.test('a use that has expired is none, and its row goes with the next job', async t => {
  const { id, at } = await shared()
  await owner.put(`/v2/images/${id}/launch-defaults`, { max_concurrent_use: 1 })
  await use(owner, at, 'vm', { type: 'server', expires_at: inHours(1) })
  t.equal((await use(owner, at, 'other')).status, 409)
  t.equal((await owner.delete(`/v2/images/${id}`)).status, 409)
  ahead += 2
  t.strictSame((await owner.get(at)).json, { consumers: [], others: 0 })
  t.equal((await owner.delete(`${at}/vm`)).status, 404)
  const rows = () =>
    server.deps.db.selectFrom('image_consumers').select('consumer_id').where('image_id', '=', id).execute()
  t.strictSame(await rows(), [{ consumer_id: 'vm' }], 'nobody has removed it yet')
  const later = server.as({ user_id: 'carol', project_id: 'alpha' })
  t.equal((await use(later, at, 'vm', { type: 'volume' })).status, 201, 'and the id is free for anybody')
  t.match((await owner.get(at)).json.consumers, [{ id: 'vm', created_by: 'carol', type: 'volume' }])
  await later.delete(`${at}/vm`)
  await use(owner, at, 'vm', { type: 'server', expires_at: inHours(1) })
  ahead += 2
  await use(owner, at, 'stays', { type: 'server', expires_at: inHours(1) })
  const [job] = consumers.jobs!
  await job!.run(server.deps, new AbortController().signal, false)
  t.strictSame(await rows(), [{ consumer_id: 'stays' }])
  ahead += 2
  t.equal((await owner.delete(`/v2/images/${id}`)).status, 204, 'an expired use keeps no image')
  await job!.run(server.deps, new AbortController().signal, false)
  t.strictSame(await rows(), [])
})

t.test('the job removes many, and leaves what was registered again', async t => {
  const { id } = await shared()
  const expires_at = new Date(now().getTime() - 1000)
  const rows = Array.from({ length: 2500 }, (_, n) => ({
    image_id: id,
    consumer_id: `vm-${n}`,
    type: 'server',
    expires_at: n % 5 === 0 ? null : expires_at,
  }))
  await server.deps.db.insertInto('image_consumers').values(rows).execute()
  await consumers.jobs![0]!.run(server.deps, new AbortController().signal, false)
  const { left } = await server.deps.db
    .selectFrom('image_consumers')
    .select(eb => eb.fn.countAll<string>().as('left'))
    .where('image_id', '=', id)
    .executeTakeFirstOrThrow()
  t.equal(Number(left), 500)
})

t.test('an image has so many consumers and no more, unless some have expired', async t => {
  const { id, at } = await shared()
  await sql`insert into image_consumers (image_id, consumer_id, type, project_id)
    select ${id}, 'vm-' || n, 'server', 'alpha' from generate_series(1, ${MAX_CONSUMERS - 1}::int) n`.execute(
    server.deps.db,
  )
  t.equal((await use(owner, at, 'last', { type: 'server', expires_at: inHours(1) })).status, 201)
  const refused = await use(owner, at, 'one-more')
  t.equal(refused.status, 413)
  t.match(refused.text, String(MAX_CONSUMERS))
  t.equal((await use(owner, at, 'last', { type: 'server', expires_at: inHours(1) })).status, 200)
  await owner.put(`/v2/images/${id}/launch-defaults`, { max_concurrent_use: MAX_CONSUMERS + 1 })
  t.equal((await use(owner, at, 'one-more')).status, 413, 'whatever the launch defaults say')
  ahead += 2
  t.equal((await use(owner, at, 'one-more')).status, 201)
})

t.test('100 at once: no more than max_concurrent_use register, in several processes', async t => {
  const other = await startOn(server.databaseUrl, t)
  const { id, at } = await shared()
  await owner.put(`/v2/images/${id}/launch-defaults`, { max_concurrent_use: 7 })
  const answers = await Promise.all(
    Array.from({ length: 100 }, (_, n) => use(n % 2 === 0 ? owner : other, at, `vm-${n}`)),
  )
  t.equal(answers.filter(answer => answer.status === 201).length, 7)
  const refused = answers.filter(answer => answer.status !== 201)
  t.ok(refused.every(answer => answer.status === 409))
  t.match(refused[0]!.text, 'max_concurrent_use')
  t.equal((await owner.get(`${at}?limit=1000`)).json.consumers.length, 7)
  await owner.put(`/v2/images/${id}/launch-defaults`, { max_concurrent_use: 3 })
  const { consumers: kept } = (await owner.get(at)).json
  t.equal(kept.length, 7, 'lowering it removes nobody')
  t.equal((await use(owner, at, kept[0].id)).status, 200, 'nor keeps anybody from registering again')
  t.equal((await use(owner, at, 'one-more')).status, 409)
  for (const { id: one } of kept.slice(0, 5)) t.equal((await root.delete(`${at}/${one}`)).status, 204)
  t.equal((await use(owner, at, 'one-more')).status, 201)
  t.equal((await use(owner, at, 'two-more')).status, 409)
})

t.test('the same consumer 50 times at once is registered once', async t => {
  const { id, at } = await shared()
  await owner.put(`/v2/images/${id}/launch-defaults`, { max_concurrent_use: 1 })
  const answers = await Promise.all(Array.from({ length: 50 }, () => use(owner, at, 'vm')))
  t.equal(answers.filter(answer => answer.status === 201).length, 1)
  t.equal(answers.filter(answer => answer.status === 200).length, 49)
})

t.test('of a deletion and a registration at once, one wins and the other says so', async t => {
  const outcomes = new Set<string>()
  for (let round = 0; round < 40; round++) {
    const { id, at } = await shared()
    const [used, deleted] = await Promise.all(
      round % 2 === 0
        ? [use(owner, at, 'vm'), owner.delete(`/v2/images/${id}`)]
        : await swapped(owner.delete(`/v2/images/${id}`), use(owner, at, 'vm')),
    )
    const outcome = `${used!.status} ${deleted!.status}`
    outcomes.add(outcome)
    t.ok(['201 409', '404 204'].includes(outcome), outcome)
    t.equal((await owner.get(`/v2/images/${id}`)).status, outcome === '201 409' ? 200 : 404)
  }
  t.comment([...outcomes].join(', '))
})

const swapped = async <A, B>(first: A, second: B) => [second, first] as const

/** A second server on the same database, and a client of it that is alice, too. */
async function startOn(databaseUrl: string, t: Parameters<typeof startApp>[0]): Promise<Client> {
  const second = await startApp(t, {}, { wire: async () => databaseUrl })
  return second.as(alice)
}
