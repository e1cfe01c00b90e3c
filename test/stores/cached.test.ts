import { createHash, randomBytes } from 'node:crypto'
import { mkdtempSync, readdirSync, rmSync, truncateSync, utimesSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Transform, Writable } from 'node:stream'
import { pino } from 'pino'
import t from 'tap'
import { type Cacheable, type CacheOptions, type Open, openCache } from '../../src/stores/cached.js'
import { openFileStore } from '../../src/stores/file.js'
import type { Store, StoredBytes, Window } from '../../src/stores/store.js'
import { openHashPool } from '../../src/streams/hash.js'
import type { Teardown } from '../helpers/database.js'
import { until } from '../helpers/left.js'

const MiB = 2 ** 20
const root = mkdtempSync(join(tmpdir(), 'vitrine-cached-'))
const hashes = openHashPool()
const store = await openFileStore('disk', { root: join(root, 'store') })
t.teardown(async () => {
  await hashes.close()
  rmSync(root, { recursive: true, force: true })
})

let folders = 0
const newFolder = () => join(root, `cache-${++folders}`)

async function open(t: Teardown, options: Partial<CacheOptions> = {}) {
  const folder = options.folder ?? newFolder()
  const logs: { msg: string }[] = []
  const log = pino({ level: 'warn' }, { write: line => void logs.push(JSON.parse(line)) })
  const cache = await openCache({ folder, maxSize: 64 * MiB, hashes, log, ...options })
  t.teardown(() => cache.close())
  const files = (name: string) => readdirSync(join(folder, name))
  return { cache, folder, files, logs }
}

/** An object in the store, and how an image of these bytes is asked for. */
async function object(bytes: Buffer, options: Partial<Cacheable> = {}) {
  const id = crypto.randomUUID()
  const writer = await store.write(id)
  await writer.write(bytes)
  await writer.commit()
  const md5 = createHash('md5').update(bytes).digest('hex')
  const image: Cacheable = { id, size: bytes.length, md5, version: md5, ...options }
  return { id, image, bytes, ...reader(store, id) }
}

/** Reads an object, counting, and holding back its bytes as told. */
function reader(from: Store, key: string) {
  const windows: (Window | undefined)[] = []
  let limit = Infinity
  let broken: Error | undefined
  const streams: Transform[] = []
  const gate = (bytes: StoredBytes): StoredBytes => {
    const stream = () => {
      let passed = 0
      const held = new Transform({
        transform(chunk: Buffer, _, done) {
          const go = () => {
            if (broken) done(broken)
            else if (passed + chunk.length <= limit) {
              passed += chunk.length
              done(null, chunk)
            } else if (passed < limit) {
              this.push(chunk.subarray(0, limit - passed))
              chunk = chunk.subarray(limit - passed)
              passed = limit
              waiting.push(go)
            } else waiting.push(go)
          }
          go()
        },
      })
      streams.push(held)
      bytes.stream().pipe(held)
      return held
    }
    return { size: bytes.size, stream, sendTo: sink => bytes.sendTo(sink) }
  }
  const waiting: (() => void)[] = []
  /** Lets bytes through up to this many. */
  const hold = (bytes: number) => {
    limit = bytes
    for (const go of waiting.splice(0)) go()
  }
  const read: Open = async (window, signal) => {
    windows.push(window)
    const bytes = await from.read(key, window, signal)
    return window ? bytes : gate(bytes)
  }
  return {
    read,
    windows,
    streams,
    release: () => hold(Infinity),
    hold,
    fail(error: Error) {
      broken = error
      hold(Infinity)
    },
  }
}

/** A client that takes all it is sent. */
function sink() {
  const hash = createHash('sha256')
  let size = 0
  const stream = new Writable({
    write(chunk: Buffer, _, done) {
      size += chunk.length
      hash.update(chunk)
      done()
    },
  })
  return { stream, size: () => size, digest: () => hash.digest('hex') }
}

const sha = (bytes: Buffer) => createHash('sha256').update(bytes).digest('hex')

async function take(bytes: StoredBytes): Promise<string> {
  const to = sink()
  await bytes.sendTo(to.stream)
  return to.digest()
}

