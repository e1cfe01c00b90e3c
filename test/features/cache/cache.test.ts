import { randomBytes, randomUUID } from 'node:crypto'
import {
  mkdtempSync,
  readdirSync,
  renameSync,
  rmSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from 'node:fs'
import { type IncomingMessage, request } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import type { Config } from '../../../src/config/schema.js'
import type { Deps } from '../../../src/deps.js'
import { fetchQueued, tidy } from '../../../src/features/cache/background.js'
import { admin, alice, bob, rita, startApp } from '../../helpers/app.js'
import { type Client, whole } from '../../helpers/client.js'
import type { Teardown } from '../../helpers/database.js'
import { until } from '../../helpers/left.js'

const MiB = 2 ** 20

async function open(t: Teardown, settings: Partial<Config> = {}) {
  const cache_dir = mkdtempSync(join(tmpdir(), 'vitrine-cache-'))
  /** Keys of objects that were read from a store. */
  const reads: string[] = []
  const change = ({ stores }: Deps): Partial<Deps> => ({
    stores: {
      ...stores,
      readable(name) {
        const store = stores.readable(name)
        return {
          ...store,
          read(key, ...rest) {
            reads.push(key)
            return store.read(key, ...rest)
          },
        }
      },
    },
  })
  const server = await startApp(t, { cache_dir, cache_max_size: 64 * MiB, ...settings }, { change })
  t.teardown(() => rmSync(cache_dir, { recursive: true, force: true }))
  const root = server.as(admin)
  const owner = server.as(alice)
  const cache = server.deps.cache!
  const state = async () => (await root.get('/v2/cache')).json
  const cached = (id: string) =>
    until(
      async () => (await state()).cached_images.find((one: { image_id: string }) => one.image_id === id),
      'the image in the cache',
    )
  return { server, root, owner, cache, cache_dir, reads, state, cached }
}

const shared = await open(t)
/** One that does nothing by itself with what is queued. */
const calm = await open(t)
calm.cache.queue.onAdded(null)

/** A test on one of the two servers, with an empty cache and no reads so far. */
const test = (name: string, on: typeof shared, fn: (t: Test, on: typeof shared) => Promise<void>) =>
  t.test(name, async t => {
    await on.root.delete('/v2/cache')
    on.reads.length = 0
    await fn(t, on)
  })

test(
  'fifty clients who ask for one cold image at once read the store once',
  shared,
  async (t, { owner, reads, state, cached }) => {
    const bytes = randomBytes(6 * MiB + 3)
    const { id, checksum } = await owner.createActive(bytes)
    const answers = await Promise.all(Array.from({ length: 50 }, () => owner.download(id)))
    for (const { status, headers, bytes: got } of answers) {
      t.equal(status, 200)
      t.match(headers, {
        'content-length': String(bytes.length),
        'content-md5': checksum,
        'content-type': 'application/octet-stream',
      })
      t.ok(got.equals(bytes))
    }
    t.equal(reads.length, 1)
    const { hits } = await cached(id)
    const { headers, bytes: got } = await owner.download(id)
    t.ok(got.equals(bytes))
    t.match(headers, { 'content-length': String(bytes.length), 'content-md5': checksum })
    const part = await owner.download(id, { range: 'bytes=5-9' })
    t.equal(part.status, 206)
    t.equal(part.headers['content-range'], `bytes 5-9/${bytes.length}`)
    t.ok(part.bytes.equals(bytes.subarray(5, 10)))
    t.equal(reads.length, 1)
    const now = Date.now() / 1000
    const { cached_images, queued_images } = await state()
    t.same(queued_images, [])
    t.equal(cached_images.length, 1)
    const [entry] = cached_images
    t.match(entry, { image_id: id, hits: hits + 2, size: bytes.length })
    t.same(Object.keys(entry).sort(), ['hits', 'image_id', 'last_accessed', 'last_modified', 'size'])
    for (const time of [entry.last_accessed, entry.last_modified]) t.ok(Math.abs(time - now) < 60, `${time}`)
  },
)

test(
  'who may download is asked before the cache is',
  shared,
  async (t, { server, root, owner, reads, cached }) => {
    const bytes = randomBytes(1000)
    const { id } = await owner.createActive(bytes)
    await owner.download(id)
    await cached(id)
    t.equal((await server.as(bob).download(id)).status, 404)
    t.equal((await server.as({ ...rita, roles: [] }).download(id)).status, 404)
    await owner.post(`/v2/images/${id}/actions/deactivate`)
    t.equal((await owner.download(id)).status, 403)
    t.equal(reads.length, 1)
    t.ok((await root.download(id)).bytes.equals(bytes), 'admins read the store')
    t.equal(reads.length, 2)
    await owner.post(`/v2/images/${id}/actions/reactivate`)
    t.ok((await owner.download(id)).bytes.equals(bytes))
    t.equal(reads.length, 2)
  },
)

test(
  'the stores that a client prefers are not looked at when the cache has the image',
  shared,
  async (t, { owner, cached }) => {
    const { id } = await owner.createActive(randomBytes(1000))
    const prefer = (stores: string, more = {}) =>
      owner.send('GET', `/v2/images/${id}/file?prefer=${stores}`, more)
    t.equal((await prefer('nowhere')).status, 400)
    t.equal((await prefer('cheap')).status, 200)
    await cached(id)
    t.equal((await prefer('nowhere')).status, 200)
    t.equal((await prefer('nowhere', { range: 'bytes=0-1' })).status, 400, 'a part is of the store')
  },
)

test('a cached image is served while its store is away', shared, async (t, { server, owner, cached }) => {
  const bytes = randomBytes(1000)
  const { id } = await owner.createActive(bytes)
  await owner.download(id)
  await cached(id)
  renameSync(server.folders.fast, `${server.folders.fast}.away`)
  t.ok((await owner.download(id)).bytes.equals(bytes))
  renameSync(`${server.folders.fast}.away`, server.folders.fast)
})

test('images without bytes, and empty ones, are as without a cache', shared, async (t, { owner, state }) => {
  const { id } = await owner.create()
  t.equal((await owner.download(id)).status, 204)
  const { id: empty } = await owner.createActive(Buffer.alloc(0))
  const got = await owner.download(empty)
  t.equal(got.status, 200)
  t.equal(got.bytes.length, 0)
  t.same((await state()).cached_images, [])
})

test(
  'an image that is deleted leaves the cache',
  shared,
  async (t, { root, owner, cache_dir, cached, state }) => {
    const { id } = await owner.createActive(randomBytes(1000))
    await owner.download(id)
    await cached(id)
    t.equal((await owner.delete(`/v2/images/${id}`)).status, 204)
    t.same((await state()).cached_images, [])
    t.same(readdirSync(join(cache_dir, 'images')), [])
    t.equal((await owner.download(id)).status, 404)
    t.equal((await root.delete(`/v2/cache/${id}`)).status, 404)
  },
)

test(
  'one that is deleted by way of another server leaves it within a minute',
  shared,
  async (t, { server, owner, cache, cached, state }) => {
    const [gone, kept] = await Promise.all([1, 2].map(() => owner.createActive(randomBytes(1000))))
    for (const one of [gone!, kept!]) {
      await owner.download(one.id)
      await cached(one.id)
    }
    const { evict } = cache
    cache.evict = async () => 0
    await owner.delete(`/v2/images/${gone!.id}`)
    cache.evict = evict
    t.equal((await state()).cached_images.length, 2)
    await tidy(server.deps, cache)
    t.match((await state()).cached_images, [{ image_id: kept!.id }])
  },
)

test('a client that breaks off while others read on', shared, async (t, { server, owner, reads, cached }) => {
  const bytes = randomBytes(40 * MiB)
  const { id } = await owner.createActive(bytes)
  const start = () =>
    new Promise<IncomingMessage>((resolve, reject) =>
      request({
        host: '127.0.0.1',
        port: server.port,
        path: `/v2/images/${id}/file`,
        agent: false,
        headers: owner.headers,
      })
        .on('response', resolve)
        .on('error', reject)
        .end(),
    )
  const [first, ...others] = await Promise.all([1, 2, 3, 4].map(start))
  first!.on('error', () => {}).destroy()
  for (const got of await Promise.all(others.map(whole))) t.ok(got.bytes.equals(bytes))
  await cached(id)
  t.equal(reads.length, 1)
})

test(
  'queued images are fetched in the background',
  shared,
  async (t, { root, owner, reads, cached, state }) => {
    const bytes = randomBytes(MiB)
    const { id } = await owner.createActive(bytes)
    for (const turn of [1, 2]) t.equal((await root.put(`/v2/cache/${id}`)).status, 202, `${turn}`)
    t.match(await cached(id), { hits: 0, size: MiB })
    await until(async () => (await state()).queued_images.length === 0, 'an empty queue')
    t.equal(reads.length, 1)
    t.ok((await owner.download(id)).bytes.equals(bytes))
    t.equal(reads.length, 1)
    t.match(await cached(id), { hits: 1 })
    t.equal((await root.put(`/v2/cache/${id}`)).status, 202, 'one that is there')
    await until(async () => (await state()).queued_images.length === 0, 'an empty queue')
    t.equal(reads.length, 1)
  },
)

test(
  'what is queued waits for a store that is away, and goes when there is nothing to fetch',
  calm,
  async (t, { server, root, owner, cache, cached, state }) => {
    const { id } = await owner.createActive(randomBytes(1000))
    const { id: doomed } = await owner.createActive(randomBytes(1000))
    renameSync(server.folders.fast, `${server.folders.fast}.away`)
    t.equal((await root.put(`/v2/cache/${id}`)).status, 202)
    t.equal((await root.put(`/v2/cache/${doomed}`)).status, 202)
    await fetchQueued(server.deps, cache)
    t.same((await state()).queued_images, [id, doomed])
    t.same((await state()).cached_images, [])
    renameSync(`${server.folders.fast}.away`, server.folders.fast)
    await owner.delete(`/v2/images/${doomed}`)
    await fetchQueued(server.deps, cache)
    await cached(id)
    await until(async () => (await state()).queued_images.length === 0, 'an empty queue')
    t.equal((await state()).cached_images.length, 1)
  },
)

test(
  'clearing: all of it, the cache only, the queue only',
  calm,
  async (t, { root, owner, cache, cached, state }) => {
    const { id } = await owner.createActive(randomBytes(1000))
    const target = (name: string) => root.delete('/v2/cache', { 'x-image-cache-clear-target': name })
    const fill = async () => {
      await owner.download(id)
      await cached(id)
      await cache.queue.add('waiting')
    }
    await fill()
    t.equal((await target('nope')).status, 400)
    t.equal((await target('Queue')).status, 204)
    t.match(await state(), { cached_images: [{ image_id: id }], queued_images: [] })
    await fill()
    t.equal((await target('cache')).status, 204)
    t.same(await state(), { cached_images: [], queued_images: ['waiting'] })
    await fill()
    t.equal((await root.delete('/v2/cache')).status, 204)
    t.same(await state(), { cached_images: [], queued_images: [] })
    await fill()
    t.equal((await target('')).status, 204)
    t.same(await state(), { cached_images: [], queued_images: [] })
  },
)

test('what is in the cache is no longer told as queued', calm, async (t, { root, owner, cached, state }) => {
  const { id } = await owner.createActive(randomBytes(1000))
  t.equal((await root.put(`/v2/cache/${id}`)).status, 202)
  t.match(await state(), { cached_images: [], queued_images: [id] })
  await owner.download(id)
  await cached(id)
  t.match(await state(), { cached_images: [{ image_id: id }], queued_images: [] })
})

test('taking one image out', calm, async (t, { root, owner, cache, cached, state }) => {
  const { id } = await owner.createActive(randomBytes(1000))
  t.equal((await root.delete(`/v2/cache/${id}`)).status, 204, 'one that is not in it')
  await owner.download(id)
  await cached(id)
  t.equal((await root.delete(`/v2/cache/${id}`)).status, 204)
  t.same((await state()).cached_images, [])
  t.equal((await root.delete('/v2/cache/nothing')).status, 404)
  await cache.queue.add('nothing')
  t.equal((await owner.delete('/v2/cache/nothing')).status, 403, 'known to the queue')
  t.equal((await root.delete('/v2/cache/nothing')).status, 204)
  t.same((await state()).queued_images, [])
})

test('prune and clean', shared, async (t, { root, owner, cached }) => {
  const { id } = await owner.createActive(randomBytes(1000))
  await owner.download(id)
  await cached(id)
  const pruned = await root.post('/v2/cache/prune')
  t.equal(pruned.status, 200)
  t.same(pruned.json, { total_files_pruned: 0, total_bytes_pruned: 0 })
  const cleaned = await root.post('/v2/cache/clean')
  t.equal(cleaned.status, 200)
  t.equal(cleaned.text, '')
  await cached(id)
})

test('prune takes out what is too much', calm, async (t, { root, owner, cache_dir, cached, state }) => {
  const { id } = await owner.createActive(randomBytes(1000))
  await owner.download(id)
  await cached(id)
  const name = join(cache_dir, 'images', `${randomUUID()}.${'0'.repeat(32)}`)
  writeFileSync(name, '')
  truncateSync(name, 64 * MiB)
  utimesSync(name, 1000, 1000)
  const pruned = await root.post('/v2/cache/prune')
  t.same(pruned.json, { total_files_pruned: 1, total_bytes_pruned: 64 * MiB })
  t.match((await state()).cached_images, [{ image_id: id }])
})

const calls: [string, (who: Client, id: string) => Promise<{ status: number }>][] = [
  ['GET /cache', who => who.get('/v2/cache')],
  ['DELETE /cache', who => who.delete('/v2/cache')],
  ['DELETE /cache, bad target', who => who.delete('/v2/cache', { 'x-image-cache-clear-target': 'x' })],
  ['PUT /cache/{id}', (who, id) => who.put(`/v2/cache/${id}`)],
  ['DELETE /cache/{id}', (who, id) => who.delete(`/v2/cache/${id}`)],
  ['GET /cache/nodes/{id}', (who, id) => who.get(`/v2/cache/nodes/${id}`)],
  ['POST /cache/clean', who => who.post('/v2/cache/clean')],
  ['POST /cache/prune', who => who.post('/v2/cache/prune')],
]

test('the rules come first, then whether there is a cache', shared, async (t, { owner, root }) => {
  const { id } = await owner.createActive(randomBytes(10))
  for (const [name, call] of calls) t.equal((await call(owner, id)).status, 403, name)
  t.equal((await root.get(`/v2/cache/nodes/${id}`)).status, 409)
  t.equal((await root.get('/v2/cache/nodes')).status, 405)
  for (const path of ['/v2/cache/clean', '/v2/cache/prune'])
    for (const answer of [await root.get(path), await root.put(path), await root.delete(path)]) {
      t.equal(answer.status, 405)
      t.equal(answer.headers.allow, 'POST')
    }
  t.equal((await root.put('/v2/cache/nothing')).status, 404)
  const queued = await owner.create()
  t.equal((await root.put(`/v2/cache/${queued.id}`)).status, 400)
  await owner.post(`/v2/images/${id}/actions/deactivate`)
  t.equal((await root.put(`/v2/cache/${id}`)).status, 400)
  t.equal((await root.put(`/v2/cache/${id}`, {})).status, 400, 'a body')
})

t.test('without a cache', async t => {
  const server = await startApp(t)
  const owner = server.as(alice)
  const { id } = await owner.createActive(randomBytes(10))
  for (const [name, call] of calls) {
    t.equal((await call(owner, id)).status, 403, name)
    t.equal((await call(server.as(admin), id)).status, 404, name)
  }
  t.equal((await server.as(admin).get('/v2/cached_images')).status, 404)
  t.equal((await owner.get('/v2.14/cache')).status, 300, 'nor the versions')
})

test('the paths of old', calm, async (t, { root, owner, cached }) => {
  const bytes = randomBytes(1000)
  const { id } = await owner.createActive(bytes)
  for (const answer of [
    await owner.get('/v2/cached_images'),
    await owner.put(`/v2/queued_images/${id}`),
    await owner.delete('/v2/queued_images'),
  ])
    t.equal(answer.status, 403)
  const put = await root.put(`/v2/queued_images/${id}`)
  t.equal(put.status, 200)
  t.equal(put.json, null)
  t.same((await root.get('/v2/queued_images')).json, { queued_images: [id] })
  t.equal((await root.delete(`/v2/queued_images/${id}`)).json, null)
  t.same((await root.delete('/v2/queued_images')).json, { num_deleted: 0 })
  await owner.download(id)
  await cached(id)
  t.match((await root.get('/v2/cached_images')).json, { cached_images: [{ image_id: id, size: 1000 }] })
  t.equal((await root.delete(`/v2/cached_images/${id}`)).json, null)
  t.same((await root.delete('/v2/cached_images')).json, { num_deleted: 0 })
  t.equal((await root.put('/v2/cached_images')).status, 404)
})
