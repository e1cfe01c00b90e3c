import { createHash, randomBytes } from 'node:crypto'
import { createServer, type IncomingMessage, request } from 'node:http'
import type { AddressInfo } from 'node:net'
import { PassThrough, Readable } from 'node:stream'
import { setTimeout as delay } from 'node:timers/promises'
import t, { type Test } from 'tap'
import { BadRequest, RequestTimeout, TooLarge, UnsupportedMedia } from '../../src/errors.js'
import { openHashPool } from '../../src/streams/hash.js'
import { type IngestOptions, ingest } from '../../src/streams/ingest-ring.js'

const MiB = 2 ** 20
const hashes = openHashPool()
t.teardown(() => hashes.close())
t.afterEach(() => {
  if (hashes.active > 0) throw new Error('a digest is left open')
})

/** A writer that keeps what it gets, as late as `pause` (ms) says, and fails at write `failAt`. */
function memory({ pause = 0, failAt = Infinity }: { pause?: number; failAt?: number } = {}) {
  const chunks: Buffer[] = []
  let calls = 0
  let waiting = 0
  let most = 0
  return {
    chunks,
    bytes: () => Buffer.concat(chunks),
    most: () => most,
    async write(chunk: Uint8Array) {
      const call = ++calls
      const index = chunks.push(Buffer.alloc(0)) - 1
      most = Math.max(most, ++waiting)
      if (pause) await delay(pause)
      waiting--
      if (call === failAt) throw new TooLarge('The store is full')
      chunks[index] = Buffer.from(chunk)
    },
  }
}

function* cut(bytes: Buffer, size: () => number) {
  for (let at = 0; at < bytes.length; ) {
    const length = size()
    yield bytes.subarray(at, at + length)
    at += length
  }
}

const listeners = (source: Readable) =>
  source.listenerCount('data') + source.listenerCount('end') + source.listenerCount('close')

/** Runs a transfer that must fail and proves that nothing of it is left. */
async function fails(
  t: Test,
  source: Readable,
  options: IngestOptions,
  more: { writer?: ReturnType<typeof memory>; inspect?: (chunk: Uint8Array) => void } = {},
) {
  const before = listeners(source)
  let failure: unknown
  try {
    await ingest(
      source,
      { writer: more.writer ?? memory(), hashes, algorithms: ['md5', 'sha512'], inspect: more.inspect },
      options,
    )
  } catch (err) {
    failure = err
  }
  t.ok(failure, 'it fails')
  t.ok(source.destroyed, 'the source is destroyed')
  t.equal(listeners(source), before, 'no listener is left')
  t.equal(hashes.active, 0, 'no digest is left open')
  return failure
}

t.test('bytes in chunks of any size reach everybody in order', async t => {
  for (const [size, blockSize, blocks] of [
    [0, 1000, 3],
    [1, 1000, 3],
    [1000, 1000, 1],
    [3000, 1000, 3],
    [500_001, 1000, 2],
    [5 * MiB + 1, 65536, 8],
  ] as const) {
    const bytes = randomBytes(size)
    const writer = memory()
    const seen: Buffer[] = []
    const progress: number[] = []
    const source = Readable.from(
      cut(bytes, () => 1 + Math.floor(Math.random() * 5000)),
      { objectMode: false },
    )
    const result = await ingest(
      source,
      { writer, hashes, algorithms: ['md5', 'sha512'], inspect: chunk => seen.push(Buffer.from(chunk)) },
      { ring: { blockSize, blocks }, onProgress: done => progress.push(done), expected: size, limit: size },
    )
    t.equal(result.size, size)
    t.same(result.digests, {
      md5: createHash('md5').update(bytes).digest('hex'),
      sha512: createHash('sha512').update(bytes).digest('hex'),
    })
    t.ok(writer.bytes().equals(bytes), 'the writer has them')
    t.ok(Buffer.concat(seen).equals(bytes), 'the inspection has seen them')
    t.equal(progress.at(-1) ?? 0, size)
    t.same(
      progress,
      progress.toSorted((a, b) => a - b),
    )
    t.equal(listeners(source), 0)
  }
})

