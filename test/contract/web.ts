import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { payload } from './run.js'

/** Bytes of what the web server has under every path but /missing and /empty. */
export const WEB_SIZE = 5000

/** A web server on loopback that locations can point to. */
export async function startWeb(): Promise<{ base: string; close(): Promise<void> }> {
  const bytes = payload({ size: WEB_SIZE })
  const server = createServer((request, response) => {
    const path = request.url?.split('?')[0]
    const body = path === '/empty' ? Buffer.alloc(0) : bytes
    if (path === '/missing') response.writeHead(404).end()
    else
      response
        .writeHead(200, { 'content-length': body.length })
        .end(request.method === 'HEAD' ? undefined : body)
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
