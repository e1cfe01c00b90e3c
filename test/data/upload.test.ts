import { createHash } from 'node:crypto'
import { connect } from 'node:net'
import { Readable } from 'node:stream'
import t from 'tap'
import { admin, alice, bob, rita, startApp } from '../helpers/app.js'
import { tidying, until } from '../helpers/left.js'

const MiB = 2 ** 20
const LIMIT = 3 * MiB
const server = await startApp(t, { max_image_size: LIMIT })
const owner = server.as(alice)
const test = tidying(t, server)

/** Bytes that are no known format, other ones for each seed. */
const bytesOf = (length: number, seed = 1) => Buffer.alloc(length, `content ${seed} `)
const digest = (algorithm: string, bytes: Uint8Array) => createHash(algorithm).update(bytes).digest('hex')
const inPieces = (bytes: Buffer, size: number) =>
  Readable.from(
    (function* () {
      for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size)
    })(),
  )

test('bytes come in and go out as they were, however long and however sent', async t => {
  for (const length of [0, 1, 511, 512, 65_536, MiB - 1, MiB, MiB + 1, LIMIT])
    for (const way of ['whole', 'chunked', 'announced'] as const) {
      const bytes = bytesOf(length)
      const { id } = await owner.create()
      const put = await owner.upload(
        id,
        way === 'whole' ? bytes : inPieces(bytes, 77_777),
        way === 'announced' ? { 'x-openstack-image-size': length } : {},
      )
      const what = `${length} bytes, ${way}`
      t.equal(put.status, 204, `${what}: ${put.text}`)
      t.equal(put.text, '')
      t.match(await owner.show(id), {
        status: 'active',
        size: length,
        virtual_size: length === 0 ? null : length,
        checksum: digest('md5', bytes),
        os_hash_algo: 'sha512',
        os_hash_value: digest('sha512', bytes),
        stores: 'fast',
      })
      const got = await owner.download(id)
      t.equal(got.status, 200)
      t.ok(got.bytes.equals(bytes), what)
      await owner.delete(`/v2/images/${id}`)
    }
})

test('a store can be chosen', async t => {
  const { id } = await owner.create()
  t.equal((await owner.upload(id, 'x', { 'x-image-meta-store': 'nowhere' })).status, 400)
  t.equal(
    (await owner.upload('nothing', 'x', { 'x-image-meta-store': 'nowhere' })).status,
    400,
    'before the image is looked for',
  )
  t.equal((await owner.upload(id, 'x', { 'x-image-meta-store': 'cheap' })).status, 204)
  t.equal((await owner.show(id)).stores, 'cheap')
})

test('sizes that are not true', async t => {
  const { id } = await owner.create()
  const cases: [what: string, body: Buffer | Readable, announced: unknown, status: number][] = [
    ['fewer than announced', bytesOf(10), 11, 400],
    ['more than announced', bytesOf(11), 10, 400],
    ['far more than announced', inPieces(bytesOf(2 * MiB), 60_000), 10, 400],
    ['chunked, fewer', inPieces(bytesOf(10), 5), 11, 400],
    ['nothing at all', Buffer.alloc(0), 1, 400],
    ['no number', bytesOf(1), 'one', 400],
    ['a fraction', bytesOf(1), '1.0', 400],
    ['negative', bytesOf(1), -1, 400],
    ['huge', bytesOf(1), '99999999999999999999', 400],
    ['more than an image may have', bytesOf(1), LIMIT + 1, 413],
    ['zero says nothing', bytesOf(7), 0, 204],
  ]
  for (const [what, body, announced, status] of cases) {
    const put = await owner.upload(id, body, { 'x-openstack-image-size': String(announced) })
    t.equal(put.status, status, `${what}: ${put.text}`)
    if (status !== 204) t.match(await owner.show(id), { status: 'queued', size: null, checksum: null })
  }
  t.match(await owner.show(id), { status: 'active', size: 7 }, 'and after all that it is still taken')
})

test('one byte too many', async t => {
  const { id } = await owner.create()
  for (const body of [bytesOf(LIMIT + 1), inPieces(bytesOf(LIMIT + 1), 50_000)]) {
    const put = await owner.upload(id, body)
    t.equal(put.status, 413, put.text)
    t.match(await owner.show(id), { status: 'queued', size: null })
  }
  t.equal((await owner.download(id)).status, 204)
})