async function collect(bytes: StoredBytes): Promise<Buffer> {
  const chunks: Buffer[] = []
  for await (const chunk of bytes.stream()) chunks.push(chunk)
  return Buffer.concat(chunks)
}

type Opened = Awaited<ReturnType<typeof open>>
/** All that is incomplete is gone, and no file of the cache is open any more. */
const quiet = ({ files }: Opened) => until(() => files('incomplete').length === 0, 'nothing incomplete')

t.test('what passes through is kept, and served without the store', async t => {
  const opened = await open(t)
  const { cache, files } = opened
  const { image, bytes, read, windows } = await object(randomBytes(3 * MiB + 5))
  t.equal(await take(await cache.read(image, read)), sha(bytes))
  await until(() => files('images').length === 1, 'the entry')
  const [fresh] = await cache.list()
  t.match(fresh, { image_id: image.id, size: bytes.length, hits: 0 })
  t.ok(Math.abs(fresh!.last_modified - Date.now() / 1000) < 60)
  t.equal(fresh!.last_accessed, fresh!.last_modified)
  t.equal(await take(await cache.read(image, read)), sha(bytes))
  t.ok((await collect(await cache.read(image, read))).equals(bytes))
  const window = { start: 7, end: 2 * MiB }
  t.ok(
    (await collect(await cache.read(image, read, { window }))).equals(bytes.subarray(7, 2 * MiB + 1)),
    'a part of it too',
  )
  t.same(windows, [undefined], 'the store was read once')
  const [entry] = await cache.list()
  t.equal(entry!.hits, 3)
  t.ok(entry!.last_accessed >= fresh!.last_accessed)
  t.equal(entry!.last_modified, fresh!.last_modified)
})

t.test('a part of what is not there comes from the store and leaves nothing', async t => {
  const { cache, files } = await open(t)
  const { image, bytes, read, windows } = await object(randomBytes(1000))
  const window = { start: 10, end: 19 }
  t.ok((await collect(await cache.read(image, read, { window }))).equals(bytes.subarray(10, 20)))
  t.same(windows, [window])
  t.same([...files('images'), ...files('incomplete')], [])
})

t.test('many who ask at once share one read of the store', async t => {
  const { cache } = await open(t)
  const { image, bytes, read, windows } = await object(randomBytes(5 * MiB + 1))
  const got = await Promise.all(
    Array.from({ length: 50 }, async (_, n) => {
      const found = await cache.read(image, read)
      return n % 2 ? take(found) : sha(await collect(found))
    }),
  )
  t.same(new Set(got), new Set([sha(bytes)]))
  t.same(windows, [undefined])
})

t.test('small ones too, whenever they come', async t => {
  const { cache } = await open(t)
  for (let round = 0; round < 20; round++) {
    const { image, bytes, read, windows } = await object(randomBytes(100))
    const got = await Promise.all(
      Array.from({ length: 20 }, async (_, n) => {
        for (let turn = 0; turn < n; turn++) await new Promise(setImmediate)
        return take(await cache.read(image, read))
      }),
    )
    t.same(new Set(got), new Set([sha(bytes)]))
    t.same(windows, [undefined])
  }
})

t.test('who asks first and goes away takes nothing from the others', async t => {
  const opened = await open(t)
  const { cache, files } = opened
  const { image, bytes, read, windows, hold, release } = await object(randomBytes(4 * MiB))
  hold(MiB)
  const first = sink()
  const control = new AbortController()
  const going = (await cache.read(image, read, { signal: control.signal })).sendTo(first.stream)
  await until(() => first.size() > 0, 'first bytes')
  const others = Promise.all(Array.from({ length: 5 }, async () => take(await cache.read(image, read))))
  await new Promise(setImmediate)
  control.abort()
  first.stream.destroy()
  release()
  await t.rejects(going)
  t.same(new Set(await others), new Set([sha(bytes)]))
  t.same(windows, [undefined])
  await until(() => files('images').length === 1, 'the entry')
})

