import { randomBytes } from 'node:crypto'
import { setTimeout as delay } from 'node:timers/promises'
import t from 'tap'
import { NotFound, TooLarge, Unavailable } from '../../src/errors.js'
import { parseStores } from '../../src/stores/index.js'
import { openS3Store } from '../../src/stores/s3.js'
import { missingS3, openS3 } from '../helpers/minio.js'
import { newBucket, settingsOf, storesOf, tiny } from '../helpers/s3-stores.js'
import { key, listed, put, testStore } from './conformance.js'

const MiB = 2 ** 20

const skip = missingS3()
if (skip) t.pass('S3', { skip })
else {
  const s3 = await openS3()
  t.teardown(() => s3.stop())
  const { openStore, leftovers } = storesOf(s3)

  testStore('A store in a bucket', async () => {
    const store = await openStore()
    return { store, leftovers, close: () => store.close?.() }
  })

  testStore('A store in a bucket, with tiny parts', async () => {
    const store = await openStore(tiny)
    return { store, leftovers, close: () => store.close?.() }
  })

  t.test('an object cut into segments is cancelled without a trace at any time', async t => {
    const store = await openStore(tiny)
    t.teardown(() => store.close?.())
    for (const size of [17, 24, 31, 38, 45]) {
      const name = key()
      const writer = await store.write(name)
      for (let i = 0; i < size; i++) await writer.write(randomBytes(MiB))
      await writer.cancel()
      t.same(await listed(store), [], `after ${size} MiB`)
    }
    t.same(await leftovers(), [])
  })

  t.test('remove finds segments that a killed process left', async t => {
    const store = await openStore(tiny)
    t.teardown(() => store.close?.())
    const name = key()
    const writer = await store.write(name)
    for (let i = 0; i < 45; i++) await writer.write(randomBytes(MiB))
    await delay(200)
    t.not((await listed(store)).length, 0)
    for await (const entry of store.list()) t.match(entry, { key: name, finished: false })
    await store.remove(name)
    t.same(await listed(store), [])
    await t.rejects(writer.commit())
    await writer.cancel()
    t.same(await leftovers(), [])
  })

  t.test('more than the largest object is too large', async t => {
    const store = await openStore({ cut: { ...tiny.cut, maxSize: 11 * MiB } })
    t.teardown(() => store.close?.())
    const writer = await store.write(key())
    for (let i = 0; i < 11; i++) await writer.write(Buffer.alloc(MiB))
    await t.rejects(writer.write(Buffer.alloc(1)), TooLarge)
    await t.rejects(writer.commit(), TooLarge)
    await writer.cancel()
    t.same(await listed(store), [])
  })

  t.test('a bucket that is missing is no missing object', async t => {
    const url = s3.url(newBucket()).replace('create=true', 'create=false')
    const store = await openS3Store('s3', settingsOf(url))
    t.teardown(() => store.close?.())
    await t.rejects(store.check(), Unavailable)
    await t.rejects(store.stat(key()), Unavailable)
    await t.rejects(store.read(key()), Unavailable)
    await t.rejects(put(store, key(), Buffer.alloc(10)), Unavailable)
    await t.rejects(listed(store), Unavailable)
  })

  t.test('a presigned URL is for the public host and gives the bytes', async t => {
    const plain = await openStore()
    t.teardown(() => plain.close?.())
    t.notOk(plain.presign, 'none without a public endpoint')
    const bucket = newBucket()
    const away = await openStore({}, 'public=https://images.example.org', bucket)
    t.teardown(() => away.close?.())
    const name = key()
    await put(away, name, Buffer.from('hello'))
    t.match(await away.presign!(name, 60), `https://images.example.org/${bucket}/a/b/${name}?`)
    const near = await openStore({}, `public=http://${s3.host}:${s3.port}`, bucket)
    t.teardown(() => near.close?.())
    const url = await near.presign!(name, 60, {
      'Content-Disposition': 'attachment; filename="a b.img"',
      'Content-Type': 'application/octet-stream',
    })
    const answer = await fetch(url)
    t.equal(await answer.text(), 'hello')
    t.equal(answer.headers.get('content-disposition'), 'attachment; filename="a b.img"')
    t.equal((await fetch(url.replace(name, key()))).status, 403, 'for that object only')
    await near.remove(name)
  })

  t.test('a list goes on past one page', async t => {
    const store = await openStore()
    t.teardown(() => store.close?.())
    const names = Array.from({ length: 1005 }, key)
    for (let i = 0; i < names.length; i += 64) {
      await Promise.all(names.slice(i, i + 64).map(name => put(store, name, Buffer.alloc(1))))
    }
    t.same(await listed(store), names.map(name => `${name} 1 true`).sort())
  })

  t.test("the AWS environment's credentials count when the URL has none", async t => {
    const url = `s3://${s3.host}:${s3.port}/${newBucket()}?tls=false&create=true`
    const env = { AWS_ACCESS_KEY_ID: s3.accessKey, AWS_SECRET_ACCESS_KEY: s3.secretKey }
    const store = await openS3Store('s3', settingsOf(url), { env })
    t.teardown(() => store.close?.())
    await store.check()
    await t.rejects(openS3Store('s3', settingsOf(url), { env: {} }), Unavailable)
  })

  t.test('what another puts into the bucket is left alone', async t => {
    const bucket = newBucket()
    const ours = await openStore({}, '', bucket)
    const theirs = await openS3Store('x', settingsOf(s3.url(`${bucket}/a`)))
    t.teardown(() => Promise.all([ours.close?.(), theirs.close?.()]))
    const name = key()
    await put(theirs, name, Buffer.alloc(5))
    t.same(await listed(ours), [])
    await t.rejects(ours.stat(name), NotFound)
    await ours.remove(name)
    t.same(await theirs.stat(name), { size: 5 })
    await theirs.remove(name)
  })
}

