import { createHash, randomBytes } from 'node:crypto'
import type { RequestListener } from 'node:http'
import t, { type Test } from 'tap'
import { admin, alice, bob, rita, startApp, type TestApp } from '../../helpers/app.js'
import { settled, startWorker } from '../../helpers/tasks.js'
import { serve, type WebServer, webServer } from '../../helpers/web.js'

const bytes = randomBytes(300_001)
const digest = (algorithm: string) => createHash(algorithm).update(bytes).digest('hex')
/** A service without other roles, in alice's project, which is what lets it see a private image. */
const service = { user_id: 'cinder', project_id: 'alpha', roles: ['service'] }
/** A user behind whom a service stands. */
const served = { ...alice, service_roles: ['service'] }
const open = { import_allowed_addresses: ['127.0.0.0/8'], import_allowed_ports: [] }

async function start(t: Test, handler: RequestListener = serve(bytes), overrides = {}) {
  const running = await startApp(t, { ...open, ...overrides }, { moreStores: ['web=http:'] })
  await startWorker(t, running)
  return { running, web: await webServer(t, handler), me: running.as(alice) }
}

const add = (running: TestApp, id: string, body: unknown, who: object = alice) =>
  running.as(who).post(`/v2/images/${id}/locations`, body)

const tasksOf = async (running: TestApp, id: string) =>
  (await running.as(admin).get(`/v2/images/${id}/tasks`)).json.tasks

t.test('a location with a hash is read before the image is active', async t => {
  const { running, web, me } = await start(t)
  for (const algorithm of ['sha512', 'sha256', 'sha1', 'md5']) {
    const { id } = await me.create()
    const url = `${web.url}/${algorithm}`
    const validation_data = { os_hash_algo: algorithm, os_hash_value: digest(algorithm).toUpperCase() }
    const asked = await add(running, id, { url, validation_data })
    t.equal(asked.status, 202)
    t.equal(asked.text, '')
    t.match(await settled(running, id), {
      status: 'active',
      size: bytes.length,
      virtual_size: null,
      checksum: digest('md5'),
      os_hash_algo: algorithm,
      os_hash_value: digest(algorithm),
      stores: 'web',
    })
    t.match(await tasksOf(running, id), [
      {
        type: 'location_import',
        status: 'success',
        owner: 'alpha',
        input: { image_id: id, loc_url: url, validation_data: { os_hash_algo: algorithm } },
        result: { image_id: id },
        request_id: asked.headers['x-openstack-request-id'],
      },
    ])
    t.ok((await me.download(id)).bytes.equals(bytes), 'the bytes are served from there')
    const part = await me.download(id, { range: 'bytes=1000-1999' })
    t.equal(part.status, 206)
    t.ok(part.bytes.equals(bytes.subarray(1000, 2000)))
  }
})

t.test('a hash that is wrong leaves nothing, and the image can be tried again', async t => {
  const { running, web, me } = await start(t)
  const { id } = await me.create()
  const url = `${web.url}/image`
  const wrong = { os_hash_algo: 'sha512', os_hash_value: '0'.repeat(128) }
  t.equal((await add(running, id, { url, validation_data: wrong })).status, 202)
  const image = await settled(running, id)
  t.match(image, { status: 'queued', size: null, checksum: null, os_hash_algo: null, os_hash_value: null })
  t.notOk('stores' in image)
  t.same((await running.as(admin).get(`/v2/images/${id}/locations`)).json, [])
  t.match(await tasksOf(running, id), [{ status: 'failure', message: /sha512/ }])
  const right = { os_hash_algo: 'sha512', os_hash_value: digest('sha512') }
  t.equal((await add(running, id, { url, validation_data: right })).status, 202)
  t.match(await settled(running, id), { status: 'active', os_hash_value: digest('sha512') })
})

t.test('without a hash the image is active at once, and its hashes follow', async t => {
  let release: () => void = () => undefined
  const held = new Promise<void>(resolve => {
    release = resolve
  })
  const plain = serve(bytes)
  const { running, web, me } = await start(t, (request, response) => {
    if (request.method === 'HEAD') plain(request, response)
    else void held.then(() => plain(request, response))
  })
  const { id } = await me.create()
  t.equal((await add(running, id, { url: `${web.url}/image`, validation_data: {} })).status, 202)
  let image = await me.show(id)
  for (let n = 0; n < 200 && image.status !== 'active'; n++) {
    await new Promise(resolve => setTimeout(resolve, 25))
    image = await me.show(id)
  }
  t.match(image, { status: 'active', size: bytes.length, checksum: null, os_hash_value: null })
  t.ok(image.os_glance_import_task, 'the lock is held while the bytes are read')
  release()
  t.match(await settled(running, id), {
    status: 'active',
    checksum: digest('md5'),
    os_hash_algo: 'sha512',
    os_hash_value: digest('sha512'),
  })
})

