import { createHash, randomBytes } from 'node:crypto'
import { buffer } from 'node:stream/consumers'
import { inspect } from 'node:util'
import t from 'tap'
import { Gone, TooLarge, Unavailable } from '../../src/errors.js'
import { openS3Store } from '../../src/stores/s3.js'
import type { Fate, Passing } from '../helpers/faulty-proxy.js'
import { findMinio, missingS3, openS3, startMinio } from '../helpers/minio.js'
import { newBucket, settingsOf, storesOf, tiny } from '../helpers/s3-stores.js'
import { collector, key, listed, put } from './conformance.js'

const MiB = 2 ** 20
const sha = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex')
const isPart = ({ method, url }: Passing) => method === 'PUT' && url.includes('partNumber=')

const skip = missingS3()
if (skip) t.pass('S3', { skip })
else {
  const s3 = await openS3()
  t.teardown(() => s3.stop())
  const { openFaulty, leftovers } = storesOf(s3)

  t.test('an object larger than its parts allow is put together from segments', async t => {
    const { store, direct, proxy } = await openFaulty(t, () => undefined)
    for (const size of [22 * MiB, 28 * MiB, 28 * MiB + 1, 47 * MiB + 12345]) {
      const name = key()
      const bytes = randomBytes(size)
      await put(store, name, bytes)
      t.same(await direct.stat(name), { size })
      t.equal(sha(await buffer((await direct.read(name)).stream())), sha(bytes), `${size} bytes`)
      t.same(await listed(direct), [`${name} ${size} true`], 'no segment is left')
      await direct.remove(name)
    }
    t.ok(
      proxy.seen.some(({ url }) => url.includes('~segment')),
      'there were segments',
    )
    t.same(await leftovers(), [])
  })

  t.test('parts that fail a few times are sent again', async t => {
    const fates: Fate[] = [
      { status: 503, code: 'SlowDown' },
      { status: 500 },
      { cut: 'request', after: 2 * MiB },
      { cut: 'answer' },
    ]
    for (const fate of fates) {
      const counts = new Map<string, number>()
      const { store, direct } = await openFaulty(t, passing => {
        if (!isPart(passing)) return undefined
        const part = /partNumber=\d+/.exec(passing.url)![0] + passing.url.includes('~segment')
        const count = (counts.get(part) ?? 0) + 1
        counts.set(part, count)
        return count <= 2 ? fate : undefined
      })
      const name = key()
      const bytes = randomBytes(30 * MiB)
      await put(store, name, bytes)
      t.equal(sha(await buffer((await direct.read(name)).stream())), sha(bytes), inspect(fate))
      await direct.remove(name)
      t.same(await listed(direct), [])
    }
    t.same(await leftovers(), [])
  })

  t.test('a lost answer to any single request does no harm', async t => {
    for (const what of ['uploads=?(&|$)', 'uploadId=[^&]*$', '/[^?~]*$', 'partNumber=4', '~segment\\?']) {
      let lost = false
      const { store, direct } = await openFaulty(t, ({ method, url }) => {
        if (lost || method === 'GET' || method === 'HEAD' || !new RegExp(what).test(url)) return undefined
        lost = true
        return { cut: 'answer' }
      })
      for (const size of [30 * MiB, 10]) {
        const name = key()
        const bytes = randomBytes(size)
        await put(store, name, bytes)
        t.equal(sha(await buffer((await direct.read(name)).stream())), sha(bytes), `${size} bytes, ${what}`)
        await direct.remove(name)
      }
      t.same(await listed(direct), [], what)
    }
    t.same(await leftovers(), [])
  })

  t.test('a part that fails for good fails the write, which leaves nothing', async t => {
    const cases: [Fate, unknown][] = [
      [{ status: 500 }, Unavailable],
      [{ status: 403, code: 'AccessDenied' }, Unavailable],
      [{ status: 403, code: 'QuotaExceeded' }, TooLarge],
      [{ status: 507, code: 'XMinioStorageFull' }, TooLarge],
      [{ status: 404, code: 'NoSuchUpload' }, Gone],
    ]
    for (const [fate, kind] of cases) {
      for (const part of [1, 3]) {
        const { store, direct } = await openFaulty(t, passing =>
          isPart(passing) && passing.url.includes(`partNumber=${part}&`) ? fate : undefined,
        )
        const writer = await store.write(key())
        const outcome = (async () => {
          for (let i = 0; i < 60; i++) await writer.write(randomBytes(MiB))
          await writer.commit()
        })()
        await t.rejects(outcome, kind as typeof Unavailable, inspect(fate))
        await writer.cancel()
        t.same(await listed(direct), [])
      }
    }
    t.same(await leftovers(), [])
  })

  t.test('a service that does not react is given up', async t => {
    let hang = true
    const { store, direct } = await openFaulty(t, () => (hang ? { hang: true } : undefined), {
      ...tiny,
      // longer than the test: nothing of this needs thought
      patience: { connect: 0.3, idle: 0.3, thinking: 3600, repeat: 0.02 },
    })
    await t.rejects(store.check(), Unavailable)
    await t.rejects(store.stat(key()), Unavailable)
    const name = key()
    const writer = await store.write(name)
    await writer.write(randomBytes(10))
    await t.rejects(writer.commit(), Unavailable)
    const large = await store.write(key())
    await t.rejects(
      large.write(randomBytes(30 * MiB)).then(() => large.commit()),
      Unavailable,
    )
    hang = false
    await writer.cancel()
    await large.cancel()
    await put(direct, name, randomBytes(3 * MiB))
    const object = await store.read(name)
    hang = true
    await t.rejects(object.sendTo(collector()), Unavailable)
    t.same(await listed(direct), [`${name} ${3 * MiB} true`])
  })

  t.test('a signal stops what hangs, at once', async t => {
    const { store } = await openFaulty(t, () => ({ hang: true }), {
      patience: { connect: 60, idle: 60, thinking: 60 },
    })
    const reason = new Error('enough')
    const began = Date.now()
    const signal = () => {
      const control = new AbortController()
      setTimeout(() => control.abort(reason), 50)
      return control.signal
    }
    await t.rejects(store.stat(key(), signal()), reason)
    await t.rejects(store.remove(key(), signal()), reason)
    await t.rejects(store.check(signal()), reason)
    await t.rejects(listed({ ...store, list: () => store.list(signal()) }), reason)
    const writer = await store.write(key(), { signal: signal() })
    await writer.write(Buffer.alloc(10))
    await t.rejects(writer.commit(), reason)
    t.ok(Date.now() - began < 3000)
  })

  t.test('a download that breaks off is taken up where it stopped', async t => {
    let cuts = 0
    const { store, direct } = await openFaulty(t, ({ method }) =>
      method === 'GET' && cuts++ < 4 ? { cut: 'response', after: 2 * MiB } : undefined,
    )
    const name = key()
    const bytes = randomBytes(20 * MiB)
    await put(direct, name, bytes)
    const sink = collector()
    await (await store.read(name)).sendTo(sink)
    t.ok(cuts > 2, 'it broke')
    t.equal(sha(sink.bytes()), sha(bytes))
    cuts = 0
    t.equal(
      sha(await buffer((await store.read(name, { start: 5, end: 15 * MiB })).stream())),
      sha(bytes.subarray(5, 15 * MiB + 1)),
    )
    t.ok(cuts > 2)
  })

  t.test('a download that can not be taken up again destroys the sink', async t => {
    let broken = false
    const { store, direct } = await openFaulty(t, ({ method }) => {
      if (method !== 'GET') return undefined
      if (broken) return { status: 503 }
      broken = true
      return { cut: 'response', after: 2 * MiB }
    })
    const name = key()
    await put(direct, name, randomBytes(8 * MiB))
    const sink = collector()
    await t.rejects((await store.read(name)).sendTo(sink), Unavailable)
    t.ok(sink.destroyed)
    const unused = collector()
    await t.rejects((await store.read(name)).sendTo(unused), Unavailable)
    t.notOk(unused.destroyed, 'before the first byte it is left for an error of another kind')
    await t.rejects(buffer((await store.read(name)).stream()), Unavailable)
  })

  t.test('the service dies during an upload', async t => {
    if (!findMinio()) {
      t.comment('skipped: needs a MinIO of its own')
      return
    }
    const own = await startMinio()
    t.teardown(() => own.stop())
    const store = await openS3Store('s3', settingsOf(own.url(newBucket())), tiny)
    t.teardown(() => store.close?.())
    await store.check()

    const lost = await store.write(key())
    for (let i = 0; i < 12; i++) await lost.write(randomBytes(MiB))
    await own.kill!()
    const outcome = (async () => {
      for (let i = 0; i < 40; i++) await lost.write(randomBytes(MiB))
      await lost.commit()
    })()
    await t.rejects(outcome, Unavailable)
    await t.rejects(store.check(), Unavailable)
    await t.rejects(store.stat(key()), Unavailable)
    await t.rejects(lost.cancel(), Unavailable, 'a cancel that could not be done says so')
    await own.restart!()
    await lost.cancel()
    t.same(await listed(store), [])
    t.same(await own.openUploads!(), [])

    const name = key()
    const bytes = randomBytes(30 * MiB)
    const survivor = await store.write(name)
    await survivor.write(bytes.subarray(0, 12 * MiB))
    await own.kill!()
    const back = own.restart!()
    await survivor.write(bytes.subarray(12 * MiB)).catch(() => {})
    await back
    const result = await survivor.commit().then(
      () => 'committed',
      () => survivor.cancel().then(() => 'cancelled'),
    )
    if (result === 'committed') {
      t.equal(sha(await buffer((await store.read(name)).stream())), sha(bytes))
      await store.remove(name)
    }
    t.same(await listed(store), [], result)
    t.same(await own.openUploads!(), [])
  })

  t.test('no secret is in any error or in what is printed of the settings', async t => {
    const secret = 'canary-secret/+1'
    const bucket = newBucket()
    const settings = settingsOf(
      `s3://canary-key:${encodeURIComponent(secret)}@${s3.host}:${s3.port}/${bucket}?tls=false`,
    )
    const texts = [inspect(settings, { depth: 9 }), JSON.stringify(settings)]
    t.equal(settings.credentials?.secretKey, secret)
    const store = await openS3Store('s3', settings, tiny)
    t.teardown(() => store.close?.())
    const closed = await openS3Store(
      's3',
      Object.assign(Object.create(settings), settings, { port: 1 }),
      tiny,
    )
    const writer = await store.write(key())
    const failures = await Promise.allSettled([
      store.check(),
      store.stat(key()),
      store.remove(key()),
      listed(store),
      put(store, key(), Buffer.alloc(10)),
      put(store, key(), Buffer.alloc(12 * MiB)),
      writer.commit(),
      closed.check(),
      closed.stat(key()),
      put(closed, key(), Buffer.alloc(10)),
    ])
    for (const failure of failures) {
      t.equal(failure.status, 'rejected')
      if (failure.status === 'rejected') {
        t.type(failure.reason, Unavailable)
        texts.push(inspect(failure.reason, { depth: 9, showHidden: true }), failure.reason.stack)
      }
    }
    for (const text of texts) t.notMatch(text, /canary|X-Amz|Signature=/)
  })
}