t.test('the parts of a URL', async t => {
  t.match(
    settingsOf('s3://k%3A:s%2F@[::1]:9000/bucket/a/b%20c/?tls=false&region=eu&path_style=false&create=true'),
    {
      host: '::1',
      port: 9000,
      tls: false,
      bucket: 'bucket',
      prefix: 'a/b c/',
      region: 'eu',
      pathStyle: false,
      create: true,
      public: null,
    },
  )
  t.same(settingsOf('s3://k%3A:s%2F@h/bucket').credentials, { accessKey: 'k:', secretKey: 's/' })
  t.match(settingsOf('s3://s3.eu-west-1.amazonaws.com/bucket'), {
    port: 443,
    tls: true,
    prefix: '',
    region: 'eu-west-1',
    credentials: null,
  })
  t.match(settingsOf('s3://h/bucket?public=https://out:8443'), {
    public: { host: 'out', port: 8443, tls: true },
  })
  const url = parseStores(['x=s3://key:secret@h:1/bucket/p?description=a'], '/')[0]!.url
  t.equal(url, 's3://h:1/bucket/p/')
  for (const [text, sentence] of [
    ['s3://key:canary/1@h/bucket', /percent-encoded/],
    ['s3://h', /percent-encoded/],
    ['s3://key@h/bucket', /KEY:SECRET/],
    ['s3://key:secret@h/B', /bucket/],
    ['s3://h:0/bucket', /port/],
    ['s3://h:70000/bucket', /port/],
    ['s3://h/bucket?tls=maybe', /tls/],
    ['s3://h/bucket?color=red', /color/],
    ['s3://h/bucket?public=ftp://x', /public/],
    ['s3://h/bucket?public=https://x/path', /public/],
    ['s3://k:s%@h/bucket', /hex/],
  ] as const) {
    t.throws(() => settingsOf(text), sentence, text)
    try {
      settingsOf(text)
    } catch (err) {
      t.notMatch(String(err), /canary/, 'shows nothing of the URL')
    }
  }
})
