import { randomBytes } from 'node:crypto'
import { readdirSync, rmSync, writeFileSync } from 'node:fs'
import http from 'node:http'
import type { AddressInfo } from 'node:net'
import t, { type Test } from 'tap'
import { features } from '../../../src/app.js'
import { startTasks } from '../../../src/tasks.js'
import { admin, alice, startApp, type TestApp } from '../../helpers/app.js'
import { until } from '../../helpers/server-process.js'
import { settled } from '../../helpers/tasks.js'

t.setTimeout(120_000)

const octets = { 'content-type': 'application/octet-stream' }
const bytes = randomBytes(3_000_001)

/** A web server of the test's own, and how often it was asked. */
async function webServer(t: Test, handler: http.RequestListener): Promise<{ url: string; port: number }> {
  const server = http.createServer(handler).listen(0, '127.0.0.1')
  await new Promise(resolve => server.once('listening', resolve))
  t.teardown(() => server.close())
  const { port } = server.address() as AddressInfo
  return { url: `http://127.0.0.1:${port}`, port }
}

async function app(t: Test, overrides = {}) {
  const running = await startApp(t, {
    import_allowed_addresses: ['127.0.0.0/8'],
    import_allowed_ports: [],
    ...overrides,
  })
  const worker = await startTasks(running.deps, features)
  t.teardown(() => worker.close())
  return running
}

async function queued(running: TestApp, more = {}) {
  const made = await running
    .as(alice)
    .post('/v2/images', { disk_format: 'raw', container_format: 'bare', ...more })
  return made.json.id as string
}

t.test('staged bytes become the image where they lie, and a copy elsewhere', async t => {
  const running = await app(t)
  const me = running.as(alice)
  const id = await queued(running)
  t.equal((await me.send('PUT', `/v2/images/${id}/stage`, octets, bytes)).status, 204)
  const staged = (await me.get(`/v2/images/${id}`)).json
  t.match(staged, { status: 'uploading', size: bytes.length, checksum: null })
  t.equal((await me.send('PUT', `/v2/images/${id}/stage`, octets, bytes)).status, 409, 'once')
  t.equal((await me.get(`/v2/images/${id}/file`)).status, 204, 'no data yet')

  const asked = await me.post(`/v2/images/${id}/import`, {
    method: { name: 'glance-direct' },
    stores: ['fast', 'cheap'],
  })
  t.equal(asked.status, 202)
  t.equal(asked.text, '')
  const image = await settled(running, id)
  t.match(image, {
    status: 'active',
    size: bytes.length,
    virtual_size: bytes.length,
    stores: 'fast,cheap',
    os_glance_importing_to_stores: '',
    os_glance_failed_import: '',
  })
  t.equal(readdirSync(running.folders.fast).length, 1, 'nothing staged is left')
  t.equal(readdirSync(running.folders.cheap).length, 1)
  const { json } = await me.get(`/v2/images/${id}/tasks`)
  t.match(json.tasks, [
    {
      type: 'api_image_import',
      status: 'success',
      result: { image_id: id },
      request_id: asked.headers['x-openstack-request-id'],
    },
  ])
  t.notMatch(json.tasks[0].created_at, /Z/)
})

t.test('bytes of the wrong format are refused by the import, and the image can be tried again', async t => {
  const running = await app(t)
  const me = running.as(alice)
  const id = await queued(running, { disk_format: 'qcow2' })
  await me.send('PUT', `/v2/images/${id}/stage`, octets, bytes)
  await me.post(`/v2/images/${id}/import`, { method: { name: 'glance-direct' } })
  const image = await settled(running, id)
  t.match(image, { status: 'queued', size: null, checksum: null, os_glance_failed_import: 'fast' })
  t.match((await me.get(`/v2/images/${id}/tasks`)).json.tasks, [{ status: 'failure', message: /qcow2/ }])
  t.strictSame(readdirSync(running.folders.fast), [])
  t.equal((await me.send('PUT', `/v2/images/${id}/stage`, octets, bytes)).status, 204)
})

t.test('an import for a signed image fails, as nothing verifies the signature', async t => {
  const running = await app(t)
  const me = running.as(alice)
  const names = [
    'img_signature',
    'img_signature_hash_method',
    'img_signature_key_type',
    'img_signature_certificate_uuid',
  ]
  const id = await queued(running, Object.fromEntries(names.map(name => [name, 'x'])))
  await me.send('PUT', `/v2/images/${id}/stage`, octets, bytes)
  t.equal((await me.post(`/v2/images/${id}/import`, { method: { name: 'glance-direct' } })).status, 202)
  t.match(await settled(running, id), { status: 'queued', size: null })
  const { json } = await me.get(`/v2/images/${id}/tasks`)
  t.match(json.tasks, [{ status: 'failure', message: /signatures are not verified/ }])
})