test('what the bytes are: refused ones leave nothing, and others may follow', async t => {
  const qed = Buffer.concat([Buffer.from('QED\0'), Buffer.alloc(2 * MiB)])
  const { id } = await owner.create({ disk_format: 'qcow2' })
  for (const body of [bytesOf(5000), inPieces(bytesOf(2 * MiB), 60_000), Buffer.alloc(0), qed]) {
    const put = await owner.upload(id, body)
    t.equal(put.status, 415, put.text)
    t.match(await owner.show(id), {
      status: 'queued',
      size: null,
      virtual_size: null,
      checksum: null,
      os_hash_algo: null,
      os_hash_value: null,
    })
    t.notOk('stores' in (await owner.show(id)))
    t.equal((await owner.download(id)).status, 204)
  }
  await owner.patch(`/v2/images/${id}`, [{ op: 'replace', path: '/disk_format', value: 'raw' }])
  t.equal((await owner.upload(id, qed)).status, 415, 'unsafe whatever it is called')
  t.equal((await owner.upload(id, bytesOf(5000))).status, 204)
  const { id: ovf } = await owner.create({ container_format: 'ovf' })
  t.equal((await owner.upload(ovf, qed)).status, 204, 'only bare images are looked into')
  t.equal((await owner.show(ovf)).virtual_size, null)
})

test('refused before a byte is read', async t => {
  const octets = { 'content-type': 'application/octet-stream' }
  const { id } = await owner.create({ visibility: 'community' })
  for (const type of [
    'application/json',
    'text/plain',
    'application/octet',
    'multipart/form-data; boundary=x',
    '',
    'application/octet-stream, x',
  ]) {
    const put = await owner.send('PUT', `/v2/images/${id}/file`, { 'content-type': type }, 'x')
    t.equal(put.status, 415, type)
  }
  t.equal((await owner.send('PUT', `/v2/images/${id}/file`, {}, 'x')).status, 415)
  t.equal((await owner.upload('nothing', 'x', { 'content-type': 'x' })).status, 415, 'before 404')
  t.equal((await owner.upload('nothing', 'x')).status, 404)
  t.equal((await server.as(bob).upload(id, 'x')).status, 403)
  t.equal((await server.as(rita).upload(id, 'x')).status, 403)
  const { id: secret } = await owner.create({ visibility: 'private' })
  t.equal((await server.as(bob).upload(secret, 'x')).status, 404)
  for (const missing of ['disk_format', 'container_format']) {
    const { id: bare } = await owner.create({ [missing]: null })
    t.equal((await owner.upload(bare, 'x')).status, 400, `no ${missing}`)
  }
  const { id: signed } = await owner.create(
    Object.fromEntries(
      [
        'img_signature',
        'img_signature_hash_method',
        'img_signature_key_type',
        'img_signature_certificate_uuid',
      ].map(name => [name, 'x']),
    ),
  )
  t.equal((await owner.upload(signed, 'x')).status, 400, 'a signature nobody verifies')
  t.equal(
    (
      await owner.send(
        'PUT',
        `/v2/images/${id}/file`,
        { ...octets, 'content-type': 'Application/Octet-Stream ; a=b' },
        'x',
      )
    ).status,
    204,
  )
  t.equal((await owner.upload(id, 'y')).status, 409, 'active')
  t.equal((await server.as(admin).upload(id, 'y')).status, 409)
  t.strictSame((await owner.download(id)).text, 'x')
  for (const method of ['POST', 'PATCH', 'DELETE', 'HEAD', 'OPTIONS']) {
    const answer = await owner.send(method, `/v2/images/${id}/file`, octets)
    t.equal(answer.status, 405, method)
    t.equal(answer.headers.allow, 'GET, PUT')
  }
})

test('headers that mean nothing here', async t => {
  const { id } = await owner.create()
  const put = await owner.upload(id, 'bytes', {
    'content-md5': 'wrong',
    'content-range': 'bytes 0-1/2',
    'if-none-match': '*',
    'content-encoding': 'gzip',
    accept: '',
  })
  t.equal(put.status, 204)
  t.equal((await owner.download(id)).text, 'bytes')
})