t.test('when all have gone away the store is not read any further, and nothing is left', async t => {
  const opened = await open(t)
  const { image, read, windows, streams, hold } = await object(randomBytes(8 * MiB))
  hold(MiB)
  const readers = await Promise.all(
    [sink(), sink()].map(async to => {
      const bytes = await opened.cache.read(image, read)
      return { to, going: bytes.sendTo(to.stream) }
    }),
  )
  await until(() => readers.every(({ to }) => to.size() > 0), 'first bytes')
  for (const { to } of readers) to.stream.destroy()
  const ended = readers.map(({ going }) => t.rejects(going))
  hold(2 * MiB)
  await Promise.all(ended)
  await quiet(opened)
  t.ok(streams[0]!.destroyed)
  t.same(opened.files('images'), [])
  t.same(opened.logs, [], 'which is no trouble')
  t.equal(windows.length, 1)
})

t.test('who comes while a read is given up shares another one', async t => {
  const opened = await open(t)
  const { image, bytes, read, windows, hold } = await object(randomBytes(4 * MiB))
  hold(MiB)
  const gone = sink()
  const going = (await opened.cache.read(image, read)).sendTo(gone.stream)
  await until(() => gone.size() > 0, 'first bytes')
  gone.stream.destroy()
  const rejected = t.rejects(going)
  hold(2 * MiB)
  await rejected
  hold(Infinity)
  const got = await Promise.all([1, 2, 3].map(async () => take(await opened.cache.read(image, read))))
  t.same(new Set(got), new Set([sha(bytes)]))
  t.equal(windows.length, 2)
  await until(() => opened.files('images').length === 1, 'the entry')
})

t.test('bytes that do not sum up are sent and not kept', async t => {
  const opened = await open(t)
  const { image, bytes, read, windows } = await object(randomBytes(MiB), { md5: '0'.repeat(32) })
  await until(async () => {
    t.equal(await take(await opened.cache.read(image, read)), sha(bytes))
    await quiet(opened)
    return windows.length === 2
  }, 'another read of the store')
  t.same(await opened.cache.list(), [])
  t.match(opened.logs[0]?.msg, /could not be kept/)
})

t.test('bytes whose sum nobody knows are kept by their size', async t => {
  const { cache, files } = await open(t)
  const { image, read } = await object(randomBytes(MiB), { md5: null, version: 'disk key' })
  await take(await cache.read(image, read))
  await until(() => files('images').length === 1, 'the entry')
  t.match(await cache.list(), [{ image_id: image.id }])
})

t.test('a store that breaks off: each goes on where it was, with a read of its own', async t => {
  const opened = await open(t)
  const { image, bytes, read, windows, hold, fail } = await object(randomBytes(4 * MiB))
  hold(2 * MiB)
  const clients = [sink(), sink(), sink()]
  const going = clients.map(async to => (await opened.cache.read(image, read)).sendTo(to.stream))
  await until(() => clients.every(to => to.size() > 0), 'first bytes')
  fail(new Error('broken'))
  await Promise.all(going)
  for (const to of clients) t.equal(to.digest(), sha(bytes))
  t.equal(windows.length, 4)
  for (const window of windows.slice(1)) t.match(window, { start: Number, end: 4 * MiB - 1 })
  t.ok(windows.slice(1).every(window => window!.start > 0))
  await quiet(opened)
  t.same(opened.files('images'), [])
})

t.test('a store that fails at once fails all, as without a cache', async t => {
  const opened = await open(t)
  const { image } = await object(randomBytes(10))
  const none: Open = (window, signal) => store.read('nothing', window, signal)
  for (const one of [1, 2, 3].map(() => opened.cache.read(image, none))) await t.rejects(one, /no object/)
  t.same(opened.files('incomplete'), [])
})

t.test('a cache that can not be written to keeps nobody from anything', async t => {
  const { cache, folder } = await open(t)
  const { image, bytes, read } = await object(randomBytes(MiB))
  rmSync(folder, { recursive: true })
  t.equal(await take(await cache.read(image, read)), sha(bytes))
  writeFileSync(folder, 'a file where the folder was')
  t.equal(await take(await cache.read(image, read)), sha(bytes))
  await t.rejects(open(t, { folder }), { name: 'StartFailure' })
})