t.test('an import that one store breaks names that store, and leaves nothing in the others', async t => {
  const running = await app(t)
  const me = running.as(alice)
  const id = await queued(running)
  await me.send('PUT', `/v2/images/${id}/stage`, octets, bytes)
  rmSync(running.folders.cheap, { recursive: true })
  writeFileSync(running.folders.cheap, '')
  const stores = ['fast', 'cheap']
  t.equal(
    (await me.post(`/v2/images/${id}/import`, { method: { name: 'glance-direct' }, stores })).status,
    202,
  )
  t.match(await settled(running, id), {
    status: 'queued',
    os_glance_importing_to_stores: '',
    os_glance_failed_import: 'cheap',
  })
  await until(async () => readdirSync(running.folders.fast).length === 0)
})

t.test('an import that its quota refuses gives the staged bytes back', async t => {
  const running = await app(t, { limit_image_size_total: 1, limit_image_stage_total: 3 })
  const me = running.as(alice)
  const id = await queued(running)
  const stage = async () => (await me.send('PUT', `/v2/images/${id}/stage`, octets, bytes)).status
  t.equal(await stage(), 204)
  t.equal((await me.post(`/v2/images/${id}/import`, { method: { name: 'glance-direct' } })).status, 202)
  t.match(await settled(running, id), { status: 'queued', size: null, os_glance_failed_import: 'fast' })
  const { json } = await me.get(`/v2/images/${id}/tasks`)
  t.match(json.tasks, [{ status: 'failure', message: /image_size_total/ }])
  t.equal(await stage(), 204, 'there is room, and it can be tried again')
})

t.test(
  'web-download follows redirects, keeps passwords to itself and survives a server that lies',
  async t => {
    const running = await app(t)
    const me = running.as(alice)
    const seen: (string | undefined)[] = []
    const web = await webServer(t, (request, response) => {
      seen.push(request.headers.authorization)
      if (request.url === '/moved') response.writeHead(302, { location: '/image' }).end()
      else if (request.url === '/image') response.end(bytes)
      else if (request.url === '/short') {
        response.writeHead(200, { 'content-length': bytes.length })
        response.write(bytes.subarray(0, 1000), () => response.destroy())
      } else response.writeHead(404).end()
    })
    const run = async (path: string) => {
      const id = await queued(running)
      const uri = `http://user:hunter2@127.0.0.1:${web.port}${path}`
      const { status } = await me.post(`/v2/images/${id}/import`, { method: { name: 'web-download', uri } })
      t.equal(status, 202)
      return settled(running, id)
    }
    const good = await run('/moved')
    t.match(good, { status: 'active', size: bytes.length })
    t.equal(seen[0], `Basic ${Buffer.from('user:hunter2').toString('base64')}`)
    const tasks = await me.get(`/v2/images/${good.id}/tasks`)
    t.match(tasks.json.tasks[0].input.import_req.method.uri, /user:\*\*\*@/)
    t.match(await run('/short'), { status: 'queued', os_glance_failed_import: 'fast' })
    t.match(await run('/missing'), { status: 'queued' })
    const everything = JSON.stringify([
      running.logs,
      await running.deps.db.selectFrom('tasks').selectAll().execute(),
      tasks.json,
    ])
    t.notMatch(everything, /hunter2/, 'the password is in no log, row or answer')
    t.equal(readdirSync(running.folders.fast).length, 1)
  },
)

t.test('a redirect to a place that is not allowed reaches nothing', async t => {
  let touched = 0
  const canary = await webServer(t, (_, response) => {
    touched++
    response.end('secret')
  })
  const web = await webServer(t, (_, response) =>
    response.writeHead(302, { location: canary.url.replace('127.0.0.1', '127.0.0.2') }).end(),
  )
  const running = await app(t, { import_allowed_addresses: ['127.0.0.1/32'] })
  const id = await queued(running)
  await running.as(alice).post(`/v2/images/${id}/import`, { method: { name: 'web-download', uri: web.url } })
  t.match(await settled(running, id), { status: 'queued' })
  t.equal(touched, 0)
  const refused = await running
    .as(alice)
    .post(`/v2/images/${id}/import`, { method: { name: 'web-download', uri: 'http://169.254.169.254/' } })
  t.equal(refused.status, 400)
})

