/** Imports from FTP and web servers through the API: what is cut goes on, what is cancelled ends, what is wrong says so. */
import { createHash, randomBytes } from 'node:crypto'
import { readdirSync } from 'node:fs'
import { gzipSync } from 'node:zlib'
import t, { type Test } from 'tap'
import { alice, startApp, type TestApp } from '../../helpers/app.js'
import { ftpServer, noFtpServer } from '../../helpers/ftp.js'
import { settled, startWorker } from '../../helpers/tasks.js'
import { serve, webServer } from '../../helpers/web.js'

t.setTimeout(240_000)
const skip = noFtpServer
const bytes = randomBytes(3_000_001)
const sha256 = (data: Uint8Array) => createHash('sha256').update(data).digest('hex')

async function app(t: Test, overrides = {}): Promise<TestApp> {
  const running = await startApp(t, {
    import_allowed_addresses: ['127.0.0.0/8'],
    import_allowed_ports: [],
    ...overrides,
  })
  await startWorker(t, running)
  return running
}

/** Imports a URL into a new image; gives the image, its task, and why it failed, when it has ended. */
async function imported(running: TestApp, method: object, stores = ['fast']) {
  const me = running.as(alice)
  const { id } = await me.create()
  const asked = await me.post(`/v2/images/${id}/import`, {
    method: { name: 'web-download', ...method },
    stores,
  })
  if (asked.status !== 202) throw new Error(`${asked.status} ${asked.text}`)
  const image = await settled(running, id)
  const [task] = (await me.get(`/v2/images/${id}/tasks`)).json.tasks
  const { code } = await running.deps.db
    .selectFrom('transfers')
    .select('code')
    .where('image_id', '=', id)
    .executeTakeFirstOrThrow()
  return { image, task, code, download: () => me.download(id) }
}

t.test('an image comes from FTP, also when the transfer is cut in the middle', { skip }, async t => {
  const running = await app(t)
  const server = await ftpServer(
    t,
    { 'disk.raw': bytes },
    { users: { bob: 'hunter2' }, cut_after: 1_000_000, cuts: 1 },
  )
  const uri = `ftp://bob:hunter2@127.0.0.1:${server.port}/disk.raw`
  const checksum = `sha256:${sha256(bytes)}`
  const { image, task, download } = await imported(running, { uri, checksum }, ['fast', 'cheap'])
  t.match(image, {
    status: 'active',
    size: bytes.length,
    os_hash_algo: 'sha512',
    os_hash_value: createHash('sha512').update(bytes).digest('hex'),
    stores: 'fast,cheap',
  })
  t.ok((await download()).bytes.equals(bytes))
  t.ok(server.commands().includes('REST'))
  t.equal(server.commands().filter(command => command === 'RETR').length, 2, 'the second store is a copy')
  t.equal(task.input.import_req.method.uri, `ftp://bob:***@127.0.0.1:${server.port}/disk.raw`)

  const refused = await imported(running, { uri: uri.replace('hunter2', 'hunter3') })
  t.match(refused.image, { status: 'queued', os_glance_failed_import: 'fast' })
  t.equal(refused.task.message, 'The FTP server refuses the login (530).')
  t.equal(refused.code, 'source_refused')
  const rows = await Promise.all(
    (['tasks', 'image_properties'] as const).map(table =>
      running.deps.db.selectFrom(table).selectAll().execute(),
    ),
  )
  t.notMatch(JSON.stringify([running.logs, rows, task, refused.task]), /hunter/)
  t.equal(running.deps.hashes.active, 0)
})

t.test(
  'cancelling, or deleting the image, ends a slow transfer, and the server sees it',
  { skip },
  async t => {
    const running = await app(t)
    const me = running.as(alice)
    for (const end of ['cancel', 'delete']) {
      const server = await ftpServer(t, { 'disk.raw': bytes }, { speed: 20_000 })
      const { id } = await me.create()
      const uri = `ftp://127.0.0.1:${server.port}/disk.raw`
      await me.post(`/v2/images/${id}/import`, { method: { name: 'web-download', uri } })
      while (!server.commands().includes('RETR')) await new Promise(resolve => setTimeout(resolve, 20))
      const answer =
        end === 'cancel'
          ? await me.post(`/v2/images/${id}/actions/cancel`)
          : await me.delete(`/v2/images/${id}`)
      t.equal(answer.status, 204, end)
      await server.seen('disconnect')
      if (end === 'cancel') t.match(await settled(running, id), { status: 'queued' })
    }
    // what was begun goes a moment after the connection
    while (readdirSync(running.folders.fast).length > 0) await new Promise(resolve => setTimeout(resolve, 20))
  },
)