t.test('the background hash is tried again, and when it can not be had the image stays active', async t => {
  let failing = 2
  const plain = serve(bytes)
  const { running, web, me } = await start(t, (request, response) => {
    if (request.method === 'GET' && (request.url === '/never' || failing-- > 0)) response.destroy()
    else plain(request, response)
  })
  const { id } = await me.create()
  await add(running, id, { url: `${web.url}/at-last` })
  t.match(await settled(running, id), { status: 'active', os_hash_value: digest('sha512') })
  t.equal(web.seen.filter(line => line.startsWith('GET')).length, 3)

  const { id: other } = await me.create()
  await add(running, other, { url: `${web.url}/never` })
  t.match(await settled(running, other), {
    status: 'active',
    checksum: null,
    os_hash_algo: null,
    os_hash_value: null,
  })
  t.match(await tasksOf(running, other), [{ status: 'success' }])

  const { id: third } = await me.create()
  const validation_data = { os_hash_algo: 'sha512', os_hash_value: digest('sha512') }
  await add(running, third, { url: `${web.url}/never`, validation_data })
  t.match(await settled(running, third), { status: 'queued', size: null }, 'one to be verified fails')
  t.same((await running.as(admin).get(`/v2/images/${third}/locations`)).json, [])
})

t.test('where hashes are not computed, those that are given are believed', async t => {
  const { running, web, me } = await start(t, serve(bytes), { do_secure_hash: false })
  const { id } = await me.create()
  const validation_data = { os_hash_algo: 'sha256', os_hash_value: 'ab'.repeat(32) }
  await add(running, id, { url: `${web.url}/a`, validation_data })
  t.match(await settled(running, id), { status: 'active', checksum: null, ...validation_data })
  const { id: other } = await me.create()
  await add(running, other, { url: `${web.url}/b` })
  t.match(await settled(running, other), { status: 'active', checksum: null, os_hash_algo: null })
  t.notMatch(web.seen.join(), /GET/, 'nothing was read')
})

t.test('a place that gives nothing leaves the image queued', async t => {
  const { running, web, me } = await start(t, (request, response) => {
    if (request.url === '/empty') response.writeHead(200, { 'content-length': 0 }).end()
    else response.writeHead(404).end()
  })
  const reach = async (url: string, who: object = alice, attributes = {}) => {
    const { id } = await me.create(attributes)
    t.equal((await add(running, id, { url }, who)).status, 202, url)
    t.match(await settled(running, id), { status: 'queued', size: null })
    return (await tasksOf(running, id))[0]
  }
  const missing = await reach(`${web.url}/missing`)
  t.match(missing, { status: 'failure', message: 'Invalid location' })
  for (const url of [`${web.url}/empty`, 'http://127.0.0.1:1/closed']) {
    t.equal((await reach(url)).message, missing.message, 'told apart from nothing else')
  }
  // what services may ask for, and no store here has
  for (const url of [
    'file:///etc/passwd',
    'swift+config://x',
    'rbd://pool/image',
    'ftp://example.org/x',
    '',
  ]) {
    t.equal((await reach(url, service)).message, missing.message, url)
  }
  const shown = await reach('swift://user:hunter2@example.org/container', service)
  t.match(shown.input.loc_url, 'swift://user:***@example.org/container')
  t.notMatch(
    JSON.stringify([running.logs, await running.deps.db.selectFrom('tasks').selectAll().execute()]),
    /hunter2/,
  )

  const { id } = await me.create({ disk_format: null })
  await add(running, id, { url: `${(await webServer(t, serve(bytes))).url}/x` })
  t.match(await settled(running, id), { status: 'queued' }, 'formats are needed')
  t.match(await tasksOf(running, id), [{ status: 'failure', message: /disk_format/ }])
})