t.test('copy-image is an admin’s, leaves the image active and adds a copy', async t => {
  const running = await app(t)
  const me = running.as(alice)
  const id = await queued(running)
  await me.upload(id, bytes)
  const body = { method: { name: 'copy-image' }, stores: ['cheap'] }
  t.equal((await me.post(`/v2/images/${id}/import`, body)).status, 403)
  const boss = running.as(admin)
  t.equal((await boss.post(`/v2/images/${id}/import`, { ...body, stores: ['fast'] })).status, 400, 'is there')
  t.equal(
    (await boss.post(`/v2/images/${id}/import`, { ...body, stores: ['none'] })).status,
    409,
    'unknown store',
  )
  t.equal((await boss.post(`/v2/images/${id}/import`, body)).status, 202)
  t.match(await settled(running, id), { status: 'active', stores: 'fast,cheap' })
  const all = { method: { name: 'copy-image' }, all_stores: true }
  t.equal((await boss.post(`/v2/images/${id}/import`, all)).status, 202, 'nothing left to do')
})

t.test('copy-image needs room for what Glance would stage', async t => {
  const running = await app(t, { limit_image_size_total: 100, limit_image_stage_total: 3 })
  const id = await queued(running)
  await running.as(alice).upload(id, bytes)
  const boss = running.as({ ...admin, project_id: 'alpha' })
  const body = { method: { name: 'copy-image' }, stores: ['cheap'] }
  const copy = async () => (await boss.post(`/v2/images/${id}/import`, body)).status
  t.equal(await copy(), 202)
  t.match(await settled(running, id), { status: 'active', stores: 'fast' })
  const { json } = await boss.get(`/v2/images/${id}/tasks`)
  t.match(json.tasks, [{ status: 'failure', message: /image_stage_total is over limit/ }])
})

t.test('what can not be imported is refused in Glance’s words and order', async t => {
  const running = await app(t)
  const me = running.as(alice)
  const id = await queued(running)
  const post = async (body: unknown, image = id) => (await me.post(`/v2/images/${image}/import`, body)).status
  t.equal(await post({}), 400)
  t.equal(await post([]), 400)
  t.equal(await post({ method: 'x' }), 400)
  t.equal(await post({ method: { name: 'nope' } }), 400)
  const uri = 'http://192.0.2.1/'
  t.equal(await post({ method: { name: 'web-download', uri }, note: 'a\0' }), 400)
  t.equal(await post({ method: { name: 'glance-direct' } }), 409)
  t.equal(await post({ method: { name: 'copy-image' } }), 409)
  t.equal(await post({ method: { name: 'web-download' } }), 400)
  t.equal(await post({ method: { name: 'web-download', uri: 'http://x/' }, all_stores: 'yes' }), 400)
  t.equal(
    await post({ method: { name: 'glance-download', glance_region: 'r', glance_image_id: 'bad' } }),
    400,
  )
  t.equal(await post({ method: { name: 'web-download', uri: 'http://x/' } }, 'missing'), 404)
  const bare = await me.post('/v2/images', {})
  t.equal(
    await post({ method: { name: 'web-download', uri: 'http://example.org/' } }, bare.json.id),
    409,
    'formats',
  )
})

t.test('what a task could not keep is refused before anything begins', async t => {
  const running = await app(t)
  const me = running.as(alice)
  const id = await queued(running)
  const before = await shown()
  const method = { name: 'web-download', uri: 'http://example.org/' }
  const legacy = {
    import_from: 'http://example.org/',
    import_from_format: 'raw',
    image_properties: { name: 'x' },
  }
  const extras: [extra: Record<string, unknown>, status: number][] = [
    [{ x: 'a\0b' }, 400],
    [{ 'x\0': 1 }, 400],
    [{ x: '\\\0' }, 400],
    [{ x: 'a\ud800' }, 400],
    [{ '\udfff': 1 }, 400],
    [{ x: JSON.parse('['.repeat(2000) + ']'.repeat(2000)) }, 400],
    [{ x: 'x'.repeat(100_000) }, 413],
  ]
  for (const [extra, status] of extras) {
    const what = JSON.stringify(extra).slice(0, 60)
    const asked = await me.post(`/v2/images/${id}/import`, { method, ...extra })
    t.equal(asked.status, status, `import with ${what}: ${asked.text}`)
    const task = await running.as(admin).post('/v2/tasks', { type: 'import', input: { ...legacy, ...extra } })
    t.equal(task.status, status, `task with ${what}: ${task.text}`)
  }
  t.same(await shown(), before, 'the image is as it was')
  t.same((await me.get(`/v2/images/${id}/tasks`)).json.tasks, [])

  const fine = { x: 'a\\u0000 \\\\ud800 😀' }
  t.equal((await me.post(`/v2/images/${id}/import`, { method, ...fine })).status, 202)
  t.match((await me.get(`/v2/images/${id}/tasks`)).json.tasks, [{ input: { import_req: fine } }])

  async function shown() {
    return (await me.get(`/v2/images/${id}`)).json
  }
})
