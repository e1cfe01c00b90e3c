import t from 'tap'
import { admin, alice, bob, rita, startApp } from '../../helpers/app.js'
import { add, bytes, open, service, startWithWeb, tasksOf } from '../../helpers/locations.js'
import { settled, startWorker } from '../../helpers/tasks.js'
import { serve, webServer } from '../../helpers/web.js'

/** A user behind whom a service stands. */
const served = { ...alice, service_roles: ['service'] }

t.test('our own objects can not be pointed at', async t => {
  const { running, me } = await startWithWeb(t)
  const secret = await me.createActive(Buffer.from('private to alpha'), { visibility: 'private' })
  const [{ url }] = (await running.as(admin).get(`/v2/images/${secret.id}/locations`)).json
  t.match(url, /^file:\/\/\//)
  const { id } = await running.as(bob).create()
  t.equal((await add(running, id, { url }, bob)).status, 403)
  t.equal((await add(running, id, { url }, { ...service, roles: ['service', 'admin'] })).status, 202)
  t.match(await settled(running, id), { status: 'queued' })
})

t.test('who may add, and in which order faults are told', async t => {
  const { running, web, me } = await startWithWeb(t)
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
  const { running, web, me } = await startWithWeb(t)
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
  const { running, me } = await startWithWeb(t, serve(bytes), { import_allowed_addresses: [] })
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
  const near = await startWithWeb(t, serve(bytes), {
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
