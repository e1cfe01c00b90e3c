/** Many who change one lineage at once, while others look: whoever looks finds one version in production. */
import t from 'tap'
import { admin, alice, bob, startApp } from '../../helpers/app.js'
import type { Client } from '../../helpers/client.js'

t.setTimeout(240_000)

const server = await startApp(t)
const root = server.as(admin)
const owner = server.as(alice)
const stranger = server.as(bob)
const { db } = server.deps

const at = (id: string, rest = '') => `/v2/images/${id}/versions${rest}`

/** A lineage of so many active public versions of project alpha; their images' ids. */
async function lineageOf(count: number, name: string): Promise<string[]> {
  const first = await root.createActive(Buffer.from('1'), { name, owner: 'alpha', visibility: 'public' })
  const ids = [first.id]
  while (ids.length < count) {
    const made = await root.post(at(first.id), { comment: 'c' })
    if (made.status !== 201) throw new Error(made.text)
    await root.upload(made.json.image_id, Buffer.from(String(ids.length + 1)))
    ids.push(made.json.image_id)
  }
  return ids
}

t.test('100 promotions and deletions at once: every look finds one, and it is active', async t => {
  const ids = await lineageOf(60, 'contended')
  const lineage = (await root.show(ids[0]!)).os_glance_lineage
  let busy = true
  const looks = { list: 0, lineage: 0, own: 0 }
  const wrong: string[] = []
  const look = async (kind: keyof typeof looks, who: Client, path: string) => {
    while (busy) {
      const { status, json, text } = await who.get(path)
      const found = status === 200 ? (kind === 'lineage' ? [json] : json.images) : []
      const right =
        found.length === 1 && found[0].status === 'active' && found[0].os_glance_production === 'true'
      if (!right) wrong.push(`${kind}: ${status} ${text.slice(0, 200)}`)
      looks[kind]++
    }
  }
  const readers = [
    look('list', stranger, '/v2/images?name=contended'),
    look('list', stranger, '/v2/images?name=contended&limit=1000'),
    look('lineage', stranger, `/v2/lineages/${lineage}/image`),
    look('lineage', stranger, `/v2/lineages/${lineage}/image`),
    look('own', owner, '/v2/images?name=contended'),
  ]
  // numbers 1 to 60 are promoted, each through another version, and 40 of them deleted in between
  const promotions = ids.map((_, n) =>
    root
      .put(at(ids[(n * 7) % 20]!, '/production'), { version: n + 1 })
      .then(({ status }) => ({ kind: 'promotion', status })),
  )
  const deletions = ids
    .slice(20)
    .map(id => root.delete(`/v2/images/${id}`).then(({ status }) => ({ kind: 'deletion', status })))
  const writes = [...promotions, ...deletions]
  t.equal(writes.length, 100)
  const outcomes = await Promise.all(writes)
  busy = false
  await Promise.all(readers)

  t.same(wrong, [])
  t.ok(looks.list > 0 && looks.lineage > 0 && looks.own > 0, JSON.stringify(looks))
  t.comment(JSON.stringify(looks))
  for (const { kind, status } of outcomes)
    t.ok((kind === 'promotion' ? [200, 404, 409] : [204, 409]).includes(status), `${kind}: ${status}`)
  t.ok(
    outcomes.some(({ kind, status }) => kind === 'promotion' && status === 200),
    'some were promoted',
  )
  t.ok(
    outcomes.some(({ kind, status }) => kind === 'deletion' && status === 204),
    'some were deleted',
  )
  const rows = await db.selectFrom('images').selectAll().where('lineage', '=', String(lineage)).execute()
  const [now, ...more] = rows.filter(row => row.production)
  t.same(more, [])
  t.match(now, { status: 'active', deleted_at: null })
  const history = await db
    .selectFrom('promotions')
    .selectAll()
    .where('lineage', '=', String(lineage))
    .orderBy('id')
    .execute()
  t.equal(history.at(-1)?.to_version, now?.version)
  t.ok(
    history.every((one, n) => one.from_version === (history[n - 1]?.to_version ?? null)),
    'each followed the one before',
  )
})

