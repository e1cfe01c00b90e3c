import { randomBytes } from 'node:crypto'
import { appendFileSync, readdirSync, readlinkSync, renameSync, truncateSync, unlinkSync } from 'node:fs'
import { type IncomingMessage, request } from 'node:http'
import { join } from 'node:path'
import t from 'tap'
import { reap } from '../../src/data/reap.js'
import { admin, alice, bob, rita, startApp } from '../helpers/app.js'
import { tidying, until } from '../helpers/left.js'

const MiB = 2 ** 20
// deleted is destroyed: no bin keeps the bytes that these tests see go
const server = await startApp(t, { recycle_bin: 0 })
const owner = server.as(alice)
const test = tidying(t, server)

const SIZE = 1000
const bytes = randomBytes(SIZE)

/** The file in which an image's bytes are. */
function fileOf(id: string): string {
  const name = readdirSync(server.folders.fast).find(one => one.startsWith(id))
  return join(server.folders.fast, name ?? 'none')
}

test('all of it, with the headers that clients rely on', async t => {
  const { id, checksum } = await owner.createActive(bytes)
  const got = await owner.download(id, {
    'if-none-match': '*',
    'accept-encoding': 'gzip',
    accept: 'text/html',
  })
  t.equal(got.status, 200)
  t.ok(got.bytes.equals(bytes))
  t.equal(got.headers['content-type'], 'application/octet-stream')
  t.equal(got.headers['content-length'], String(SIZE))
  t.equal(got.headers['content-md5'], checksum)
  t.match(got.headers['x-openstack-request-id'], /^req-/)
  t.notOk('content-range' in got.headers)
})

test('ranges', async t => {
  const { id, checksum } = await owner.createActive(bytes)
  const cases: [header: string, expected: [number, number] | number][] = [
    ['bytes=0-0', [0, 0]],
    ['bytes=0-999', [0, 999]],
    ['bytes=0-1000', [0, 999]],
    ['bytes=10-19', [10, 19]],
    ['bytes=999-999', [999, 999]],
    ['bytes=999-5000', [999, 999]],
    ['bytes=500-', [500, 999]],
    ['bytes=0-', [0, 999]],
    ['bytes=-1', [999, 999]],
    ['bytes=-1000', [0, 999]],
    ['bytes=-5000', [0, 999]],
    ['BYTES=1-2', [1, 2]],
    [' bytes = 1 - 2 ', [1, 2]],
    ['bytes=1000-', 416],
    ['bytes=1000-1001', 416],
    ['bytes=5000-6000', 416],
    ['bytes=99999999999999999999-', 416],
    ['bytes=5-4', 416],
    ['bytes=-0', 416],
    ['bytes=-', 416],
    ['bytes=', 416],
    ['bytes', 416],
    ['', 416],
    ['items=0-5', 416],
    ['bytes=a-b', 416],
    ['bytes=1.5-3', 416],
    ['bytes=--5', 416],
    ['bytes=0x1-2', 416],
    ['bytes=0-1,3-4', 400],
    ['bytes=0-1,', 400],
  ]
  for (const [range, expected] of cases) {
    const got = await owner.download(id, { range })
    if (typeof expected === 'number') {
      t.equal(got.status, expected, range)
      if (expected === 416) t.equal(got.headers['content-range'], `bytes */${SIZE}`)
      continue
    }
    const [start, end] = expected
    t.equal(got.status, 206, range)
    t.ok(got.bytes.equals(bytes.subarray(start, end + 1)), range)
    t.equal(got.headers['content-range'], `bytes ${start}-${end}/${SIZE}`)
    t.equal(got.headers['content-length'], String(end + 1 - start))
    t.equal(got.headers['content-md5'], checksum, 'that of the whole image')
    t.equal(got.headers['content-type'], 'application/octet-stream')
  }
})

test('Content-Range in the request, an older way to ask', async t => {
  const { id } = await owner.createActive(bytes)
  const cases: [header: string, expected: [number, number] | number][] = [
    ['bytes 0-9/*', [0, 9]],
    ['bytes 0-9/1000', [0, 9]],
    ['bytes 990-999/*', [990, 999]],
    ['bytes 0-1000/*', 416],
    ['bytes 0-1000/1000', 416],
    ['bytes 1000-1001/*', 416],
    ['bytes 5-4/*', 416],
    ['bytes */1000', 416],
    ['bytes=0-9', 416],
    ['nonsense', 416],
  ]
  for (const [range, expected] of cases) {
    const got = await owner.download(id, { 'content-range': range })
    if (typeof expected === 'number') t.equal(got.status, expected, range)
    else {
      t.equal(got.status, 206, range)
      t.ok(got.bytes.equals(bytes.subarray(expected[0], expected[1] + 1)), range)
    }
  }
  const both = await owner.download(id, { range: 'bytes=1-1', 'content-range': 'bytes 5-6/*' })
  t.equal(both.headers['content-range'], `bytes 1-1/${SIZE}`, 'Range wins')
})