t.test('an entry that goes away while it is read, or before, or is cut short', async t => {
  const { cache, folder, files } = await open(t)
  const { image, bytes, read, windows } = await object(randomBytes(3 * MiB))
  await cache.fetch(image, read)
  const found = await cache.read(image, read)
  t.equal(await cache.evict([image.id]), 1)
  t.equal(await take(found), sha(bytes), 'gone before the first byte')
  t.same(windows, [undefined, { start: 0, end: 3 * MiB - 1 }])
  await cache.fetch(image, read)
  const slow = (await cache.read(image, read)).stream()
  const chunks = [(await slow[Symbol.asyncIterator]().next()).value as Buffer]
  await cache.evict('all')
  t.same(files('hits'), [])
  for await (const chunk of slow) chunks.push(chunk)
  t.ok(chunks.length > 0)
  await cache.fetch(image, read)
  const short = await cache.read(image, read)
  truncateSync(join(folder, 'images', files('images')[0]!), MiB)
  t.equal(await take(short), sha(bytes), 'cut short behind our back')
  t.equal(await take(await cache.read(image, read)), sha(bytes))
})

t.test('bounds: what was not served for longest goes first', async t => {
  const { cache, folder } = await open(t, { maxSize: 3 * MiB })
  const objects = await Promise.all([1, 2, 3, 4].map(() => object(randomBytes(MiB))))
  const [a, b, c, d] = objects as [Obj, Obj, Obj, Obj]
  for (const one of [a, b, c]) t.equal(await cache.fetch(one.image, one.read), 'there')
  for (const [n, one] of [a, b, c].entries()) {
    const name = readdirSync(join(folder, 'images')).find(name => name.startsWith(one.id))!
    utimesSync(join(folder, 'images', name), 1000 + n, 1000 + n)
  }
  await take(await cache.read(a.image, a.read))
  t.equal(await cache.fetch(d.image, d.read), 'there')
  t.same(ids(await cache.list()), [c.id, a.id, d.id].sort())
  const large = await object(randomBytes(3 * MiB + 1))
  t.equal(await cache.fetch(large.image, large.read), 'refused', 'larger than all of it')
  t.equal(await take(await cache.read(large.image, large.read)), sha(large.bytes))
  t.equal((await cache.list()).length, 3, 'and nothing had to go for it')
  t.same(await cache.prune(), { files: 0, bytes: 0 })
  const smaller = await open(t, { folder, maxSize: 2 * MiB })
  t.same(await smaller.cache.prune(), { files: 1, bytes: MiB })
  t.same(ids(await smaller.cache.list()), [a.id, d.id].sort())
})
type Obj = Awaited<ReturnType<typeof object>>
const ids = (entries: { image_id: string }[]) => entries.map(({ image_id }) => image_id).sort()

t.test('bounds hold for what comes in at the same time', async t => {
  const { cache, folder } = await open(t, { maxSize: 3 * MiB })
  const objects = await Promise.all(Array.from({ length: 12 }, () => object(randomBytes(MiB))))
  const got = await Promise.all(objects.map(async one => take(await cache.read(one.image, one.read))))
  t.same(
    got,
    objects.map(({ bytes }) => sha(bytes)),
  )
  await until(() => readdirSync(join(folder, 'incomplete')).length === 0, 'nothing incomplete')
  const entries = await cache.list()
  t.ok(entries.length >= 1 && entries.length <= 3, `${entries.length}`)
})

t.test('other bytes of the same image take the place of the old ones', async t => {
  const { cache } = await open(t)
  const old = await object(randomBytes(MiB))
  const next = await object(randomBytes(MiB))
  await cache.fetch(old.image, old.read)
  const image = { ...next.image, id: old.id }
  t.equal(await take(await cache.read(image, next.read)), sha(next.bytes))
  await until(async () => (await cache.list()).length === 1, 'one entry')
  t.equal(await take(await cache.read(image, next.read)), sha(next.bytes))
  t.equal(next.windows.length, 1)
})

t.test('what is taken out while it comes in is read to its end and not kept', async t => {
  const opened = await open(t)
  const { image, id, bytes, read, hold, release } = await object(randomBytes(2 * MiB))
  hold(MiB)
  const to = sink()
  const going = (await opened.cache.read(image, read)).sendTo(to.stream)
  await until(() => to.size() > 0, 'first bytes')
  await opened.cache.evict([id])
  await quiet(opened)
  release()
  await going
  t.equal(to.digest(), sha(bytes))
  await opened.cache.close()
  t.same(opened.files('images'), [])
})

