import { randomBytes, randomUUID } from 'node:crypto'
import t from 'tap'
import { admin, alice, bob, rita, startApp } from '../helpers/app.js'
import { databaseProxy } from '../helpers/database-proxy.js'
import { files, tidying, until } from '../helpers/left.js'

t.setTimeout(120_000)

interface Result {
  id: string
  status: number
  error?: string
}

const server = await startApp(t)
const owner = server.as(alice)
const test = tidying(t, server)

/** Sends a batch that is taken, and gives its results. */
async function batch(action: string, images: string[], who = owner): Promise<Result[]> {
  const { status, json, text } = await who.post('/v2/batch', { action, images })
  if (status !== 200) throw new Error(`${status} ${text}`)
  return json.results
}

/** The answer of the single call for the same. */
const single: Record<string, (id: string, who?: typeof owner) => ReturnType<typeof owner.get>> = {
  delete: (id, who = owner) => who.delete(`/v2/images/${id}`, json),
  restore: (id, who = owner) => who.post(`/v2/recycle-bin/${id}/restore`, undefined, json),
  destroy: (id, who = owner) => who.delete(`/v2/recycle-bin/${id}`, json),
  protect: (id, who = owner) => set(id, 'protected', true, who),
  unprotect: (id, who = owner) => set(id, 'protected', false, who),
  deactivate: (id, who = owner) => who.post(`/v2/images/${id}/actions/deactivate`, undefined, json),
  reactivate: (id, who = owner) => who.post(`/v2/images/${id}/actions/reactivate`, undefined, json),
  hide: (id, who = owner) => set(id, 'os_hidden', true, who),
  unhide: (id, who = owner) => set(id, 'os_hidden', false, who),
}
const json = { accept: 'application/json' }
const set = (id: string, name: string, value: boolean, who: typeof owner) =>
  who.inject({
    method: 'PATCH',
    url: `/v2/images/${id}`,
    headers: { ...json, 'content-type': 'application/openstack-images-v2.1-json-patch' },
    payload: JSON.stringify([{ op: 'replace', path: `/${name}`, value }]),
  })

test('every action does what it says, and answers as the single call', async t => {
  const [one, two] = await Promise.all([owner.createActive(), owner.createActive()])
  const images = [one!.id, two!.id]
  const all = async (attributes: object) => {
    for (const id of images) t.match(await owner.show(id), attributes)
  }
  const did = async (action: string, status: number) =>
    t.strictSame(
      await batch(action, images),
      images.map(id => ({ id, status })),
      action,
    )
  await did('protect', 200)
  await all({ protected: true })
  t.match(await batch('delete', images), [{ status: 403, error: /protected/ }, { status: 403 }])
  await did('unprotect', 200)
  await did('hide', 200)
  await all({ protected: false, os_hidden: true })
  await did('unhide', 200)
  await did('deactivate', 204)
  await all({ os_hidden: false, status: 'deactivated' })
  await did('reactivate', 204)
  await all({ status: 'active' })
  await did('delete', 204)
  t.match(await batch('protect', images), [{ status: 404 }, { status: 404 }])
  await did('restore', 200)
  await all({ status: 'active' })
  await did('delete', 204)
  await did('destroy', 204)
  t.match(await batch('restore', images), [{ status: 404 }, { status: 404 }])
  t.strictSame(
    files(server).filter(name => images.some(id => name.includes(id))),
    [],
  )
})

test('each id has the status and the sentence of its own call, and keeps none of the others', async t => {
  const make = async () => {
    const active = await owner.createActive()
    const kept = await owner.createActive(undefined, { protected: true })
    const queued = await owner.create()
    const gone = await owner.createActive()
    await owner.delete(`/v2/images/${gone.id}`)
    const other = await server.as(bob).createActive()
    const open = await server.as(admin).createActive(undefined, { visibility: 'public' })
    const used = await owner.createActive()
    await owner.put(`/v2/images/${used.id}/consumers/vm`, { type: 'server' })
    const made = [active, kept, queued, gone, other, open, used].map(({ id }) => id)
    return [...made, 'no uuid', '', '\0', 'x'.repeat(255), '../..']
  }
  for (const [action, call] of Object.entries(single)) {
    const [these, those] = [await make(), await make()]
    const results = await batch(action, these)
    t.strictSame(
      results.map(({ id }) => id),
      these,
      'in the order of the request',
    )
    for (const [n, { status, error }] of results.entries()) {
      const id = those[n] as string
      if (n >= 9) continue // what no path can hold has no single call
      if (id === '') {
        t.equal(status, 404)
        continue
      }
      const answer = await call(encodeURIComponent(id))
      const message = answer.status < 300 ? undefined : answer.json.message.replaceAll(id, these[n] as string)
      t.strictSame([status, error], [answer.status, message], `${action} ${n}`)
    }
    t.ok(
      results.slice(9).every(({ status }) => status === 404),
      `${action}: no image`,
    )
    t.ok(
      results.some(({ status }) => status < 300) && results.some(({ status }) => status >= 400),
      `${action}: some did, some did not`,
    )
  }
})