test('no bytes: 204, whatever range is asked for', async t => {
  const { id } = await owner.create()
  for (const headers of [
    {},
    { range: 'bytes=0-1' },
    { range: 'nonsense' },
    { 'content-range': 'bytes */5' },
  ]) {
    const got = await owner.download(id, headers)
    t.equal(got.status, 204)
    t.equal(got.text, '')
    t.notOk('content-type' in got.headers)
  }
})

test('an image of no bytes at all is an image', async t => {
  const { id } = await owner.createActive(Buffer.alloc(0))
  const got = await owner.download(id)
  t.equal(got.status, 200)
  t.equal(got.headers['content-length'], '0')
  t.equal(got.headers['content-md5'], 'd41d8cd98f00b204e9800998ecf8427e')
  t.equal((await owner.download(id, { range: 'bytes=0-' })).status, 416)
})

test('who may', async t => {
  const { id } = await owner.createActive(bytes, { visibility: 'shared' })
  t.equal((await server.as(rita).download(id)).status, 403, 'a reader reads records, not bytes')
  t.equal((await server.as(bob).download(id)).status, 404)
  await owner.post(`/v2/images/${id}/members`, { member: 'beta' })
  t.equal((await server.as(bob).download(id)).status, 200, 'a member, accepted or not')
  t.equal((await server.as({ ...bob, roles: ['reader'] }).download(id)).status, 403)
  t.equal((await server.as(admin).download(id)).status, 200)
  t.equal((await server.as({ ...alice, roles: ['member'] }).download(id)).status, 200, 'bytes need no reader')
  t.equal((await owner.download('nothing')).status, 404)
  t.equal((await owner.send('GET', `/v2/images/${id}/file`, {}, 'a body')).status, 400)
  await owner.post(`/v2/images/${id}/actions/deactivate`)
  t.equal((await owner.download(id)).status, 403)
  t.equal((await server.as(bob).download(id)).status, 403)
  t.equal((await server.as({ project_id: 'gamma' }).download(id)).status, 404)
})

t.test('an object that vanished is 204, and the record stays', async t => {
  const { id } = await owner.createActive(bytes)
  const file = fileOf(id)
  renameSync(file, `${file}.away`)
  t.equal((await owner.download(id)).status, 204)
  t.equal((await owner.download(id, { range: 'bytes=0-1' })).status, 204)
  t.equal((await owner.show(id)).status, 'active')
  renameSync(`${file}.away`, file)
  t.equal((await owner.download(id)).status, 200)
  unlinkSync(file)
  t.equal((await owner.delete(`/v2/images/${id}`)).status, 204, 'and its image can be deleted')
})

test('a store whose folder is gone is 503: its images are not to be called lost', async t => {
  const { id } = await owner.createActive(bytes)
  renameSync(server.folders.fast, `${server.folders.fast}.away`)
  t.equal((await owner.download(id)).status, 503)
  const { id: other } = await owner.create()
  t.equal((await owner.upload(other, bytes)).status, 503)
  t.equal((await owner.show(other)).status, 'queued')
  renameSync(`${server.folders.fast}.away`, server.folders.fast)
  t.equal((await owner.download(id)).status, 200)
  t.equal((await owner.upload(other, bytes)).status, 204)
  const left = await server.deps.db.selectFrom('blobs').select('key').where('state', '<>', 'stored').execute()
  t.ok(left.length <= 1, 'what could not be removed then')
  await reap(server.deps)
})

test('an object of another length is 503, never a short or a long 200', async t => {
  const { id } = await owner.createActive(bytes)
  const file = fileOf(id)
  for (const damage of [() => truncateSync(file, SIZE - 1), () => appendFileSync(file, 'xxxx')]) {
    damage()
    t.equal((await owner.download(id)).status, 503)
    t.equal((await owner.download(id, { range: 'bytes=0-9' })).status, 503)
    t.equal((await owner.download(id, { range: 'bytes=990-' })).status, 503)
    t.equal((await owner.download(id, { range: 'bytes=5000-' })).status, 416)
  }
})

