import { createHash, randomBytes } from 'node:crypto'
import { readdirSync } from 'node:fs'
import type { RequestListener } from 'node:http'
import t, { type Test } from 'tap'
import { admin, alice, bob, rita, startApp } from '../helpers/app.js'
import { settled, startWorker } from '../helpers/tasks.js'
import { serve, webServer } from '../helpers/web.js'

const bytes = randomBytes(10_000)
const digest = (algorithm: string) => createHash(algorithm).update(bytes).digest('hex')
const open = {
  import_allowed_addresses: ['127.0.0.0/8'],
  import_allowed_ports: [],
  show_multiple_locations: true,
}
const hashes = { os_hash_algo: 'sha512', os_hash_value: digest('sha512') }
const V20 = 'application/openstack-images-v2.0-json-patch'

async function start(t: Test, overrides = {}, handler: RequestListener = serve(bytes)) {
  const running = await startApp(t, { ...open, ...overrides }, { moreStores: ['web=http:'] })
  const web = await webServer(t, handler)
  const me = running.as(alice)
  return { running, web, me, root: running.as(admin) }
}

/** Lists within lists. */
const deep = (levels: number) => JSON.parse('['.repeat(levels) + ']'.repeat(levels))
const at = (url: string, metadata: object = {}, more: object = {}) => ({ url, metadata, ...more })
const add = (value: unknown, position = '-') => ({ op: 'add', path: `/locations/${position}`, value })
const replace = (value: unknown) => ({ op: 'replace', path: '/locations', value })
const remove = (position: number | string) => ({ op: 'remove', path: `/locations/${position}` })

t.test('locations that are not shown can not be changed', async t => {
  const { web, me, root } = await start(t, { show_multiple_locations: false })
  const { id } = await me.create()
  const at_ = at(`${web.url}/a`)
  for (const op of [add(at_), replace([at_]), replace([])]) {
    t.equal((await me.patch(`/v2/images/${id}`, [op])).status, 403)
  }
  t.equal((await root.patch(`/v2/images/${id}`, [remove(0)])).status, 403)
  t.same(web.seen, [])
})

t.test('a location makes a queued image active', async t => {
  const { web, me } = await start(t)
  const url = `${web.url}/image`
  for (const op of [add(at(url, { speed: '88mph' })), replace([at(url, { speed: '88mph' })])]) {
    const { id } = await me.create()
    const { status, json } = await me.patch(`/v2/images/${id}`, [op])
    t.equal(status, 200)
    t.match(json, {
      status: 'active',
      size: bytes.length,
      checksum: null,
      os_hash_value: null,
      stores: 'web',
    })
    t.same(json.locations, [{ url, metadata: { speed: '88mph', store: 'web' } }])
    t.same((await me.show(id)).locations, json.locations)
    t.ok((await me.download(id)).bytes.equals(bytes))
    t.equal((await me.upload(id, 'other bytes')).status, 409, 'it takes no bytes any more')
  }
  const { id } = await me.create()
  const legacy = await me.patch(`/v2/images/${id}`, [{ add: '/locations/-', value: at(url) }], V20)
  t.match(legacy.json, { status: 'active' }, 'the old form does it too')
  const { id: bare } = await me.create({ disk_format: null })
  t.equal((await me.patch(`/v2/images/${bare}`, [add(at(url))])).status, 400, 'formats are needed')
  const both = [{ op: 'replace', path: '/disk_format', value: 'raw' }, add(at(url))]
  t.match((await me.patch(`/v2/images/${bare}`, both)).json, { status: 'active', disk_format: 'raw' })
  const late = [{ op: 'replace', path: '/disk_format', value: 'iso' }]
  const { id: other } = await me.create()
  t.equal((await me.patch(`/v2/images/${other}`, [add(at(url)), ...late])).status, 403, 'active by then')
  t.match(await me.show(other), { status: 'queued', disk_format: 'raw' }, 'all operations or none')
})

