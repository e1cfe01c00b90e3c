import { EventEmitter } from 'node:events'
import { createServer, type RequestListener } from 'node:http'
import type { AddressInfo } from 'node:net'
import { payload } from './run.js'

/** Bytes of what the web server has under every path that pages does not name. */
export const WEB_SIZE = 5000

const bytes = payload({ size: WEB_SIZE })
const plain: RequestListener = (request, response) =>
  void response
    .writeHead(200, { 'content-length': bytes.length })
    .end(request.method === 'HEAD' ? undefined : bytes)
const status =
  (code: number): RequestListener =>
  (_, response) =>
    void response.writeHead(code).end()
const redirect =
  (location: string): RequestListener =>
  (_, response) =>
    void response.writeHead(302, { location }).end()

const pages: Record<string, RequestListener> = {
  '/missing': status(404),
  '/forbidden': status(403),
  '/broken': status(500),
  '/empty': (_, response) => void response.writeHead(200, { 'content-length': 0 }).end(),
  '/chunked': (_, response) => {
    response.write(bytes.subarray(0, 2500))
    response.end(bytes.subarray(2500))
  },
  '/cut': (_, response) => {
    response.writeHead(200, { 'content-length': bytes.length })
    response.write(bytes.subarray(0, 2500), () => response.destroy())
  },
  '/silent': request => void request.socket.destroy(),
  '/redirect': redirect('/image'),
  '/redirect-twice': redirect('/redirect'),
  '/redirect-in-a-circle': redirect('/redirect-in-a-circle'),
  '/redirect-to-a-file': redirect('file:///etc/passwd'),
  '/redirect-to-metadata': redirect('http://169.254.169.254/'),
}

/**
 * A web server on loopback that locations can point to and imports can fetch from. What is asked for under /held/WORD
 * comes when /release/WORD is asked for, so that a scenario can look at an import while it runs.
 */
export async function startWeb(): Promise<{ base: string; close(): Promise<void> }> {
  const released = new Set<string>()
  const gates = new EventEmitter()
  const server = createServer((request, response) => {
    const path = request.url?.split('?')[0] ?? '/'
    const [, page, word] = path.split('/')
    if (page === 'held' && word && !released.has(word)) {
      return void gates.once(word, () => plain(request, response))
    }
    if (page === 'release' && word) {
      released.add(word)
      gates.emit(word)
    }
    ;(pages[path] ?? plain)(request, response)
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  return {
    base: `http://127.0.0.1:${port}`,
    close: () =>
      new Promise(resolve => {
        server.closeAllConnections()
        server.close(() => resolve())
      }),
  }
}