test('an id that is named twice counts once', async t => {
  const { id } = await owner.createActive()
  const other = randomUUID()
  t.match(await batch('delete', [id, other, id, other, id]), [
    { id, status: 204 },
    { id: other, status: 404 },
  ])
  t.equal((await owner.get(`/v2/recycle-bin/${id}`)).status, 200)
})

test('a reader is refused for each, an admin is not', async t => {
  const { id } = await owner.createActive()
  t.match(await batch('delete', [id], server.as(rita)), [{ status: 403 }])
  t.match(await batch('delete', [id], server.as(bob)), [{ status: 404 }])
  t.match(await batch('deactivate', [id], server.as(admin)), [{ status: 204 }])
})

test('what is no batch is 400, and does nothing', async t => {
  const { id } = await owner.createActive()
  const thousand = Array.from({ length: 1000 }, () => randomUUID())
  const bad: unknown[] = [
    {},
    { action: 'delete' },
    { images: [id] },
    { action: 'explode', images: [id] },
    { action: 'toString', images: [id] },
    { action: 'delete', images: id },
    { action: 'delete', images: [id, 1] },
    { action: 'delete', images: [id, null] },
    { action: 'delete', images: [id], force: true },
    { action: 'delete', images: ['x'.repeat(256), id] },
    { action: 'delete', images: [...thousand, id] },
    { action: 'delete', images: Array.from({ length: 1001 }, () => id) },
    [id],
    'delete',
    null,
  ]
  for (const body of bad) {
    const answer = await owner.post('/v2/batch', JSON.stringify(body))
    t.equal(answer.status, 400, JSON.stringify(body).slice(0, 80))
  }
  t.equal((await owner.post('/v2/batch')).status, 400)
  t.equal((await owner.show(id)).status, 'active')
  t.strictSame(await batch('delete', []), [])
  const none = await batch('delete', thousand)
  t.equal(none.filter(({ status }) => status === 404).length, 1000)
})

test('many images, while others need the database, too', async t => {
  const made: string[] = []
  for (let n = 0; n < 20; n++) {
    const some = await Promise.all(Array.from({ length: 10 }, () => owner.createActive(randomBytes(100))))
    made.push(...some.map(({ id }) => id))
  }
  let most = 0
  const watch = setInterval(() => {
    most = Math.max(most, server.deps.pool.totalCount - server.deps.pool.idleCount)
  }, 1)
  for (const [action, status] of [
    ['delete', 204],
    ['restore', 200],
    ['delete', 204],
    ['destroy', 204],
  ] as const) {
    const results = await batch(action, made)
    t.equal(results.filter(one => one.status === status).length, made.length, action)
  }
  clearInterval(watch)
  t.ok(most <= 6, `${most} connections at a time`)
  await until(() => !files(server).some(name => made.some(id => name.includes(id))), 'empty stores')
})

test('two batches on the same images: each is deleted by one of them', async t => {
  const made = await Promise.all(Array.from({ length: 20 }, () => owner.createActive()))
  const ids = made.map(({ id }) => id)
  const [first, second] = await Promise.all([batch('delete', ids), batch('delete', ids.toReversed())])
  const statusOf = (results: Result[]) => new Map(results.map(({ id, status }) => [id, status]))
  const [a, b] = [statusOf(first), statusOf(second)]
  for (const id of ids) t.strictSame([a.get(id), b.get(id)].toSorted(), [204, 404])
})

t.test('while the database is away each image is told so', async t => {
  let cut: Awaited<ReturnType<typeof databaseProxy>> | undefined
  const wire = async (url: string) => {
    cut = await databaseProxy(t, url)
    return cut.url
  }
  const running = await startApp(t, {}, { wire })
  const me = running.as(alice)
  const { id } = await me.create()
  cut?.open(false)
  const away = await me.post('/v2/batch', { action: 'hide', images: [id, 'x'] })
  t.equal(away.status, 200)
  t.match(away.json.results, [
    { id, status: 503, error: /database/ },
    { id: 'x', status: 503 },
  ])
  t.equal((await me.post('/v2/batch', { action: 'delete', images: [id] })).status, 503)
  cut?.open(true)
  t.match((await me.post('/v2/batch', { action: 'hide', images: [id, 'x'] })).json.results, [
    { status: 200 },
    { status: 404 },
  ])
})