t.test('hashes that come along are taken while the image is queued', async t => {
  const { web, me } = await start(t)
  const url = `${web.url}/image`
  const { id } = await me.create()
  const patch = async (validation_data: object, image = id, n = 0) =>
    (await me.patch(`/v2/images/${image}`, [add(at(`${url}#${n}`, {}, { validation_data }))])).status
  t.equal(await patch({ os_hash_algo: 'sha256', os_hash_value: digest('sha256') }), 409, 'another algorithm')
  t.equal(await patch({ ...hashes, os_hash_value: 'x'.repeat(128) }), 409)
  t.equal(await patch({ ...hashes, os_hash_value: 'ab' }), 409)
  t.equal(await patch({ ...hashes, checksum: 'z'.repeat(32) }), 409)
  t.equal(await patch({ ...hashes, checksum: 'ab' }), 400, 'against the schema')
  t.equal(await patch({ os_hash_algo: 'sha512' }), 400)
  t.equal(await patch({ ...hashes, more: 'x' }), 400)
  const conflicting = [
    at(`${url}#1`, {}, { validation_data: hashes }),
    at(`${url}#2`, {}, { validation_data: { ...hashes, os_hash_value: '0'.repeat(128) } }),
  ]
  t.equal((await me.patch(`/v2/images/${id}`, [replace(conflicting)])).status, 409)
  t.match(await me.show(id), { status: 'queued', os_hash_value: null })
  t.equal(await patch({ ...hashes, checksum: digest('md5') }), 200)
  t.match(await me.show(id), { ...hashes, checksum: digest('md5') })
  t.equal(await patch(hashes, id, 3), 200, 'what is known may be said again')
  t.equal(await patch({ ...hashes, os_hash_value: '0'.repeat(128) }, id, 4), 409)
  const { id: plain } = await me.create()
  await me.patch(`/v2/images/${plain}`, [add(at(url))])
  t.equal(await patch(hashes, plain, 5), 409, 'too late')
})

t.test('places that are none', async t => {
  const { running, web, me } = await start(t, {}, (request, response) => {
    if (request.url === '/empty') response.writeHead(200, { 'content-length': 0 }).end()
    else if (request.url === '/image') serve(bytes)(request, response)
    else response.writeHead(404).end()
  })
  const own = await me.createActive(Buffer.from('mine'))
  const [{ url: ownUrl }] = own.locations as [{ url: string }]
  const { id } = await me.create()
  const texts = new Set<string>()
  for (const url of [
    'file:///etc/passwd',
    'filesystem:///etc/passwd',
    'swift+config://a/b/c',
    'ftp://127.0.0.1/x',
    'rbd://pool/x',
    'nonsense',
    '',
    ownUrl,
    `${web.url}/missing`,
    `${web.url}/empty`,
    'http://127.0.0.1:1/closed',
    'http://169.254.169.254/',
    'http://user:secret@127.0.0.1/',
  ]) {
    const { status, text } = await me.patch(`/v2/images/${id}`, [add(at(url))])
    t.equal(status, 400, url)
    texts.add(text)
    t.equal((await me.patch(`/v2/images/${id}`, [replace([at(url)])])).status, 400, url)
  }
  t.equal(texts.size, 1, 'all in the same words')
  t.match(await me.show(id), { status: 'queued', locations: [] })
  const url = `${web.url}/image`
  for (const value of [
    { url },
    { metadata: {} },
    { url: 5, metadata: {} },
    { url: `${url}?${'x'.repeat(255)}`, metadata: {} },
    { url, metadata: 'x' },
    { url, metadata: { n: 5 } },
    { url, metadata: { n: [null] } },
    { url, metadata: { 'n\0': 'x' } },
    { url, metadata: { n: ['\0'] } },
    { url, metadata: { n: '\ud800' } },
    { url, metadata: { n: deep(2000) } },
    'x',
  ]) {
    t.equal((await me.patch(`/v2/images/${id}`, [add(value)])).status, 400, JSON.stringify(value))
  }
  for (const path of ['/locations', '/locations/x', '/locations/-1', '/locations/1.5', '/locations/0/x']) {
    t.equal((await me.patch(`/v2/images/${id}`, [{ op: 'add', path, value: at(url) }])).status, 400, path)
  }
  t.equal((await me.patch(`/v2/images/${id}`, [replace([])])).status, 403)
  t.equal((await me.patch(`/v2/images/${id}`, [replace([at(url), at(url)])])).status, 400, 'twice the same')
  t.match(await me.show(id), { status: 'queued', locations: [] })
  const metadata = { __proto__: 'x', constructor: { a: ['b'] } }
  const odd = `[{"op":"add","path":"/locations/-","value":{"url":"${url}","metadata":{"__proto__":"x","constructor":{"a":["b"]}}}}]`
  t.ok(metadata)
  t.match((await me.patch(`/v2/images/${id}`, odd)).text, /"__proto__":"x"/)
  t.equal((await running.as(alice).show(id)).status, 'active')
})