test('a copy elsewhere is read when the first one cannot be', async t => {
  const { id } = await owner.createActive(bytes)
  const key = `${id}.second`
  const writer = await server.deps.stores.get('cheap').write(key)
  await writer.write(bytes)
  await writer.commit()
  const blob = { store: 'cheap', key }
  await server.deps.db
    .insertInto('blobs')
    .values({ ...blob, image_id: id, state: 'stored', size: SIZE })
    .execute()
  await server.deps.db
    .insertInto('image_locations')
    .values({ ...blob, image_id: id })
    .execute()
  t.equal((await owner.show(id)).stores, 'fast,cheap')
  const file = fileOf(id)
  truncateSync(file, 10)
  t.ok((await owner.download(id)).bytes.equals(bytes))
  t.ok((await owner.download(id, { range: 'bytes=-5' })).bytes.equals(bytes.subarray(-5)))
  renameSync(file, `${file}.away`)
  t.ok((await owner.download(id)).bytes.equals(bytes))
  renameSync(`${file}.away`, file)
  t.equal((await owner.delete(`/v2/images/${id}`)).status, 204)
})

/** Files of the stores that this process holds open. */
const openFiles = () =>
  readdirSync('/proc/self/fd').filter(fd => {
    try {
      return Object.values(server.folders).some(folder =>
        readlinkSync(`/proc/self/fd/${fd}`).startsWith(folder),
      )
    } catch {
      return false
    }
  }).length

function start(id: string): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    request({
      host: '127.0.0.1',
      port: server.port,
      path: `/v2/images/${id}/file`,
      agent: false,
      headers: owner.headers,
    })
      .on('response', resolve)
      .on('error', reject)
      .end()
  })
}

test('readers that go away, and readers that are slow', async t => {
  const large = randomBytes(24 * MiB)
  const { id } = await owner.createActive(large)
  const readers = await Promise.all(Array.from({ length: 8 }, () => start(id)))
  t.equal(openFiles(), 8)
  for (const reader of readers) reader.on('error', () => {}).destroy()
  await until(() => openFiles() === 0, 'closed files')

  const slow = await start(id)
  const chunks: Buffer[] = []
  for await (const chunk of slow) {
    chunks.push(chunk as Buffer)
    if (chunks.length % 50 === 0) await new Promise(resolve => setTimeout(resolve, 5))
  }
  t.ok(Buffer.concat(chunks).equals(large))
  await until(() => openFiles() === 0, 'closed files')
})

test('an image that is deleted while it is read is read to its end', async t => {
  const large = randomBytes(24 * MiB)
  const { id } = await owner.createActive(large)
  const reader = await start(id)
  t.equal((await owner.delete(`/v2/images/${id}`)).status, 204)
  const chunks: Buffer[] = []
  for await (const chunk of reader) chunks.push(chunk as Buffer)
  t.ok(Buffer.concat(chunks).equals(large))
  t.equal((await owner.download(id)).status, 404)
})

test('bytes that end too soon break the connection', async t => {
  const { id } = await owner.createActive(randomBytes(40 * MiB))
  const reader = await start(id)
  truncateSync(fileOf(id), 30 * MiB)
  let got = 0
  await t.rejects(async () => {
    for await (const chunk of reader) got += (chunk as Buffer).length
    if (!reader.complete) throw new Error('broken')
  })
  t.ok(got <= 30 * MiB)
  await until(() => openFiles() === 0, 'closed files')
})

test('many readers at once get the same bytes', async t => {
  const large = randomBytes(3 * MiB + 17)
  const { id } = await owner.createActive(large)
  const answers = await Promise.all(
    Array.from({ length: 20 }, (_, n) => owner.download(id, n % 2 ? { range: `bytes=${n}-` } : {})),
  )
  for (const [n, answer] of answers.entries()) t.ok(answer.bytes.equals(n % 2 ? large.subarray(n) : large))
  t.equal(openFiles(), 0)
})

test('downloads are told in the log, with their status', async t => {
  const { id } = await owner.createActive(bytes)
  server.logs.length = 0
  await owner.download(id, { range: 'bytes=0-1' })
  const line = await until(() => server.logs.find(one => one.msg === 'answered'))
  t.match(line, { method: 'GET', url: `/v2/images/${id}/file`, status: 206, project: 'alpha' })
})
