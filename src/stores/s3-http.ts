import http from 'node:http'
import https from 'node:https'
import { S3Fault } from './s3-faults.js'

/** Seconds that a connection may take to be made, that a transfer may stand still, and so on. */
export interface Patience {
  connect: number
  idle: number
  /** For requests that the service works on before it answers, such as completing an upload. */
  thinking: number
  /** Seconds before the first repetition of what failed; twice as long before each further one. */
  repeat: number
}

/** Requests to the service over kept connections, none of which can hang. */
export interface S3Http {
  /** In the place of node:http for the S3 client: failures that are worth another try become its errors. */
  transport: Pick<typeof http, 'request'>
  agent: http.Agent
  /** Sends a request whose URL bears its signature; resolves with a good answer, rejects with S3Fault for another. */
  send(
    url: string,
    options: {
      method: 'GET' | 'PUT'
      headers?: http.OutgoingHttpHeaders
      body?: readonly Uint8Array[]
      signal?: AbortSignal | undefined
    },
  ): Promise<http.IncomingMessage>
  close(): void
}

export function openS3Http(tls: boolean, patience: Patience): S3Http {
  const module = tls ? https : http
  const agent = new module.Agent({ keepAlive: true, maxFreeSockets: 32, scheduling: 'lifo' })

  /** Ends a request that takes too long to connect or stands still. */
  function guard(request: http.ClientRequest, idle: number): void {
    request.on('socket', socket => {
      if (socket.connecting) {
        const slow = setTimeout(() => request.destroy(timedOut()), patience.connect * 1000)
        const done = () => clearTimeout(slow)
        socket.once(tls ? 'secureConnect' : 'connect', done)
        request.once('close', done)
      }
    })
    let answer: http.IncomingMessage | undefined
    request.once('response', response => {
      answer = response
    })
    request.setTimeout(idle * 1000, () => {
      // Nobody can be blamed for silence that the reader of the answer has asked for.
      if (!answer?.isPaused()) request.destroy(timedOut())
    })
  }

  const request = (options: http.RequestOptions, answer?: (response: http.IncomingMessage) => void) => {
    const sent = module.request({ ...options, agent }, response => {
      const status = response.statusCode ?? 0
      if (status < 500 && status !== 429 && status !== 408) answer?.(response)
      // The client would warn on the console, wait, and leave this connection open.
      else void faultOf(response).then(fault => sent.emit('error', fault))
    })
    // completing an upload, or copying a part; beginning one takes no thought
    const thinks = /^P(OST|UT)$/.test(options.method ?? '') && /[?&]uploadId=/.test(options.path ?? '')
    guard(sent, thinks ? patience.thinking : patience.idle)
    return sent
  }

  return {
    transport: { request: request as typeof http.request },
    agent,
    send(url, { method, headers, body, signal }) {
      return new Promise((resolve, reject) => {
        const sent = module.request(url, { method, agent, headers, signal }, response => {
          const status = response.statusCode ?? 0
          if (status === 200 || status === 206) resolve(response)
          else void faultOf(response).then(reject, reject)
        })
        sent.on('error', reject)
        guard(sent, patience.idle)
        for (const piece of body ?? []) sent.write(piece)
        sent.end()
      })
    },
    close: () => agent.destroy(),
  }
}

/** What the service says is wrong; of the answer's body only the code is looked at. */
async function faultOf(response: http.IncomingMessage): Promise<S3Fault> {
  let text = ''
  try {
    response.setEncoding('utf8')
    for await (const chunk of response) {
      if (text.length < 65536) text += chunk
    }
  } catch {
    // The status alone will have to do.
  }
  const header = response.headers['x-minio-error-code']
  const code =
    /<Code>([A-Za-z0-9.]{1,100})<\/Code>/.exec(text)?.[1] ?? (typeof header === 'string' ? header : '')
  return new S3Fault(response.statusCode ?? 0, code)
}

function timedOut(): Error {
  return Object.assign(new Error('The object store is too slow'), { code: 'ETIMEDOUT' })
}