t.test('an active image gets further locations of its own bytes', async t => {
  const { web, me, root } = await start(t, {}, (request, response) =>
    serve(request.url === '/other' ? Buffer.alloc(5) : bytes)(request, response),
  )
  const { id } = await me.create()
  const patch = (...operations: unknown[]) => me.patch(`/v2/images/${id}`, operations)
  await patch(add(at(`${web.url}/a`)))
  t.equal((await patch(add(at(`${web.url}/a`)))).status, 400, 'the same again')
  t.equal((await patch(add(at(`${web.url}/a`, { store: 'cheap' })))).status, 400, 'the store is not told')
  t.equal((await patch(add(at(`${web.url}/a`, { more: 'x' })))).status, 200, 'with other metadata')
  t.equal((await patch(add(at(`${web.url}/b`), '99'))).status, 200, 'beyond the end is the end')
  t.equal((await patch(add(at(`${web.url}/other`)))).status, 400, 'bytes of another size')
  const shown = (await me.show(id)).locations as { url: string }[]
  t.same(
    shown.map(({ url }) => url.slice(-1)),
    ['a', 'a', 'b'],
  )
  const more = Array.from({ length: 7 }, (_, n) => add(at(`${web.url}/${n}`)))
  t.equal((await patch(...more, add(at(`${web.url}/8`)))).status, 413, 'eleven')
  t.equal((await patch(...more)).status, 200, 'ten')
  t.equal((await patch(add(at(`${web.url}/missing`)))).status, 413)
  const { id: fresh } = await me.create()
  const eleven = Array.from({ length: 11 }, (_, n) => at(`${web.url}/${n}`))
  t.equal((await me.patch(`/v2/images/${fresh}`, [replace(eleven)])).status, 413)

  const removed = await root.patch(`/v2/images/${id}`, [remove(0), remove('-'), remove(3)])
  t.equal(removed.status, 200)
  t.equal(removed.json.locations.length, 7)
  t.equal((await root.patch(`/v2/images/${id}`, [remove(7)])).status, 400)
  t.equal((await root.patch(`/v2/images/${id}`, [remove('x')])).status, 400)
  const many = Array.from({ length: 6 }, () => remove(0))
  t.equal((await root.patch(`/v2/images/${id}`, [...many, remove(0)])).status, 403, 'the last one stays')
  t.equal(((await me.show(id)) as unknown as { locations: unknown[] }).locations.length, 7)
  t.equal((await root.patch(`/v2/images/${id}`, many)).status, 200)
  t.equal((await root.patch(`/v2/images/${id}`, [remove(0)])).status, 403)
})

