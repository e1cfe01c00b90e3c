import { createHash, randomBytes, randomUUID } from 'node:crypto'
import { PassThrough, Writable } from 'node:stream'
import { buffer } from 'node:stream/consumers'
import { setTimeout as delay } from 'node:timers/promises'
import t, { type Test } from 'tap'
import { BadRange, BadRequest, NotFound } from '../../src/errors.js'
import type { Store } from '../../src/stores/store.js'

const MiB = 2 ** 20

export interface Opened {
  store: Store
  /** Resolves with whatever is left in the store, hidden things too; empty when it is clean. */
  leftovers(): Promise<string[]>
  close?(): Promise<void> | undefined
}

/** What every kind of store must do. Ends by proving that nothing is left in the store. */
export function testStore(name: string, open: () => Promise<Opened>): void {
  t.test(`${name} keeps its promises`, async t => {
    const opened = await open()
    t.teardown(() => opened.close?.())
    const { store } = opened
    for (const [title, run] of Object.entries(promises)) {
      await t.test(title, async t => {
        await run(t, store)
        t.same(await listed(store), [], 'nothing is listed afterwards')
      })
    }
    t.same(await opened.leftovers(), [], 'the store is empty')
  })
}

export const key = () => `${randomUUID()}.${randomBytes(4).toString('hex')}`

/** Writes an object in chunks of one size, from one reused buffer as the ring does. */
export async function put(store: Store, name: string, bytes: Buffer, { chunk = MiB, hint = false } = {}) {
  const writer = await store.write(name, hint ? { size: bytes.length } : {})
  const block = Buffer.alloc(chunk)
  for (let at = 0; at < bytes.length; at += chunk) {
    const part = bytes.subarray(at, at + chunk)
    part.copy(block)
    await writer.write(block.subarray(0, part.length))
    block.fill(0xee)
  }
  await writer.commit()
}

export async function listed(store: Store): Promise<string[]> {
  const found: string[] = []
  for await (const entry of store.list()) found.push(`${entry.key} ${entry.size} ${entry.finished}`)
  return found.sort()
}

const sha = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex')

/** A sink that keeps a copy of everything, as late as its `pause` says. */
export function collector(pause = 0): Writable & { bytes(): Buffer } {
  const chunks: Buffer[] = []
  const sink = new Writable({
    highWaterMark: 64 * 1024,
    write(chunk, _encoding, done) {
      const take = () => {
        chunks.push(Buffer.from(chunk))
        done()
      }
      if (pause > 0) setTimeout(take, pause)
      else setImmediate(take)
    },
  })
  return Object.assign(sink, { bytes: () => Buffer.concat(chunks) })
}

