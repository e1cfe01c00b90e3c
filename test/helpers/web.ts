import { createServer, type IncomingMessage, type RequestListener } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Teardown } from './database.js'

export interface WebServer {
  /** http://127.0.0.1:port, without a slash at its end. */
  url: string
  port: number
  /** `METHOD path` of every request, in order. */
  seen: string[]
}

/** A web server on loopback, closed at the test's end. */
export async function webServer(t: Teardown, handler: RequestListener): Promise<WebServer> {
  const seen: string[] = []
  const server = createServer((request, response) => {
    seen.push(`${request.method} ${request.url}`)
    handler(request, response)
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  t.teardown(
    () =>
      new Promise<void>(resolve => {
        server.closeAllConnections()
        server.close(() => resolve())
      }),
  )
  const { port } = server.address() as AddressInfo
  return { url: `http://127.0.0.1:${port}`, port, seen }
}

/** Answers GET and HEAD with some bytes, ranges of one window included. */
export function serve(bytes: Buffer): RequestListener {
  return (request: IncomingMessage, response) => {
    const [, first, last] = /^bytes=(\d+)-(\d*)$/.exec(request.headers.range ?? '') ?? []
    const start = Number(first ?? 0)
    const end = last ? Math.min(Number(last), bytes.length - 1) : bytes.length - 1
    const part = bytes.subarray(start, end + 1)
    response.writeHead(first === undefined ? 200 : 206, {
      'content-length': part.length,
      ...(first !== undefined && { 'content-range': `bytes ${start}-${end}/${bytes.length}` }),
    })
    response.end(request.method === 'HEAD' ? undefined : part)
  }
}