t.test('locations can be described anew, not replaced', async t => {
  const { web, me } = await start(t)
  const own = await me.createActive(Buffer.from('own bytes'))
  const [{ url }] = own.locations as [{ url: string }]
  const patch = (image: string, value: unknown) => me.patch(`/v2/images/${image}`, [replace(value)])
  t.match(url, /^file:\/\/\//)
  const described = await patch(own.id, [at(url, { colour: 'red' })])
  t.same(described.json.locations, [{ url, metadata: { colour: 'red', store: 'fast' } }])
  t.equal((await me.download(own.id)).text, 'own bytes')
  t.equal((await patch(own.id, [at(`${web.url}/a`)])).status, 400)
  t.equal((await patch(own.id, [at(url), at(`${web.url}/a`)])).status, 400)
  t.equal((await patch(own.id, [at(url), at(url)])).status, 400)
  t.equal((await patch(own.id, [at(url, { n: 5 })])).status, 400)

  const { id } = await me.create()
  const [a, b] = [`${web.url}/a`, `${web.url}/b`]
  await patch(id, [at(a, { n: '1' }), at(b, { n: '2' })])
  const { json } = await patch(id, [at(b, { n: 'two' }), at(a, {})])
  t.same(json.locations, [
    { url: b, metadata: { n: 'two', store: 'web' } },
    { url: a, metadata: { store: 'web' } },
  ])
})

t.test('a location is kept at its position, among own objects too', async t => {
  const { running, web, me } = await start(t)
  const { id } = await me.createActive(bytes)
  const order = async () =>
    ((await me.show(id)).locations as { url: string }[]).map(({ url }) =>
      url.replace(/^file:.*/, 'own').slice(-3),
    )
  const patch = (position: string, name: string) =>
    me.patch(`/v2/images/${id}`, [add(at(`${web.url}/${name}`), position)])
  await patch('0', 'one')
  t.same(await order(), ['one', 'own'])
  await patch('1', 'two')
  t.same(await order(), ['one', 'two', 'own'])
  await patch('-', 'end')
  await patch('0', 'top')
  t.same(await order(), ['top', 'one', 'two', 'own', 'end'])
  t.equal((await running.deps.db.selectFrom('blobs').selectAll().execute()).length, 1)
  t.equal(readdirSync(running.folders.fast).length, 1, 'its bytes are untouched')
  t.ok((await me.download(id)).bytes.equals(bytes))
})

t.test('the bytes of an own location go with it', async t => {
  const { running, web, me, root } = await start(t)
  await startWorker(t, running)
  const { id } = await me.createActive(bytes)
  await root.post(`/v2/images/${id}/import`, { method: { name: 'copy-image' }, stores: ['cheap'] })
  await settled(running, id)
  t.equal((await me.patch(`/v2/images/${id}`, [add(at(`${web.url}/a`))])).status, 200)
  t.equal((await me.patch(`/v2/images/${id}`, [remove(0)])).status, 403, 'the rule is an admin’s')
  const failed = await root.patch(`/v2/images/${id}`, [
    remove(0),
    { op: 'replace', path: '/absent', value: 'x' },
  ])
  t.equal(failed.status, 409)
  t.equal(readdirSync(running.folders.fast).length, 1, 'a patch that fails removes nothing')
  const { json } = await root.patch(`/v2/images/${id}`, [remove(0)])
  t.equal(json.stores, 'cheap,web')
  t.same(readdirSync(running.folders.fast), [])
  t.equal((await running.deps.db.selectFrom('blobs').selectAll().execute()).length, 1)
  t.match((await root.patch(`/v2/images/${id}`, [remove(0)])).json, { stores: 'web' })
  t.same(readdirSync(running.folders.cheap), [])
  t.ok((await me.download(id)).bytes.equals(bytes), 'they are on the web server still')
})

t.test('who may, and in which states', async t => {
  const { running, web, me, root } = await start(t)
  const url = `${web.url}/a`
  const { id } = await me.create()
  const status = async (who: object, ...operations: unknown[]) =>
    (await running.as(who).patch(`/v2/images/${id}`, operations)).status
  t.equal(await status(bob, add(at(url))), 404)
  t.equal(await status(rita, add(at(url))), 403)
  t.equal(await status(rita, replace([at(url)])), 403)
  t.equal(await status(admin, remove(0)), 409, 'queued')
  t.same(web.seen, [], 'nothing is reached for who may not')
  await me.send('PUT', `/v2/images/${id}/stage`, { 'content-type': 'application/octet-stream' }, 'x')
  t.equal(await status(alice, add(at(url))), 409, 'uploading')
  t.equal(await status(alice, replace([at(url)])), 409)

  const active = await me.createActive(bytes)
  await me.post(`/v2/images/${active.id}/actions/deactivate`)
  for (const op of [add(at(url)), replace(active.locations)]) {
    t.equal((await me.patch(`/v2/images/${active.id}`, [op])).status, 409, 'deactivated')
  }
  t.equal((await root.patch(`/v2/images/${active.id}`, [remove(0)])).status, 409)
  t.notMatch((await me.show(active.id)).locations, [{}], 'and not shown')
})

t.test('of many who give a queued image its location one wins', async t => {
  const { web, me } = await start(t)
  const { id } = await me.create()
  const asked = Array.from({ length: 6 }, (_, n) =>
    me.patch(`/v2/images/${id}`, [replace([at(`${web.url}/${n}`)])]),
  )
  const statuses = (await Promise.all(asked)).map(({ status }) => status).sort()
  t.same(statuses, [200, 400, 400, 400, 400, 400])
  t.equal(((await me.show(id)).locations as unknown[]).length, 1)
})

t.test('places that may not be reached are not, in whatever spelling', async t => {
  const canary = await webServer(t, serve(bytes))
  const { me } = await start(t, { import_allowed_addresses: [] })
  const { id } = await me.create()
  for (const host of [
    '127.0.0.1',
    'localhost',
    '2130706433',
    '0x7f000001',
    '0177.0.0.1',
    '127.1',
    '[::1]',
    '[::ffff:127.0.0.1]',
    '[64:ff9b::7f00:1]',
    '0.0.0.0',
    '0',
  ]) {
    const url = `http://${host}:${canary.port}/`
    t.equal((await me.patch(`/v2/images/${id}`, [add(at(url))])).status, 400, url)
  }
  t.same(canary.seen, [])

  const redirecting = await webServer(t, (_request, response) => {
    response.writeHead(302, { location: `http://127.0.0.1:${canary.port}/` }).end()
  })
  const near = await start(t, {
    import_allowed_addresses: ['127.0.0.1/32'],
    import_allowed_ports: [String(redirecting.port)],
  })
  const { id: other } = await near.me.create()
  t.equal((await near.me.patch(`/v2/images/${other}`, [add(at(redirecting.url))])).status, 400)
  t.ok(redirecting.seen.length > 0)
  t.same(canary.seen, [])
})