t.test('a slow writer slows the source down', async t => {
  const writer = memory({ pause: 5 })
  let given = 0
  const source = new Readable({
    highWaterMark: 1000,
    read() {
      given += 1000
      this.push(given > 100_000 ? null : Buffer.alloc(1000))
    },
  })
  let ahead = 0
  await ingest(
    source,
    { writer, hashes, algorithms: ['md5'] },
    {
      ring: { blockSize: 1000, blocks: 4 },
      onProgress: done => {
        ahead = Math.max(ahead, given - done)
      },
    },
  )
  t.ok(writer.most() <= 4, 'never more writes than blocks')
  t.ok(ahead <= 8000, `${ahead} bytes ahead`)
  t.equal(writer.bytes().length, 100_000)
})

t.test('one byte over the limit is too large, at once', async t => {
  const source = new PassThrough()
  source.write(Buffer.alloc(1001))
  t.type(await fails(t, source, { limit: 1000 }), TooLarge)
})

t.test('more bytes than announced are refused at once, fewer at the end', async t => {
  const more = new PassThrough()
  more.write(Buffer.alloc(1001))
  t.type(await fails(t, more, { expected: 1000 }), BadRequest)
  const fewer = new PassThrough()
  fewer.end(Buffer.alloc(999))
  t.type(await fails(t, fewer, { expected: 1000 }), BadRequest)
})

t.test('a source that breaks off fails the transfer', async t => {
  const broken = new PassThrough()
  broken.write('x')
  setTimeout(() => broken.destroy(new Error('broken')), 5)
  t.match(await fails(t, broken, {}), { message: 'broken' })
  const closed = new PassThrough()
  closed.write('x')
  setTimeout(() => closed.destroy(), 5)
  t.type(await fails(t, closed, {}), BadRequest)
  const before = new PassThrough()
  before.destroy()
  await delay(1)
  t.type(await fails(t, before, {}), BadRequest)
})

t.test('a source that is silent for too long is timed out', async t => {
  const source = new PassThrough()
  source.write('x')
  t.type(await fails(t, source, { idleSeconds: 0.05 }), RequestTimeout)
})

t.test('a writer that is slow is not the fault of the source', async t => {
  const source = Readable.from(
    cut(Buffer.alloc(5000), () => 1000),
    { objectMode: false },
  )
  const writer = memory({ pause: 100 })
  await ingest(
    source,
    { writer, hashes, algorithms: [] },
    { idleSeconds: 0.05, ring: { blockSize: 1000, blocks: 1 } },
  )
  t.equal(writer.bytes().length, 5000)
})

t.test('a signal ends the transfer with its reason', async t => {
  const reason = new Error('enough')
  const control = new AbortController()
  setTimeout(() => control.abort(reason), 10)
  t.equal(await fails(t, new PassThrough(), { signal: control.signal }), reason)
  t.equal(await fails(t, new PassThrough(), { signal: AbortSignal.abort(reason) }), reason)
})

t.test('a writer, an inspection or a progress report that fails ends the transfer', async t => {
  const endless = () =>
    new Readable({
      read() {
        this.push(Buffer.alloc(1000))
      },
    })
  const ring = { blockSize: 1000, blocks: 4 }
  t.type(await fails(t, endless(), { ring }, { writer: memory({ failAt: 3 }) }), TooLarge)
  const inspect = (() => {
    let calls = 0
    return () => {
      if (++calls === 3) throw new UnsupportedMedia('Not a disk')
    }
  })()
  t.type(await fails(t, endless(), { ring }, { inspect }), UnsupportedMedia)
  const onProgress = () => {
    throw new Error('no')
  }
  t.match(await fails(t, endless(), { ring, onProgress }), { message: 'no' })
})

t.test('a client that goes away in the middle is noticed', async t => {
  const server = createServer()
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  t.teardown(() => server.close())
  const arrived = new Promise<IncomingMessage>(resolve => server.once('request', resolve))
  const client = request({ port: (server.address() as AddressInfo).port, method: 'PUT' })
  client.on('error', () => {})
  client.write(Buffer.alloc(100_000))
  const body = await arrived
  setTimeout(() => client.destroy(), 20)
  t.type(await fails(t, body, {}), BadRequest)
})

t.test('a thousand small transfers at once', async t => {
  const all = await Promise.all(
    Array.from({ length: 1000 }, async (_, i) => {
      const bytes = randomBytes(i)
      const { size, digests } = await ingest(Readable.from([bytes], { objectMode: false }), {
        writer: memory(),
        hashes,
        algorithms: ['md5'],
      })
      return size === i && digests.md5 === createHash('md5').update(bytes).digest('hex')
    }),
  )
  t.ok(all.every(Boolean))
})
