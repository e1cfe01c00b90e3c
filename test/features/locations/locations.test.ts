import t from 'tap'
import { admin, alice, startApp } from '../../helpers/app.js'
import { add, bytes, digest, open, service, startWithWeb, tasksOf } from '../../helpers/locations.js'
import { settled, startWorker } from '../../helpers/tasks.js'
import { serve, webServer } from '../../helpers/web.js'

t.test('a location with a hash is read before the image is active', async t => {
  const { running, web, me } = await startWithWeb(t)
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

t.test('a hash that is wrong leaves the place on the image, which can be tried again', async t => {
  const { running, web, me } = await startWithWeb(t)
  const { id } = await me.create()
  const url = `${web.url}/image`
  const wrong = { os_hash_algo: 'sha512', os_hash_value: '0'.repeat(128) }
  t.equal((await add(running, id, { url, validation_data: wrong })).status, 202)
  const image = await settled(running, id)
  t.match(image, { status: 'queued', size: null, checksum: null, os_hash_algo: null, os_hash_value: null })
  t.equal(image.stores, 'web')
  t.match((await running.as(admin).get(`/v2/images/${id}/locations`)).json, [{ url }])
  t.equal((await me.download(id)).status, 204, 'it gives no bytes')
  t.match(await tasksOf(running, id), [{ status: 'failure', message: /sha512/ }])
  const right = { os_hash_algo: 'sha512', os_hash_value: digest('sha512') }
  t.equal((await add(running, id, { url, validation_data: right })).status, 202)
  t.match(await settled(running, id), { status: 'active', os_hash_value: digest('sha512'), stores: 'web' })
})

t.test('a place that failed goes when the image gets bytes another way', async t => {
  const { running, web, me } = await startWithWeb(t, serve(bytes), { show_multiple_locations: true })
  const validation_data = { os_hash_algo: 'sha512', os_hash_value: '0'.repeat(128) }
  const failed = async () => {
    const { id } = await me.create()
    await add(running, id, { url: `${web.url}/failed`, validation_data })
    t.match(await settled(running, id), { status: 'queued', locations: [{ url: `${web.url}/failed` }] })
    return id
  }
  const uploaded = await failed()
  await me.upload(uploaded, Buffer.from('other bytes'))
  t.match(await me.show(uploaded), { status: 'active', stores: 'fast' })
  t.equal((await me.download(uploaded)).bytes.toString(), 'other bytes')

  const value = { url: `${web.url}/other`, metadata: {} }
  for (const operation of [
    { op: 'add', path: '/locations/-', value },
    { op: 'replace', path: '/locations', value: [value] },
  ]) {
    const patched = await failed()
    t.equal((await me.patch(`/v2/images/${patched}`, [operation])).status, 200)
    const image = await me.show(patched)
    const shown = image.locations as { url: string }[]
    t.strictSame(
      shown.map(one => one.url),
      [`${web.url}/other`],
    )
    t.equal(image.status, 'active')
  }

  const imported = await failed()
  const method = { name: 'web-download', uri: `${web.url}/imported` }
  t.equal((await me.post(`/v2/images/${imported}/import`, { method })).status, 202)
  t.match(await settled(running, imported), { status: 'active', stores: 'fast' })
})

t.test('without a hash the image is active at once, and its hashes follow', async t => {
  let release: () => void = () => undefined
  const held = new Promise<void>(resolve => {
    release = resolve
  })
  const plain = serve(bytes)
  const { running, web, me } = await startWithWeb(t, (request, response) => {
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
  t.equal(image.os_hash_algo, 'sha512', 'which says that a hash is to come')
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
  const { running, web, me } = await startWithWeb(t, (request, response) => {
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
  t.match((await running.as(admin).get(`/v2/images/${third}/locations`)).json, [{ url: `${web.url}/never` }])
})

t.test('where hashes are not computed, those that are given are believed', async t => {
  const { running, web, me } = await startWithWeb(t, serve(bytes), { do_secure_hash: false })
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
  const { running, web, me } = await startWithWeb(t, (request, response) => {
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

t.test('a deletion ends the reading at once', async t => {
  let reading = 0
  const { running, web, me } = await startWithWeb(t, (request, response) => {
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
  t.equal((await me.delete(`/v2/recycle-bin/${id}`)).status, 204)
  const rows = await running.deps.db
    .selectFrom('image_locations')
    .selectAll()
    .where('image_id', '=', id)
    .execute()
  t.same(rows, [])
})

t.test('a task whose process died is taken up where it ended', async t => {
  const running = await startApp(t, open, { moreStores: ['web=http:'] })
  const web = await webServer(t, serve(bytes))
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
  const { running, web, me } = await startWithWeb(t)
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
