import { randomBytes } from 'node:crypto'
import type { RequestListener } from 'node:http'
import { Writable } from 'node:stream'
import { buffer } from 'node:stream/consumers'
import t, { type Test } from 'tap'
import { loadConfig } from '../../src/config/load.js'
import { BadRange, Gone, NotFound, Unavailable } from '../../src/errors.js'
import { openHttpStore } from '../../src/stores/http.js'
import { openStores, parseStores } from '../../src/stores/index.js'
import { serve, webServer } from '../helpers/web.js'
import { collector } from './conformance.js'

const rules = { ...loadConfig({}), import_allowed_ports: [] }
const loopback = { ...rules, import_allowed_addresses: ['127.0.0.0/8'] }
const bytes = randomBytes(3 * 2 ** 20 + 17)

async function open(t: Test, handler: RequestListener) {
  const web = await webServer(t, handler)
  return { web, store: openHttpStore('web', loopback) }
}

t.test('the setting names no place', async t => {
  t.match(parseStores(['files=file:/a', 'web=http:?description=On%20the%20web&weight=7'], '/'), [
    {},
    { name: 'web', kind: 'http', description: 'On the web', weight: 7 },
  ])
  t.throws(() => parseStores(['web=http://example.org/'], '/'), /names no place/)
  t.throws(() => parseStores(['web=http:?x=y'], '/'), /unknown parameter x/)
  await t.rejects(openStores(parseStores(['web=http:'], '/'), null, { rules }), /can't be written to/)
})

t.test('among other stores it is read from, and never written to', async t => {
  const folder = t.testdir({})
  const stores = await openStores(parseStores([`files=file:${folder}`, 'web=http:'], '/'), null, { rules })
  t.teardown(() => stores.close())
  t.throws(() => stores.get('web'), Gone)
  t.equal(stores.readable('web').kind, 'http')
  t.same(stores.properties('web'), {})
  t.same(stores.properties('files'), { data_dir: folder, chunk_size: 2 ** 20, thin_provisioning: false })
  await stores.check()
})

t.test('bytes come whole or as a window, as a stream or sent', async t => {
  const { web, store } = await open(t, serve(bytes))
  const key = `${web.url}/image?x=y#new`
  t.same(await store.stat(key), { size: bytes.length })
  t.same(web.seen, ['HEAD /image?x=y'], 'the fragment stays here')

  const whole = await store.read(key)
  t.equal(whole.size, bytes.length)
  t.notMatch(web.seen, ['', '', /GET/], 'nothing is transferred yet')
  t.ok((await buffer(whole.stream())).equals(bytes))
  const sink = collector()
  await (await store.read(key)).sendTo(sink)
  t.notOk(sink.writableEnded, 'the sink is left open')
  t.ok(sink.bytes().equals(bytes))

  const last = bytes.length - 1
  for (const [start, end] of [
    [0, 0],
    [1, 4096],
    [last, last],
    [0, last],
  ] as const) {
    const part = await store.read(key, { start, end })
    t.equal(part.size, bytes.length)
    t.ok((await buffer(part.stream())).equals(bytes.subarray(start, end + 1)), `${start} to ${end}`)
  }
  await t.rejects(store.read(key, { start: 0, end: bytes.length }), BadRange)
})

t.test('a server without HEAD, or without ranges, does as well', async t => {
  const plain = serve(bytes)
  const { web, store } = await open(t, (request, response) => {
    if (request.method === 'HEAD') return response.writeHead(405).end()
    if (request.url === '/no-ranges') delete request.headers.range
    return plain(request, response)
  })
  for (const path of ['/ranges', '/no-ranges']) {
    t.same(await store.stat(web.url + path), { size: bytes.length })
    const part = await store.read(web.url + path, { start: 70_000, end: 170_000 })
    t.ok((await buffer(part.stream())).equals(bytes.subarray(70_000, 170_001)), path)
  }
})

t.test('what is not there, what fails and what does not say its length', async t => {
  const { web, store } = await open(t, (request, response) => {
    if (request.url === '/gone') response.writeHead(410).end()
    else if (request.url === '/broken') response.writeHead(500).end()
    else if (request.url === '/endless') response.writeHead(200, { 'transfer-encoding': 'chunked' }).end()
    else if (request.url === '/circle') response.writeHead(302, { location: '/circle' }).end()
    else response.writeHead(404).end()
  })
  await t.rejects(store.stat(`${web.url}/missing`), NotFound)
  await t.rejects(store.read(`${web.url}/gone`), NotFound)
  for (const path of ['/broken', '/endless', '/circle']) {
    await t.rejects(store.stat(web.url + path), Unavailable, path)
  }
  await t.rejects(store.stat('file:///etc/passwd'), Unavailable)
  await t.rejects(store.stat('not a URL'), Unavailable)
})

t.test(
  'an object that changed since it was measured, or that breaks off, is not passed off as whole',
  async t => {
    const { web, store } = await open(t, (request, response) => {
      if (request.method === 'HEAD') return response.writeHead(200, { 'content-length': 1000 }).end()
      if (request.url === '/longer') return response.end(Buffer.alloc(1001))
      if (request.url === '/moved-on') {
        return response
          .writeHead(206, { 'content-range': 'bytes 0-9/2000', 'content-length': 10 })
          .end(Buffer.alloc(10))
      }
      if (request.url === '/chunks')
        return response.writeHead(200, { 'transfer-encoding': 'chunked' }).end('few')
      response.writeHead(200, { 'content-length': 1000 })
      return response.write(Buffer.alloc(10), () => response.destroy())
    })
    await t.rejects(buffer((await store.read(`${web.url}/longer`)).stream()), /changed/)
    await t.rejects(
      buffer((await store.read(`${web.url}/moved-on`, { start: 0, end: 9 })).stream()),
      /changed/,
    )
    await t.rejects(buffer((await store.read(`${web.url}/chunks`)).stream()), /ends after 3 of 1000/)
    await t.rejects(buffer((await store.read(`${web.url}/cut`)).stream()), Unavailable)
  },
)

t.test('a reader that goes away ends the transfer, and so does the signal', async t => {
  let open_ = 0
  const { web, store } = await open(t, (request, response) => {
    const total = 2 ** 30
    if (request.method === 'HEAD') return response.writeHead(200, { 'content-length': total }).end()
    open_++
    response.once('close', () => open_--)
    response.writeHead(200, { 'content-length': total })
    const more = () => {
      while (response.write(Buffer.alloc(65536)));
      response.once('drain', more)
    }
    return more()
  })
  const closed = async () => {
    for (let n = 0; n < 200 && open_ > 0; n++) await new Promise(resolve => setTimeout(resolve, 10))
    return open_
  }
  const stream = (await store.read(`${web.url}/a`)).stream()
  await new Promise(resolve => stream.once('data', resolve))
  stream.destroy()
  t.equal(await closed(), 0)

  const stop = new AbortController()
  const sending = (await store.read(`${web.url}/b`, undefined, stop.signal)).sendTo(
    new Writable({
      write(_chunk, _encoding, done) {
        stop.abort(new Error('enough'))
        done()
      },
    }),
  )
  await t.rejects(sending, /enough/)
  t.equal(await closed(), 0)
})

t.test('the rules hold for every read and stat, and for every redirect', async t => {
  const canary = await webServer(t, serve(bytes))
  const { web, store } = await open(t, (request, response) => {
    const target = decodeURIComponent(request.url?.slice(1) ?? '')
    response.writeHead(302, { location: target }).end()
  })
  const guarded = openHttpStore('web', rules)
  const spellings = [
    `http://127.0.0.1:${canary.port}/`,
    `http://localhost:${canary.port}/`,
    `http://2130706433:${canary.port}/`,
    `http://0x7f000001:${canary.port}/`,
    `http://0177.0.0.1:${canary.port}/`,
    `http://127.1:${canary.port}/`,
    `http://[::ffff:127.0.0.1]:${canary.port}/`,
    `http://0.0.0.0:${canary.port}/`,
    'http://169.254.169.254/latest/meta-data/',
  ]
  for (const url of spellings) {
    await t.rejects(guarded.stat(url), { message: 'The web server could not be reached.' }, url)
    await t.rejects(guarded.read(url), { message: 'The web server could not be reached.' }, url)
  }
  t.same(canary.seen, [], 'not one request came through')

  // only the first server may be reached: what it points to may not
  const narrow = openHttpStore('web', {
    ...rules,
    import_allowed_ports: [String(web.port)],
    import_allowed_addresses: ['127.0.0.1/32'],
  })
  for (const url of spellings) {
    await t.rejects(narrow.stat(`${web.url}/${encodeURIComponent(url)}`), Unavailable, `redirect to ${url}`)
  }
  t.same(canary.seen, [])
  t.same(
    await store.stat(`${web.url}/${encodeURIComponent(canary.url)}`),
    { size: bytes.length },
    'an allowed one is followed',
  )
})
