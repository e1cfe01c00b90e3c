import t from 'tap'
import { admin, alice, bob, startApp } from '../helpers/app.js'
import type { Client } from '../helpers/client.js'

const server = await startApp(t)
const owner = server.as(alice)
const { db } = server.deps

type Row = Record<string, string | number | null> & { id: string }

// many ties and nulls in every key, so that an order that is not total would lose or repeat rows
const some = <T>(n: number, ...values: T[]) => values[n % values.length] as T
const rows = Array.from({ length: 57 }, (_, n) => ({
  id: `${String((n * 7919) % 100).padStart(8, '0')}-0000-4000-${some(n, '8000', 'A000')}-00000000000${some(n, 'a', 'B')}`,
  owner: 'alpha',
  name: some(n, null, 'b', 'a', 'B', 'ä', '', 'b'),
  status: some(n, 'queued', 'active', 'saving'),
  disk_format: some(n, null, 'raw', 'qcow2', null),
  container_format: some(n, 'bare', null),
  size: some(n, null, 5, 2 ** 40, 0, null),
  created_at: new Date(1_600_000_000_000 + some(n, 0, 1, 1000, 1, 999)),
  updated_at: new Date(1_600_000_000_000 + some(n, 7, 7, 0)),
}))
await db.insertInto('images').values(rows).execute()

/** Follows `next` from a first page to the end, as clients do. */
async function walk(who: Client, query: string): Promise<Row[]> {
  const found: Row[] = []
  let path: string | undefined = `/v2/images${query}`
  for (let pages = 0; path !== undefined; pages++) {
    if (pages > 200) throw new Error(`${query} has no end`)
    const answer = await who.get(path)
    if (answer.status !== 200) throw new Error(`${path}: ${answer.status} ${answer.text}`)
    found.push(...answer.json.images)
    path = answer.json.next
  }
  return found
}

const keys = ['name', 'status', 'container_format', 'disk_format', 'size', 'id', 'created_at', 'updated_at']
const directions = ['asc', 'desc']

t.test('by every key in both directions: all pages together are the whole list', async t => {
  for (const key of keys)
    for (const direction of directions) {
      const query = `sort=${key}:${direction}`
      const whole = (await owner.get(`/v2/images?limit=1000&${query}`)).json.images as Row[]
      t.equal(whole.length, rows.length, query)
      for (const limit of [1, 5, 19, 57])
        t.strictSame(await walk(owner, `?limit=${limit}&${query}`), whole, `${query}, pages of ${limit}`)
      const sorted = whole.map(row => row[key]).filter(value => value !== null) as (string | number)[]
      const compare = (a: string | number, b: string | number) =>
        (typeof a === 'string' ? Buffer.compare(Buffer.from(a), Buffer.from(String(b))) : a - Number(b)) *
        (direction === 'asc' ? 1 : -1)
      t.strictSame(sorted, sorted.toSorted(compare), query)
      const nulls = whole.map(row => row[key] === null)
      t.strictSame(
        nulls,
        nulls.toSorted((a, b) => (Number(a) - Number(b)) * (direction === 'asc' ? 1 : -1)),
      )
    }
})

t.test('by pairs and triples of keys with their own directions', async t => {
  const orders: string[] = []
  for (const [n, first] of keys.entries())
    for (const [m, second] of keys.entries())
      if (n !== m) orders.push(`${first}:${some(n + m, 'asc', 'desc')},${second}:${some(n, 'desc', 'asc')}`)
  orders.push(
    'name:asc,size:desc,status:asc',
    'size,name',
    'disk_format:desc,container_format:asc,size:desc,name:asc',
  )
  for (const order of orders) {
    const whole = (await owner.get(`/v2/images?limit=1000&sort=${order}`)).json.images
    t.equal(whole.length, rows.length)
    t.strictSame(await walk(owner, `?limit=11&sort=${order}`), whole, order)
  }
})

t.test('the default order is the newest first, the greatest id first among equals', async t => {
  const expected = rows
    .toSorted((a, b) => b.created_at.getTime() - a.created_at.getTime() || (a.id < b.id ? 1 : -1))
    .map(row => row.id)
  t.strictSame(
    (await walk(owner, '')).map(row => row.id),
    expected,
  )
  t.strictSame(
    (await walk(owner, '?sort_dir=asc')).map(row => row.id),
    expected.toReversed(),
  )
})

t.test('sort_key and sort_dir', async t => {
  const ids = async (query: string) => (await walk(owner, `?limit=7&${query}`)).map(row => row.id)
  t.strictSame(await ids('sort_key=name&sort_dir=asc'), await ids('sort=name:asc,created_at:asc,id:asc'))
  t.strictSame(await ids('sort_key=name'), await ids('sort=name:desc'))
  t.strictSame(
    await ids('sort_key=name&sort_key=size&sort_dir=asc'),
    await ids('sort=name:asc,size:asc,created_at:asc,id:asc'),
  )
  t.strictSame(
    await ids('sort_key=name&sort_dir=asc&sort_key=size&sort_dir=desc'),
    await ids('sort=name:asc,size:desc,created_at:desc,id:desc'),
  )
  t.strictSame(
    await ids('sort=name:asc,name:desc,name:asc'),
    await ids('sort=name:asc,created_at:desc,id:desc'),
  )
  t.strictSame(await ids(Array(500).fill('sort_key=status').join('&')), await ids('sort_key=status'))
})

