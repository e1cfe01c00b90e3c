import { createServer, request as send } from 'node:http'
import type { AddressInfo } from 'node:net'

/** One request that passed the proxy. */
export interface Passing {
  method: string
  url: string
}

/**
 * What becomes of a request: it goes through; it is answered with a status in place of the service; its connection is
 * cut after so many bytes of its body (`request`) or of the answer's (`response`), or when the service has done its
 * work and the answer gets lost (`answer`); or nothing ever happens (`hang`).
 */
export type Fate =
  | undefined
  | { status: number; code?: string }
  | { cut: 'request' | 'response'; after: number }
  | { cut: 'answer' }
  | { hang: true }

/** A small HTTP proxy in front of a service, on a free port of 127.0.0.1, that fails as `decide` says. */
export async function openFaultyProxy(
  target: { host: string; port: number },
  decide: (passing: Passing) => Fate,
) {
  const seen: Passing[] = []
  const server = createServer((incoming, outgoing) => {
    const passing = { method: incoming.method!, url: incoming.url! }
    seen.push(passing)
    const fate = decide(passing)
    if (fate && 'hang' in fate) {
      incoming.resume()
      return
    }
    if (fate && 'status' in fate) {
      incoming.resume()
      const code = fate.code ? `<Error><Code>${fate.code}</Code></Error>` : ''
      incoming.once('end', () =>
        outgoing.writeHead(fate.status, { 'Content-Type': 'application/xml' }).end(code),
      )
      return
    }
    const onward = send(
      {
        host: target.host,
        port: target.port,
        method: incoming.method,
        path: incoming.url,
        headers: incoming.headers,
      },
      answer => {
        if (fate && 'cut' in fate && fate.cut === 'answer') {
          answer.resume().once('end', () => incoming.socket.destroy())
          return
        }
        outgoing.writeHead(answer.statusCode!, answer.rawHeaders)
        let passed = 0
        answer.on('data', (chunk: Buffer) => {
          passed += chunk.length
          if (!outgoing.write(chunk)) {
            answer.pause()
            outgoing.once('drain', () => answer.resume())
          }
          if (fate && 'cut' in fate && fate.cut === 'response' && passed > fate.after)
            incoming.socket.destroy()
        })
        answer.once('end', () => outgoing.end())
        answer.once('error', () => outgoing.destroy())
      },
    )
    onward.once('error', () => incoming.socket.destroy())
    outgoing.once('close', () => onward.destroy())
    let passed = 0
    incoming.on('data', (chunk: Buffer) => {
      passed += chunk.length
      if (fate && 'cut' in fate && fate.cut === 'request' && passed > fate.after) {
        incoming.socket.destroy()
        return
      }
      if (!onward.write(chunk)) {
        incoming.pause()
        onward.once('drain', () => incoming.resume())
      }
    })
    incoming.once('end', () => onward.end())
    incoming.once('error', () => onward.destroy())
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  return {
    port: (server.address() as AddressInfo).port,
    seen,
    close() {
      server.closeAllConnections()
      return new Promise<void>(resolve => server.close(() => resolve()))
    },
  }
}