t.test('our own objects can not be pointed at', async t => {
  const { running, me } = await start(t)
  const secret = await me.createActive(Buffer.from('private to alpha'), { visibility: 'private' })
  const [{ url }] = (await running.as(admin).get(`/v2/images/${secret.id}/locations`)).json
  t.match(url, /^file:\/\/\//)
  const { id } = await running.as(bob).create()
  t.equal((await add(running, id, { url }, bob)).status, 403)
  t.equal((await add(running, id, { url }, { ...service, roles: ['service', 'admin'] })).status, 202)
  t.match(await settled(running, id), { status: 'queued' })
})

t.test('who may add, and in which order faults are told', async t => {
  const { running, web, me } = await start(t)
  const url = `${web.url}/image`
  const { id } = await me.create()
  const status = async (body: unknown, who: object = alice, image = id) =>
    (await add(running, image, body, who)).status
  for (const body of [
    {},
    [],
    { url: 5 },
    { url: null },
    { url: 'http://a\0b/' },
    { url, validation_data: null },
    { url, validation_data: [] },
    { url, validation_data: { os_hash_algo: 'sha512' } },
    { url, validation_data: { os_hash_value: '00' } },
    { url, validation_data: { os_hash_algo: 'sha384', os_hash_value: '00' } },
    { url, validation_data: { os_hash_algo: 'md5', os_hash_value: 'z'.repeat(32) } },
    { url, validation_data: { os_hash_algo: 'md5', os_hash_value: 'a'.repeat(40) } },
    { url, validation_data: { os_hash_algo: 'md5', os_hash_value: '' } },
    {
      url,
      validation_data: { os_hash_algo: 'md5', os_hash_value: 'a'.repeat(32), checksum: 'a'.repeat(32) },
    },
    { url: 'http://user:hunter2@127.0.0.1/' },
    { url: 'http://' },
  ]) {
    t.equal(await status(body), 400, JSON.stringify(body))
  }
  t.equal(await status({ url: 5 }, bob, 'nonsense'), 400, 'the body first')
  t.equal(await status({ url }, alice, 'nonsense'), 404)
  t.equal(await status({ url }, bob), 404, 'an image of others')
  t.equal(await status({ url }, rita), 403, 'a reader')
  t.equal(await status({ url: 'rbd://a/b' }), 403, 'a place that is not on the web')
  t.equal(await status({ url: 'rbd://a/b' }, { ...admin }), 403, 'an admin is no service')
  t.equal(await status({ url: 'file:///etc/passwd' }), 403)
  t.match(await me.show(id), { status: 'queued' })
  t.same(web.seen, [], 'nothing was reached so far')

  t.equal(await status({ url: 'rbd://a/b' }, served), 202, 'a service behind a user')
  t.equal(await status({ url }, alice), 409, 'while another task has the image')
  await settled(running, id)
  t.equal(await status({ url }, service), 202)
  t.match(await settled(running, id), { status: 'active' })
  t.equal(await status({ url }, rita), 409, 'the state before the rule')
  t.equal(await status({ url: 'rbd://a/b' }), 409)
})

t.test('without an http store only services may add, and what they add fails', async t => {
  const running = await startApp(t, open)
  await startWorker(t, running)
  const web = await webServer(t, serve(bytes))
  const { id } = await running.as(alice).create()
  t.equal((await add(running, id, { url: `${web.url}/x` })).status, 403)
  t.equal((await add(running, id, { url: `${web.url}/x` }, admin)).status, 403)
  t.equal((await add(running, id, { url: `${web.url}/x` }, service)).status, 202)
  t.match(await settled(running, id), { status: 'queued' })
  t.same(web.seen, [])
})

t.test('services and admins read the locations, nobody else', async t => {
  const { running, web, me } = await start(t)
  const { id } = await me.create()
  const read = (who: object) => running.as(who).get(`/v2/images/${id}/locations`)
  t.same((await read(admin)).json, [])
  const url = `${web.url}/image`
  await add(running, id, { url })
  await settled(running, id)
  t.same((await read(service)).json, [{ url, metadata: { store: 'web' } }])
  t.same((await read(admin)).json, [{ url, metadata: { store: 'web' } }])
  t.equal((await read(alice)).status, 403, 'the owner')
  t.equal((await read(served)).status, 403, 'a service token adds nothing')
  t.equal((await read(bob)).status, 404)
  t.equal((await read({ ...service, project_id: 'gamma' })).status, 404, 'a service that may not know of it')
  const put = await running.as(admin).put(`/v2/images/${id}/locations`)
  t.equal(put.status, 405)
  t.equal(put.headers.allow, 'POST')
})

t.test('places that may not be reached are refused, in every spelling and behind every redirect', async t => {
  const canary = await webServer(t, serve(bytes))
  const { running, me } = await start(t, serve(bytes), { import_allowed_addresses: [] })
  const spellings = (port: number) => [
    `http://127.0.0.1:${port}/`,
    `http://2130706433:${port}/`,
    `http://0x7f000001:${port}/`,
    `http://0177.0.0.1:${port}/`,
    `http://127.1:${port}/`,
    `http://[::1]:${port}/`,
    `http://[::ffff:127.0.0.1]:${port}/`,
    `http://[64:ff9b::7f00:1]:${port}/`,
    `http://0.0.0.0:${port}/`,
    'http://169.254.169.254/latest/meta-data/',
  ]
  for (const url of spellings(canary.port)) {
    const { id } = await me.create()
    t.equal((await add(running, id, { url })).status, 400, url)
    t.equal((await add(running, id, { url }, service)).status, 400, `${url} by a service`)
  }
  // a name is looked up by the job, and its addresses are held to the rules there
  const { id } = await me.create()
  t.equal((await add(running, id, { url: `http://localhost:${canary.port}/` })).status, 202)
  t.match(await settled(running, id), { status: 'queued' })
  t.match(await tasksOf(running, id), [{ status: 'failure', message: 'Invalid location' }])
  t.same(canary.seen, [])

  const redirecting = await webServer(t, (request, response) => {
    response.writeHead(302, { location: decodeURIComponent(request.url?.slice(1) ?? '') }).end()
  })
  const near = await start(t, serve(bytes), {
    import_allowed_addresses: ['127.0.0.1/32'],
    import_allowed_ports: [String(redirecting.port)],
  })
  for (const url of spellings(canary.port)) {
    const { id } = await near.me.create()
    const first = `${redirecting.url}/${encodeURIComponent(url)}`
    t.equal((await add(near.running, id, { url: first })).status, 202)
    t.match(await settled(near.running, id), { status: 'queued' }, url)
    t.match(await tasksOf(near.running, id), [{ status: 'failure', message: 'Invalid location' }])
  }
  t.same(canary.seen, [], 'not one request came through')
})

t.test('a deletion ends the reading at once', async t => {
  let reading = 0
  const { running, web, me } = await start(t, (request, response) => {
    response.writeHead(200, { 'content-length': 2 ** 40 })
    if (request.method === 'HEAD') return void response.end()
    reading++
    response.once('close', () => reading--)
    const timer = setInterval(() => response.write(Buffer.alloc(1000)), 20)
    return void response.once('close', () => clearInterval(timer))
  })
  const { id } = await me.create()
  await add(running, id, { url: `${web.url}/endless` })
  const until = async (count: number) => {
    for (let n = 0; n < 400 && reading !== count; n++) await new Promise(resolve => setTimeout(resolve, 25))
    t.equal(reading, count)
  }
  await until(1)
  const began = Date.now()
  t.equal((await me.delete(`/v2/images/${id}`)).status, 204)
  t.ok(Date.now() - began < 1000, 'the deletion does not wait')
  await until(0)
  t.equal((await me.get(`/v2/images/${id}`)).status, 404)
  const rows = await running.deps.db
    .selectFrom('image_locations')
    .selectAll()
    .where('image_id', '=', id)
    .execute()
  t.same(rows, [])
})

t.test('a task whose process died is taken up where it ended', async t => {
  const running = await startApp(t, open, { moreStores: ['web=http:'] })
  const web: WebServer = await webServer(t, serve(bytes))
  const me = running.as(alice)
  const { id } = await me.create()
  const validation_data = { os_hash_algo: 'sha512', os_hash_value: digest('sha512') }
  const url = `${web.url}/image`
  await add(running, id, { url, validation_data })
  // what a process leaves that died while it was reading
  const { db } = running.deps
  await db
    .updateTable('images')
    .set({ status: 'importing', size: bytes.length })
    .where('id', '=', id)
    .execute()
  await db.insertInto('image_locations').values({ image_id: id, store: 'web', url }).execute()
  await startWorker(t, running)
  t.match(await settled(running, id), { status: 'active', os_hash_value: digest('sha512') })
  t.equal((await running.as(admin).get(`/v2/images/${id}/locations`)).json.length, 1)
})

t.test('bytes on a web server are copied into a store of our own', async t => {
  const { running, web, me } = await start(t)
  for (const algorithm of ['sha512', 'sha256']) {
    const { id } = await me.create()
    const validation_data = { os_hash_algo: algorithm, os_hash_value: digest(algorithm) }
    await add(running, id, { url: `${web.url}/image`, validation_data })
    await settled(running, id)
    const copy = { method: { name: 'copy-image' }, stores: ['cheap'] }
    t.equal((await running.as(admin).post(`/v2/images/${id}/import`, copy)).status, 202)
    t.match(await settled(running, id), { status: 'active', stores: 'web,cheap', os_hash_algo: algorithm })
    t.equal((await running.as(admin).delete(`/v2/stores/web/${id}`)).status, 204)
    t.match(await me.show(id), { stores: 'cheap' })
    t.ok((await me.download(id)).bytes.equals(bytes))
  }
})