t.test('no order and no page', async t => {
  for (const query of [
    'sort=owner',
    'sort=min_ram',
    'sort=',
    'sort=name:up',
    'sort=,',
    'sort=name,',
    'sort=__proto__',
    'sort=name;drop table images',
    'sort_key=',
    'sort_key=owner',
    'sort_dir=',
    'sort_dir=up',
    'sort_dir=asc&sort_dir=desc',
    'sort_key=name&sort_dir=asc&sort_dir=desc',
    'sort=name&sort_key=size',
    'sort=name&sort_dir=asc',
    'limit=-1',
    'limit=x',
    'limit=',
    'limit=1.5',
    'limit=1e3',
    'limit=0x10',
    'marker=',
    'marker=nothing',
    `marker=${'x'.repeat(5000)}`,
    'marker=00000000-0000-0000-0000-000000000000',
  ]) {
    const answer = await owner.get(`/v2/images?${query}`)
    t.equal(answer.status, 400, `${query}: ${answer.text}`)
  }
})

t.test('limits', async t => {
  t.equal((await owner.get('/v2/images')).json.images.length, 25)
  t.equal((await owner.get('/v2/images?limit=100000')).json.images.length, rows.length)
  t.equal((await owner.get('/v2/images?limit=99999999999999999999999')).json.images.length, rows.length)
  t.equal((await owner.get('/v2/images?limit=%202')).json.images.length, 2)
  t.equal(
    (await owner.get('/v2/images?limit=5&limit=3')).json.images.length,
    5,
    'the first counts, as in Glance',
  )
  const none = (await owner.get('/v2/images?limit=0')).json
  t.strictSame(none, { images: [], first: '/v2/images?limit=0', schema: '/v2/schemas/images' })
})

t.test('links keep what was asked for, repeated names too', async t => {
  await server.deps.pool.query(
    `insert into image_tags select id, tag from images, unnest(array['a b', 'c&d']) tag where size is not null`,
  )
  const query = `limit=4&tag=a%20b&tag=c%26d&sort_key=size&sort_key=name&sort_dir=asc&sort_dir=desc`
  const page = (await owner.get(`/v2/images?${query}&marker=${rows[1]?.id}`)).json
  const first = new URLSearchParams(page.first.split('?')[1])
  t.strictSame(first.getAll('tag'), ['a b', 'c&d'])
  t.strictSame(first.getAll('sort_key'), ['size', 'name'])
  t.strictSame(first.getAll('sort_dir'), ['asc', 'desc'])
  t.notOk(first.has('marker'))
  const next = new URLSearchParams(page.next.split('?')[1])
  t.equal(next.get('marker'), page.images.at(-1).id)
  next.delete('marker')
  t.equal(next.toString(), first.toString())
  t.equal((await walk(owner, `?${query}`)).length, rows.filter(row => row.size !== null).length)
  t.equal((await owner.get('/v2/images')).json.first, '/v2/images')
  t.equal((await owner.get('/v2/images?limit=57')).json.images.length, 57)
  t.ok(
    (await owner.get('/v2/images?limit=57')).json.next,
    'a full page has a next one, even if that is empty',
  )
  t.notOk((await owner.get('/v2/images?limit=58')).json.next)
})

t.test('markers: hidden or filtered ones are fine, those of others are refused', async t => {
  const { id: hidden } = await owner.create({ os_hidden: true, name: 'zz' })
  t.equal((await owner.get(`/v2/images?marker=${hidden}`)).status, 200)
  const { id: foreign } = await server.as(bob).create({ visibility: 'private' })
  t.equal((await owner.get(`/v2/images?marker=${foreign}`)).status, 403)
  t.equal((await server.as(admin).get(`/v2/images?marker=${foreign}`)).status, 200)
  await server.as(bob).delete(`/v2/images/${foreign}`)
  await owner.delete(`/v2/images/${hidden}`)
})

t.test('Horizon pages backwards with the order turned round', async t => {
  const whole = (await owner.get('/v2/images?limit=1000&sort_key=name&sort_dir=asc')).json.images as Row[]
  const back = (await owner.get(`/v2/images?limit=5&sort_key=name&sort_dir=desc&marker=${whole[20]?.id}`))
    .json.images as Row[]
  t.strictSame(
    back.map(row => row.id),
    whole
      .slice(15, 20)
      .reverse()
      .map(row => row.id),
  )
})

t.test('while others create, change and delete, a walk shows every image that stays, once', async t => {
  for (const order of ['created_at:desc', 'created_at:asc', 'name:asc', 'name:desc', 'size:asc', 'id:desc']) {
    const before = new Set(rows.map(row => row.id))
    let walking = true
    const disturb = (async () => {
      while (walking) {
        const { id } = await owner.create({ name: some(Date.now(), 'b', 'a', null, 'zz') })
        if (Math.random() < 0.5) await owner.delete(`/v2/images/${id}`)
      }
    })()
    const seen = (await walk(owner, `?limit=3&sort=${order}`)).map(row => row.id)
    walking = false
    await disturb
    t.equal(new Set(seen).size, seen.length, `${order}: none comes twice`)
    t.strictSame(
      [...before].filter(id => !seen.includes(id)),
      [],
      `${order}: none is missing`,
    )
  }
})

t.test('killed images are never listed', async t => {
  const { id } = await owner.create({ name: 'killed one' })
  await db.updateTable('images').set({ status: 'killed' }).where('id', '=', id).execute()
  t.strictSame((await owner.get('/v2/images?name=killed+one')).json.images, [])
  t.strictSame((await owner.get('/v2/images?status=killed')).json.images, [])
})
