import { type ClientRequest, request } from 'node:http'
import { type Answer, type Client, whole } from './client.js'
import type { Teardown } from './database.js'
import { type WebServer, webServer } from './web.js'

export interface Sending {
  outgoing: ClientRequest
  /** What the server answers; a client that goes away gets none. */
  answer: Promise<Answer>
}

/** A request with a body of which `first` has been sent, and the rest is held back. */
export async function sending(
  client: Client,
  port: number,
  path: string,
  first: Buffer,
  headers = {},
): Promise<Sending> {
  const outgoing = request({
    host: '127.0.0.1',
    port,
    method: 'PUT',
    path,
    agent: false,
    headers: { ...client.headers, 'content-type': 'application/octet-stream', ...headers },
  })
  const answer = new Promise<Answer>((resolve, reject) => {
    outgoing.on('response', incoming => whole(incoming).then(resolve, reject)).on('error', reject)
  })
  answer.catch(() => {})
  await new Promise(resolve => outgoing.write(first, resolve))
  return { outgoing, answer }
}

/** A source that never gets anywhere, and its connections that are open. */
export interface SlowSource extends WebServer {
  open: () => number
}

/**
 * A source that does not answer at `/silent`, and elsewhere sends a beginning of what it announced and then, every
 * now and then, a byte more. `first` is how many bytes the beginning has.
 */
export async function slowSource(t: Teardown, first = 2 ** 20): Promise<SlowSource> {
  let open = 0
  const server = await webServer(t, (incoming, response) => {
    open++
    response.once('close', () => {
      open--
    })
    if (incoming.url === '/silent') return
    response.writeHead(200, { 'content-length': 2 ** 30 })
    response.write(Buffer.alloc(first))
    const timer = setInterval(() => response.write('.'), 100)
    response.once('close', () => clearInterval(timer))
  })
  return { ...server, open: () => open }
}