const promises: Record<string, (t: Test, store: Store) => Promise<void>> = {
  async 'bytes come back as they went in, of every size'(t, store) {
    for (const size of [0, 1, 4095, MiB, MiB + 1, 5 * MiB + 17]) {
      for (const hint of [true, false]) {
        const name = key()
        const bytes = randomBytes(size)
        await put(store, name, bytes, { chunk: 300_000, hint })
        t.same(await store.stat(name), { size })
        const first = await store.read(name)
        t.equal(first.size, size)
        t.equal(sha(await buffer(first.stream())), sha(bytes), `${size} as a stream`)
        const sink = collector()
        await (await store.read(name)).sendTo(sink)
        t.notOk(sink.writableEnded, 'the sink is left open')
        t.equal(sha(sink.bytes()), sha(bytes), `${size} sent`)
        await store.remove(name)
      }
    }
  },

  async 'a window gives those bytes and no others'(t, store) {
    const name = key()
    const bytes = randomBytes(3 * MiB + 5)
    await put(store, name, bytes)
    const last = bytes.length - 1
    for (const [start, end] of [
      [0, 0],
      [last, last],
      [0, last],
      [1, MiB],
      [MiB - 1, 2 * MiB + 1],
    ] as const) {
      const wanted = sha(bytes.subarray(start, end + 1))
      const found = await store.read(name, { start, end })
      t.equal(found.size, bytes.length, 'the size is that of the whole')
      t.equal(sha(await buffer(found.stream())), wanted, `${start}-${end} as a stream`)
      const sink = collector()
      await (await store.read(name, { start, end })).sendTo(sink)
      t.equal(sha(sink.bytes()), wanted, `${start}-${end} sent`)
    }
    for (const window of [
      { start: 0, end: last + 1 },
      { start: 2, end: 1 },
      { start: -1, end: 1 },
    ]) {
      await t.rejects(store.read(name, window), BadRange)
    }
    await store.remove(name)
  },

  async 'several writes may wait at once'(t, store) {
    const name = key()
    const chunks = Array.from({ length: 40 }, (_, i) => randomBytes(100_000 + i))
    const writer = await store.write(name)
    await Promise.all(chunks.map(chunk => writer.write(chunk)))
    await writer.commit()
    t.equal(sha(await buffer((await store.read(name)).stream())), sha(Buffer.concat(chunks)))
    await store.remove(name)
  },

  async 'nothing is visible before commit'(t, store) {
    const name = key()
    const writer = await store.write(name)
    await writer.write(randomBytes(MiB))
    await t.rejects(store.stat(name), NotFound)
    await t.rejects(store.read(name), NotFound)
    for await (const entry of store.list()) t.match(entry, { key: name, finished: false })
    await writer.commit()
    t.same(await listed(store), [`${name} ${MiB} true`])
    await store.remove(name)
  },

  async 'a cancelled write leaves nothing, at every step'(t, store) {
    const steps: [string, number, boolean][] = [
      ['before the first byte', 0, true],
      ['after a little', 1, true],
      ['after a lot', 40, true],
      ['with writes still waiting', 40, false],
    ]
    for (const [when, chunks, wait] of steps) {
      const name = key()
      const writer = await store.write(name)
      const writes = Array.from({ length: chunks }, () => writer.write(randomBytes(MiB)))
      const settled = Promise.allSettled(writes)
      if (wait) await settled
      await writer.cancel()
      await writer.cancel()
      await settled
      await t.rejects(writer.write(Buffer.from('x')), `no write after cancelling ${when}`)
      await t.rejects(writer.commit(), `no commit after cancelling ${when}`)
      await t.rejects(store.stat(name), NotFound)
      t.same(await listed(store), [], when)
    }
  },

  async 'a write cancelled during commit either leaves nothing or had been committed'(t, store) {
    for (const pause of [0, 1, 5]) {
      const name = key()
      const writer = await store.write(name)
      await writer.write(randomBytes(MiB))
      const outcome = writer.commit().then(
        () => 'committed',
        () => 'failed',
      )
      if (pause) await delay(pause)
      await writer.cancel()
      if ((await outcome) === 'committed') {
        t.same(await store.stat(name), { size: MiB })
        await store.remove(name)
      } else {
        await t.rejects(store.stat(name), NotFound)
      }
    }
  },

  async 'a cancel after commit does nothing'(t, store) {
    const name = key()
    const writer = await store.write(name)
    await writer.write(randomBytes(10))
    await writer.commit()
    await writer.cancel()
    t.same(await store.stat(name), { size: 10 })
    await store.remove(name)
  },

  async 'a signal stops a write with its reason'(t, store) {
    const control = new AbortController()
    const reason = new Error('enough')
    const name = key()
    const writer = await store.write(name, { signal: control.signal })
    await writer.write(randomBytes(MiB))
    control.abort(reason)
    await t.rejects(writer.write(randomBytes(MiB)), reason)
    await t.rejects(writer.commit())
    await writer.cancel()
    await t.rejects(store.stat(name), NotFound)
  },

  async 'a signal that has fired stops every method'(t, store) {
    const reason = new Error('enough')
    const signal = AbortSignal.abort(reason)
    await t.rejects(store.write(key(), { signal }), reason)
    await t.rejects(store.read(key(), undefined, signal), reason)
    await t.rejects(store.stat(key(), signal), reason)
    await t.rejects(store.remove(key(), signal), reason)
    await t.rejects(store.check(signal), reason)
    await t.rejects(async () => {
      for await (const _ of store.list(signal)) t.fail('an entry came')
    }, reason)
  },

  async 'a signal stops a read under way'(t, store) {
    const name = key()
    await put(store, name, randomBytes(24 * MiB))
    const reason = new Error('enough')
    const control = new AbortController()
    const sink = collector(5)
    const sending = (await store.read(name, undefined, control.signal)).sendTo(sink)
    setTimeout(() => control.abort(reason), 20)
    await t.rejects(sending, reason)
    t.ok(sink.destroyed, 'the sink is destroyed')
    t.ok(sink.bytes().length < 24 * MiB)

    const second = new AbortController()
    const stream = (await store.read(name, undefined, second.signal)).stream()
    stream.once('data', () => second.abort(reason))
    await t.rejects(async () => {
      for await (const _ of stream) await delay(1)
    })
    t.ok(stream.destroyed)
    await store.remove(name)
  },

  async 'a reader that goes away stops the read'(t, store) {
    const name = key()
    await put(store, name, randomBytes(24 * MiB))
    const sink = collector(5)
    const sending = (await store.read(name)).sendTo(sink)
    setTimeout(() => sink.destroy(), 20)
    await t.rejects(sending)
    const gone = new PassThrough()
    gone.destroy()
    await t.rejects((await store.read(name)).sendTo(gone))
    const stream = (await store.read(name)).stream()
    stream.on('error', () => {})
    stream.once('data', () => stream.destroy())
    await new Promise(resolve => stream.on('close', resolve))
    await store.remove(name)
  },

  async 'a slow reader gets everything'(t, store) {
    const name = key()
    const bytes = randomBytes(4 * MiB + 3)
    await put(store, name, bytes)
    const sink = collector(3)
    await (await store.read(name)).sendTo(sink)
    t.equal(sha(sink.bytes()), sha(bytes))
    await store.remove(name)
  },

  async 'what is not there is NotFound, and may be removed'(t, store) {
    const name = key()
    await t.rejects(store.stat(name), NotFound)
    await t.rejects(store.read(name), NotFound)
    await t.rejects(store.read(name, { start: 0, end: 0 }), NotFound)
    await store.remove(name)
  },

  async 'remove takes an unfinished write away'(t, store) {
    const name = key()
    const writer = await store.write(name)
    await Promise.all(Array.from({ length: 40 }, () => writer.write(randomBytes(MiB))))
    while ((await listed(store)).length === 0) await delay(20)
    await store.remove(name)
    t.same(await listed(store), [])
    await t.rejects(writer.commit(), 'the write can no longer be finished')
    await writer.cancel()
    await t.rejects(store.stat(name), NotFound)
  },

  async 'no key leaves the store'(t, store) {
    for (const bad of [
      '',
      '.',
      '..',
      '../x',
      'a/../../x',
      '/etc/passwd',
      'a/b',
      'a\0b',
      '.hidden',
      'a\\b',
      'é',
      'x'.repeat(300),
    ]) {
      await t.rejects(store.write(bad), BadRequest, JSON.stringify(bad))
      await t.rejects(store.read(bad), BadRequest)
      await t.rejects(store.stat(bad), BadRequest)
      await t.rejects(store.remove(bad), BadRequest)
    }
  },

  async 'the list has every object, with its size and time'(t, store) {
    const names = Array.from({ length: 12 }, key).sort()
    const before = Date.now()
    await Promise.all(names.map((name, i) => put(store, name, Buffer.alloc(i))))
    t.same(
      await listed(store),
      names.map((name, i) => `${name} ${i} true`),
    )
    for await (const entry of store.list()) {
      t.ok(Math.abs(entry.modified.getTime() - before) < 60_000, 'changed just now')
    }
    await Promise.all(names.map(name => store.remove(name)))
  },

  async 'a store that works says so'(_t, store) {
    await store.check()
  },
}