t.test('who rolls back at once goes back one by one', async t => {
  const ids = await lineageOf(12, 'rolled back')
  for (let version = 2; version <= 12; version++) await root.put(at(ids[0]!, '/production'), { version })
  const answers = await Promise.all(Array.from({ length: 20 }, () => root.post(at(ids[0]!, '/rollback'))))
  const put = answers.filter(({ status }) => status === 200).map(({ json }) => json.version)
  t.same(
    put.toSorted((a, b) => a - b),
    [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11],
  )
  t.equal(answers.filter(({ status }) => status === 409).length, 9)
})

t.test('versions added at once get numbers of their own, and begin one lineage', async t => {
  const { id } = await owner.createActive(Buffer.from('x'), { name: 'many at once' })
  const others = await Promise.all(Array.from({ length: 5 }, () => owner.createActive()))
  const answers = await Promise.all([
    ...Array.from({ length: 15 }, () => owner.post(at(id), { comment: 'c' })),
    ...others.map(other => owner.post(at(id), { comment: 'c', image_id: other.id })),
    // the same once more, and the other way round: one of each pair only
    ...others.map(other => owner.post(at(other.id), { comment: 'c', image_id: id })),
  ])
  for (const { status, text } of answers) t.ok(status === 201 || status === 409, `${status} ${text}`)
  const rows = await db
    .selectFrom('images')
    .select(['lineage', 'version', 'production'])
    .where('lineage', 'is not', null)
    .where('lineage', 'in', eb => eb.selectFrom('images').select('lineage').where('id', '=', id))
    .execute()
  t.equal(new Set(rows.map(row => row.version)).size, rows.length)
  t.equal(rows.filter(row => row.production).length, 1)
  for (const other of [id, ...others.map(one => one.id)])
    t.ok((await owner.show(other)).os_glance_lineage, 'each belongs to one')
})

t.test('the one in production and its only sibling deleted at once: one of them stays', async t => {
  for (let n = 0; n < 10; n++) {
    const [first, second] = (await lineageOf(2, 'a pair')) as [string, string]
    const answers = await Promise.all([
      root.delete(`/v2/images/${first}`),
      root.delete(`/v2/images/${second}`),
      root.put(at(first, '/production'), { version: 2 }),
      root.put(at(second, '/production'), { version: 1 }),
    ])
    t.ok(
      answers.every(({ status }) => [200, 204, 404, 409].includes(status)),
      answers.map(({ status, text }) => `${status} ${text.slice(0, 80)}`).join('; '),
    )
    const left = await db
      .selectFrom('images')
      .select(['production', 'status'])
      .where('id', 'in', [first, second])
      .where('deleted_at', 'is', null)
      .execute()
    t.ok(left.length === 0 || left.some(row => row.production && row.status === 'active'))
  }
})

t.test('a list of versions never contradicts itself while others are promoted', async t => {
  const ids = await lineageOf(4, 'listed')
  let busy = true
  const wrong: string[] = []
  const looking = Array.from({ length: 4 }, async () => {
    while (busy) {
      const { production, versions } = (await owner.get(at(ids[0]!))).json
      const shown = versions.filter((one: { production: boolean }) => one.production)
      if (shown.length !== 1 || shown[0].version !== production)
        wrong.push(JSON.stringify({ production, shown }))
    }
  })
  for (let n = 0; n < 150; n++) await root.put(at(ids[0]!, '/production'), { version: (n % 4) + 1 })
  busy = false
  await Promise.all(looking)
  t.strictSame(wrong, [])
})

t.test('versions made, adopted and promoted while their owner changes stay of one owner', async t => {
  const ids = await lineageOf(3, 'moved')
  const loose = await owner.createActive()
  const answers = await Promise.all(
    Array.from({ length: 10 }, (_, n) => [
      root.patch(`/v2/images/${ids[n % 3]}`, [
        { op: 'replace', path: '/owner', value: n % 2 === 0 ? 'beta' : 'alpha' },
      ]),
      root.post(at(ids[n % 3]!), { comment: 'made' }),
      root.post(at(ids[n % 3]!), { comment: 'adopted', image_id: loose.id }),
      root.put(at(ids[n % 3]!, '/production'), { version: (n % 3) + 1 }),
    ]).flat(),
  )
  for (const { status, text } of answers) t.ok([200, 201, 409].includes(status), `${status} ${text}`)
  const { lineage } = (await root.get(at(ids[0]!))).json
  const owners = await db
    .selectFrom('images')
    .select('owner')
    .distinct()
    .where('lineage', '=', lineage)
    .execute()
  t.equal(owners.length, 1)
})
