/** Bytes from web servers that break off, change, fall silent or lie. */
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { type AddressInfo, createServer, type Server } from 'node:net'
import { buffer } from 'node:stream/consumers'
import t, { type Test } from 'tap'
import { loadConfig } from '../../src/config/load.js'
import { type FetchOptions, fetchUri } from '../../src/fetch/index.js'
import { webServer } from '../helpers/web.js'

t.setTimeout(120_000)
const rules = {
  ...loadConfig({ VITRINE_DATA_DIR: '/nowhere' }),
  import_allowed_ports: [],
  import_allowed_addresses: ['127.0.0.0/8'],
}
const bytes = randomBytes(3_000_001)

async function get(uri: string, options: FetchOptions = {}): Promise<Buffer> {
  const { stream } = await fetchUri(rules, uri, { pause: 1, ...options })
  return buffer(stream)
}

/** Where a server that speaks with bare sockets is reached; it ends with the test. */
async function listening(t: Test, server: Server): Promise<string> {
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.teardown(() => server.close())
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/`
}

/** Sends what a request asks for, and cuts the connection after some bytes of it. */
function send(
  request: IncomingMessage,
  response: ServerResponse,
  { etag, cut, reset = true }: { etag?: string; cut?: number | undefined; reset?: boolean },
): void {
  const [, first] = /^bytes=(\d+)-$/.exec(request.headers.range ?? '') ?? []
  const start = first !== undefined && request.headers['if-range'] === etag ? Number(first) : 0
  const part = bytes.subarray(start)
  response.writeHead(start > 0 ? 206 : 200, {
    'content-length': part.length,
    ...(etag && { etag }),
    ...(start > 0 && { 'content-range': `bytes ${start}-${bytes.length - 1}/${bytes.length}` }),
  })
  if (cut === undefined) response.end(part)
  else {
    response.write(part.subarray(0, cut), () => {
      if (reset) response.socket?.resetAndDestroy()
      else response.socket?.destroy()
    })
  }
}

t.test('a transfer that is cut goes on where it ended, also behind a redirect', async t => {
  const ranges: (string | undefined)[] = []
  const web = await webServer(t, (request, response) => {
    if (request.url === '/moved') return void response.writeHead(302, { location: '/image' }).end()
    ranges.push(request.headers.range)
    send(request, response, { etag: '"one"', cut: ranges.length < 4 ? 500_000 : undefined })
  })
  const { stream, size } = await fetchUri(rules, `${web.url}/moved`, { pause: 1 })
  t.equal(size, bytes.length)
  t.ok((await buffer(stream)).equals(bytes))
  t.equal(ranges.length, 4)
  t.equal(ranges[0], undefined)
  const starts = ranges.slice(1).map(range => Number(/\d+/.exec(range ?? '')?.[0]))
  t.ok(starts[0]! > 0 && starts[1]! > starts[0]! && starts[2]! > starts[1]!, String(starts))
})

t.test('a passing trouble of the server is waited for, and not for ever', async t => {
  let asked = 0
  const web = await webServer(t, (request, response) => {
    asked++
    if (asked === 1) send(request, response, { etag: '"one"', cut: 500_000 })
    else if (asked < 4) response.writeHead(503).end()
    else send(request, response, { etag: '"one"' })
  })
  t.ok((await get(web.url)).equals(bytes))
  t.equal(asked, 4)
  let cut = 0
  const cutting = await webServer(t, (request, response) => {
    cut++
    send(request, response, { etag: '"one"', cut: 1000 })
  })
  await t.rejects(get(cutting.url), { code: 'source_cut' })
  t.equal(cut, 6)
})

t.test('it does not go on with other bytes, nor where nothing tells them apart', async t => {
  let version = 0
  const changing = await webServer(t, (request, response) => {
    version++
    send(request, response, { etag: `"${version}"`, cut: version === 1 ? 500_000 : undefined })
  })
  await t.rejects(get(changing.url), { message: 'The source changed while it was read.' })
  t.equal(version, 2)

  for (const etag of [undefined, 'W/"weak"', 'no quotes']) {
    let asked = 0
    const web = await webServer(t, (request, response) => {
      asked++
      send(request, response, { ...(etag && { etag }), cut: 500_000 })
    })
    await t.rejects(get(web.url), { code: 'source_cut' })
    t.equal(asked, 1)
  }

  const lies: [string, (first: number) => [start: number, total: number]][] = [
    ['another part', () => [10, bytes.length]],
    ['a part of something longer', first => [first, bytes.length + 1]],
  ]
  for (const [name, lie] of lies) {
    let lying = 0
    const liar = await webServer(t, (request, response) => {
      lying++
      if (lying === 1) return send(request, response, { etag: '"one"', cut: 500_000 })
      const [start, total] = lie(Number(/\d+/.exec(request.headers.range ?? '')?.[0]))
      response.writeHead(206, {
        etag: '"one"',
        'content-length': bytes.length - start,
        'content-range': `bytes ${start}-${bytes.length - 1}/${total}`,
      })
      response.end(bytes.subarray(start))
    })
    await t.rejects(get(liar.url), { message: 'The source changed while it was read.' }, name)
  }
})

t.test('a silent server is left after a while, and at once when the signal ends', async t => {
  const web = await webServer(t, (_request, response) => {
    response.writeHead(200, { 'content-length': bytes.length }).write(bytes.subarray(0, 1000))
  })
  await t.rejects(get(web.url, { idle: 200 }), { code: 'source_cut' })
  const cancel = new AbortController()
  const { stream } = await fetchUri(rules, web.url, { signal: cancel.signal })
  const ended = t.rejects(buffer(stream), { message: 'cancelled' })
  stream.once('data', () => cancel.abort(new Error('cancelled')))
  await ended
  await t.rejects(fetchUri(rules, web.url, { signal: cancel.signal }), { message: 'cancelled' })
})

t.test('a server that never comes to its answer is left, however busy it is', async t => {
  const busy: [name: string, first: string, again: string][] = [
    ['endless interim answers', '', 'HTTP/1.1 100 Continue\r\n\r\n'.repeat(1000)],
    ['a head in drops', 'HTTP/1.1 200 OK\r\nX-Drops: ', 'x'],
  ]
  for (const [name, first, again] of busy) {
    const server = createServer(socket => {
      socket.on('error', () => undefined)
      socket.write(first)
      const timer = setInterval(() => void (socket.writableNeedDrain || socket.write(again)), 5)
      socket.once('close', () => clearInterval(timer))
    })
    const url = await listening(t, server)
    await t.rejects(fetchUri(rules, url, { idle: 300 }), { code: 'source_unreachable' }, name)
  }
})

t.test('a server that goes over to another protocol gives nothing', async t => {
  const server = createServer(socket => {
    socket.on('error', () => undefined)
    socket.write('HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: Upgrade\r\n\r\nhello')
  })
  const url = await listening(t, server)
  await t.rejects(fetchUri(rules, url), { code: 'source_unreachable' })
})

t.test('a cut pause ends with the signal, and leaves no connection', async t => {
  let asked = 0
  const web = await webServer(t, (request, response) => {
    asked++
    send(request, response, { etag: '"one"', cut: 500_000, reset: false })
  })
  const cancel = new AbortController()
  const { stream } = await fetchUri(rules, web.url, { signal: cancel.signal, pause: 3_600_000 })
  let size = 0
  stream.on('data', chunk => {
    size += chunk.length
    if (size === 500_000) setImmediate(() => cancel.abort(new Error('cancelled')))
  })
  await t.rejects(new Promise((_, reject) => stream.once('error', reject)), { message: 'cancelled' })
  t.equal(asked, 1)
})