t.test('a restart keeps what is complete, with its hits and the queue, and nothing else', async t => {
  const { cache, folder } = await open(t)
  const { image, bytes, read, windows } = await object(randomBytes(MiB))
  await cache.fetch(image, read)
  await take(await cache.read(image, read))
  await cache.queue.add('b')
  utimesSync(join(folder, 'queue', 'b'), 1000, 1000)
  await cache.queue.add('a')
  await cache.queue.add('b')
  await cache.queue.add('../x')
  await cache.close()
  writeFileSync(join(folder, 'incomplete', 'x.y'), 'a part')
  const again = await open(t, { folder })
  t.same(again.files('incomplete'), [])
  t.match(await again.cache.list(), [{ image_id: image.id, hits: 1 }])
  t.same(await again.cache.queue.list(), ['b', 'a'], 'in the order in which they came')
  t.equal(await take(await again.cache.read(image, read)), sha(bytes))
  t.equal(windows.length, 1)
  t.equal(await again.cache.queue.remove(['b', 'b', '../images']), 1)
  t.equal(await again.cache.queue.remove('all'), 1)
})

t.test('clean: files that nobody fills, hits of what is gone; not what is being filled', async t => {
  const opened = await open(t)
  const { cache, folder, files } = opened
  for (const name of ['incomplete/old.1', 'hits/old.1']) writeFileSync(join(folder, name), 'x')
  utimesSync(join(folder, 'incomplete/old.1'), 1000, 1000)
  const { image, read, hold, release } = await object(randomBytes(2 * MiB))
  hold(MiB)
  const fetched = cache.fetch(image, read)
  await until(() => files('incomplete').length === 2, 'a fill')
  await cache.clean()
  t.equal(files('incomplete').length, 1)
  t.same(files('hits'), [])
  release()
  t.equal(await fetched, 'there')
})

t.test('processes that share the folder share the read, too', async t => {
  const one = await open(t)
  const two = await open(t, { folder: one.folder, shared: true })
  const { image, bytes, read, windows, hold, release } = await object(randomBytes(3 * MiB))
  hold(MiB)
  const first = async (opened: Opened) => take(await opened.cache.read(image, read))
  const a = first(one)
  await until(() => one.files('incomplete').length === 1, 'a fill')
  const b = first(two)
  t.equal(await two.cache.fetch(image, read), 'elsewhere')
  release()
  t.same([await a, await b], [sha(bytes), sha(bytes)])
  t.equal(windows.length, 1)
  await until(() => one.files('images').length === 1, 'the entry')
  t.equal(await two.cache.fetch(image, read), 'there')
})

t.test('a process that stops while others follow it', async t => {
  const one = await open(t)
  const two = await open(t, { folder: one.folder, shared: true })
  const { image, bytes, read, windows, hold } = await object(randomBytes(3 * MiB))
  hold(MiB)
  const going = one.cache.fetch(image, read)
  await until(() => one.files('incomplete').length === 1, 'a fill')
  const to = sink()
  const following = (await two.cache.read(image, read)).sendTo(to.stream)
  await until(() => to.size() > 0, 'first bytes')
  await one.cache.close()
  t.equal(await going, 'refused')
  await following
  t.equal(to.digest(), sha(bytes))
  t.equal(windows.length, 2)
  t.same(one.files('incomplete'), [])
})

t.test('slow readers and fast ones share a read, too', async t => {
  const { cache } = await open(t)
  const { image, bytes, read, windows } = await object(randomBytes(32 * MiB))
  const slow = sink()
  const write = slow.stream._write.bind(slow.stream)
  slow.stream._write = (chunk, encoding, done) => void setTimeout(() => write(chunk, encoding, done), 3)
  const all = await Promise.all(
    [slow, sink(), sink()].map(async to => {
      await (await cache.read(image, read)).sendTo(to.stream)
      return to.digest()
    }),
  )
  t.same(new Set(all), new Set([sha(bytes)]))
  t.equal(windows.length, 1)
})