/** Talks HTTP by hand: what it says and when; gives everything that came back. */
async function raw(say: (write: (text: string | Buffer) => void, seen: () => string) => Promise<void>) {
  const socket = connect(server.port, '127.0.0.1')
  let seen = ''
  socket.setEncoding('latin1').on('data', text => {
    seen += text
  })
  socket.on('error', () => {})
  const closed = new Promise(resolve => socket.once('close', resolve))
  await new Promise(resolve => socket.once('connect', resolve))
  await say(
    text => void socket.write(text),
    () => seen,
  )
  socket.end()
  setTimeout(() => socket.destroy(), 3000).unref()
  await closed
  return seen
}
const seenWithin = async (seen: () => string, text: string) => {
  for (let n = 0; n < 200 && !seen().includes(text); n++)
    await new Promise(resolve => setTimeout(resolve, 20))
  return seen().includes(text)
}
const head = (id: string, ...more: string[]) =>
  [
    `PUT /v2/images/${id}/file HTTP/1.1`,
    'host: x',
    `x-auth-token: ${owner.headers['x-auth-token']}`,
    'content-type: application/octet-stream',
    ...more,
    '\r\n',
  ].join('\r\n')

test('a client that asks first is told to go on only when nothing speaks against it', async t => {
  const { id } = await owner.create()
  await raw(async (write, seen) => {
    write(head(id, 'content-length: 5', 'expect: 100-continue'))
    t.ok(await seenWithin(seen, '100 Continue'))
    write('bytes')
    t.ok(await seenWithin(seen, '204 No Content'))
  })
  const refused = await raw(async (write, seen) => {
    write(head(id, 'content-length: 5', 'expect: 100-continue'))
    t.ok(await seenWithin(seen, '409 Conflict'))
  })
  t.notMatch(refused, '100 Continue')
})

test('one connection carries an upload and what comes after it', async t => {
  const { id } = await owner.create()
  const again = `GET /v2/images/${id}/file HTTP/1.1\r\nhost: x\r\nx-auth-token: ${owner.headers['x-auth-token']}\r\n\r\n`
  await raw(async (write, seen) => {
    write(head(id, 'transfer-encoding: chunked'))
    write('5\r\nhello\r\n6\r\n world\r\n0\r\n\r\n')
    t.ok(await seenWithin(seen, '204 No Content'))
    write(again)
    t.ok(await seenWithin(seen, 'hello world'))
    // refused, its body read to the end, and the connection still good
    write(head(id, 'content-length: 11'))
    t.ok(await seenWithin(seen, '409 Conflict'))
    write('thrown away')
    write(again)
    t.ok(await seenWithin(() => seen().slice(seen().indexOf('409')), 'hello world'))
  })
})

test('lengths and chunks that are no HTTP', async t => {
  const { id } = await owner.create()
  for (const bad of [
    head(id, 'content-length: x'),
    head(id, 'content-length: -1'),
    head(id, 'content-length: 5', 'content-length: 6'),
    head(id, 'content-length: 5', 'transfer-encoding: chunked'),
    head(id, 'content-length: 99999999999999999999999999'),
    `${head(id, 'transfer-encoding: chunked')}zz\r\nhello\r\n0\r\n\r\n`,
  ]) {
    const answer = await raw(async (write, seen) => {
      write(bad)
      await seenWithin(seen, '\r\n\r\n')
    })
    t.match(answer, /^HTTP\/1\.1 400 /, bad.split('\r\n').slice(4).join(' '))
  }
  // the parser answers by itself, before the upload has ended
  await until(async () => (await owner.show(id)).status === 'queued', 'queued')
})

test('who fails is told so also while the store removes nothing', async t => {
  const store = server.deps.stores.get('fast')
  const { remove } = store
  let release = () => {}
  const held = new Promise<void>(resolve => {
    release = resolve
  })
  store.remove = async (...given) => {
    await held
    return remove(...given)
  }
  t.teardown(() => {
    store.remove = remove
    release()
  })
  const { id } = await owner.create()
  t.equal((await owner.upload(id, bytesOf(LIMIT + 1))).status, 413)
  t.equal((await owner.show(id)).status, 'queued')
  release()
})
