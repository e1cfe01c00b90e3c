import { Agent, request } from 'node:http'

/** One HTTP request as it goes over the wire, without the niceties that fetch adds (Accept, redirects, checks). */
export interface WireRequest {
  method: string
  path: string
  headers: Record<string, string>
  body?: Buffer
  chunked?: boolean
}

export interface WireReply {
  /** 0: the connection was closed without an answer. */
  status: number
  headers: Record<string, string>
  body: Buffer
  /** The connection ended before all of the announced body had come. */
  cut?: boolean
}

const agent = new Agent({ keepAlive: true, maxSockets: 16 })

export function send(base: string, wire: WireRequest): Promise<WireReply> {
  const { hostname, port } = new URL(base)
  const headers: Record<string, string | number> = { ...wire.headers }
  if (wire.chunked) headers['transfer-encoding'] = 'chunked'
  else if (wire.body) headers['content-length'] = wire.body.length
  return new Promise((resolve, reject) => {
    const req = request({
      agent,
      hostname,
      port,
      method: wire.method,
      path: wire.path,
      headers,
      timeout: 60_000,
    })
    let answered = false
    req.on('response', res => {
      answered = true
      const parts: Buffer[] = []
      const done = (cut: boolean) => {
        const replied = Object.fromEntries(Object.entries(res.headers).map(([k, v]) => [k, String(v)]))
        resolve({
          status: res.statusCode ?? 0,
          headers: replied,
          body: Buffer.concat(parts),
          ...(cut && { cut }),
        })
      }
      res.on('data', (part: Buffer) => parts.push(part))
      res.on('error', () => done(true))
      res.on('end', () => done(false))
    })
    // A server may answer and close before it has read all of the body; the answer still counts.
    req.on('error', (err: NodeJS.ErrnoException) => {
      if (answered) return
      if (err.code === 'ECONNRESET' || err.code === 'EPIPE')
        resolve({ status: 0, headers: {}, body: Buffer.alloc(0) })
      else reject(err)
    })
    req.on('timeout', () => req.destroy(new Error(`no answer to ${wire.method} ${wire.path} in 60 s`)))
    req.end(wire.body)
  })
}