t.test('an image that is too large is refused, whatever the server said before', { skip }, async t => {
  const running = await app(t, { max_image_size: 1_000_000 })
  const server = await ftpServer(t, { 'disk.raw': bytes })
  const { image, task } = await imported(running, { uri: `ftp://127.0.0.1:${server.port}/disk.raw` })
  t.equal(image.status, 'queued')
  t.match(task.message, /at most 1000000 bytes/)
  t.strictSame(readdirSync(running.folders.fast), [])
})

t.test('bytes that do not have the expected checksum make the import fail', async t => {
  const running = await app(t)
  const web = await webServer(t, serve(bytes))
  for (const [name, size] of [
    ['sha256', 64],
    ['sha512', 128],
  ] as const) {
    const checksum = `${name}:${'0'.repeat(size)}`
    const { image, task, code } = await imported(running, { uri: web.url, checksum }, ['fast', 'cheap'])
    t.equal(code, 'checksum_mismatch')
    t.match(image, { status: 'queued', size: null, os_glance_failed_import: 'fast' })
    t.match(task, { status: 'failure', message: /do not have the expected checksum/ })
    t.strictSame(readdirSync(running.folders.fast), [])
    t.strictSame(readdirSync(running.folders.cheap), [])
  }
  const good = await imported(running, { uri: web.url, checksum: `sha256:${sha256(bytes).toUpperCase()}` })
  t.equal(good.image.status, 'active')
  t.equal(running.deps.hashes.active, 0)
})

t.test('the checksum is of the bytes that come, not of what a step makes of them', async t => {
  const running = await app(t, { import_decompress: true })
  const packed = gzipSync(bytes)
  const web = await webServer(t, serve(packed))
  const checksum = `sha256:${sha256(packed)}`
  const good = await imported(running, { uri: web.url, checksum }, ['fast', 'cheap'])
  t.match(good.image, { status: 'active', size: bytes.length })
  const bad = await imported(running, { uri: web.url, checksum: `sha256:${sha256(bytes)}` })
  t.match(bad.image, { status: 'queued' })
  t.match(bad.task.message, /do not have the expected checksum/)
  t.equal(bad.code, 'checksum_mismatch')
  t.strictSame(readdirSync(`${running.deps.config.data_dir}/staging`), [])
})

t.test('a malformed checksum, or one of another method, is refused before anything is done', async t => {
  const running = await app(t)
  const me = running.as(alice)
  const { id } = await me.create()
  const status = async (method: object) => (await me.post(`/v2/images/${id}/import`, { method })).status
  const uri = 'http://127.0.0.1:9/'
  for (const checksum of ['', 'sha256', 'md5:00', `sha256:${'0'.repeat(63)}`, 7, null, ['sha256:00'], {}]) {
    t.equal(await status({ name: 'web-download', uri, checksum }), 400, JSON.stringify(checksum))
  }
  const good = `sha256:${'0'.repeat(64)}`
  t.equal(await status({ name: 'glance-direct', checksum: good }), 400)
  for (const bad of ['ftp://h/a%0D%0ADELE%20x', 'ftp://h/', 'ftp://u%0a:p@h/x', 'ftp://127.0.0.2.:22/x']) {
    t.equal(await status({ name: 'web-download', uri: bad }), 400, bad)
  }
  t.equal((await me.get(`/v2/images/${id}/tasks`)).json.tasks.length, 0)
})

t.test('secrets of a signed URL are in no task, row or log', async t => {
  const running = await app(t)
  const web = await webServer(t, (request, response) => {
    if (request.url?.includes('broken')) response.destroy()
    else serve(bytes)(request, response)
  })
  const good = await imported(running, { uri: `${web.url}/image?X-Amz-Signature=canary&x=1` })
  t.equal(good.image.status, 'active')
  t.equal(web.seen.at(-1), 'GET /image?X-Amz-Signature=canary&x=1')
  t.match(good.task.input.import_req.method.uri, /Signature=\*\*\*&x=1$/)
  const bad = await imported(running, { uri: `${web.url}/broken?X-Amz-Signature=canary` })
  t.equal(bad.task.message, 'The source of the import could not be reached.')
  t.equal(bad.code, 'source_unreachable')
  const rows = await running.deps.db.selectFrom('tasks').selectAll().execute()
  t.notMatch(JSON.stringify([running.logs, rows, good.task, bad.task]), /canary/)
})
