import { Agent, type IncomingMessage, type OutgoingHttpHeaders, request } from 'node:http'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import type { FastifyInstance, InjectOptions } from 'fastify'

export interface Answer {
  status: number
  headers: IncomingMessage['headers']
  /** The whole body. */
  bytes: Buffer
  text: string
  /** The body as JSON. */
  // biome-ignore lint/suspicious/noExplicitAny: tests look at any answer
  json: any
}

export type Body = string | Uint8Array | Readable | undefined

/** Sends requests in the name of one caller. */
export interface Client {
  /** Headers that say who is calling. */
  headers: OutgoingHttpHeaders
  get(path: string, headers?: OutgoingHttpHeaders): Promise<Answer>
  post(path: string, json?: unknown, headers?: OutgoingHttpHeaders): Promise<Answer>
  put(path: string, json?: unknown, headers?: OutgoingHttpHeaders): Promise<Answer>
  delete(path: string, headers?: OutgoingHttpHeaders): Promise<Answer>
  /** PATCH of an image; in the newer of the two forms unless another media type is given. */
  patch(path: string, operations: unknown, mediaType?: string): Promise<Answer>
  /** PUT of an image's bytes over a socket; a stream goes out chunked. */
  upload(id: string, body: Body, headers?: OutgoingHttpHeaders): Promise<Answer>
  /** GET of an image's bytes over a socket. */
  download(id: string, headers?: OutgoingHttpHeaders): Promise<Answer>
  /** Any request, without a socket. */
  inject(options: InjectOptions): Promise<Answer>
  /** Any request over a socket of its own. */
  send(method: string, path: string, headers?: OutgoingHttpHeaders, body?: Body): Promise<Answer>
  /** A queued image, raw in a bare container unless said otherwise. */
  create(attributes?: Record<string, unknown>): Promise<Record<string, unknown> & { id: string }>
  /** An image that has bytes. */
  createActive(
    bytes?: Uint8Array,
    attributes?: Record<string, unknown>,
  ): Promise<Record<string, unknown> & { id: string }>
  show(id: string): Promise<Record<string, unknown> & { id: string }>
}

const V21 = 'application/openstack-images-v2.1-json-patch'

export function client(app: FastifyInstance, port: number, own: OutgoingHttpHeaders): Client {
  async function inject(options: InjectOptions): Promise<Answer> {
    const response = await app.inject({
      ...options,
      headers: { ...(own as Record<string, string>), ...options.headers },
    })
    return answer(response.statusCode, response.headers as IncomingMessage['headers'], response.rawPayload)
  }
  const send: Client['send'] = (method, path, headers = {}, body) =>
    exchange({ port, method, path, headers: { ...own, ...headers }, body })
  const withJson =
    (method: 'POST' | 'PUT') => (path: string, json?: unknown, headers?: OutgoingHttpHeaders) =>
      inject({
        method,
        url: path,
        headers: {
          ...(json !== undefined && { 'content-type': 'application/json' }),
          ...(headers as Record<string, string>),
        },
        ...(json !== undefined && { payload: typeof json === 'string' ? json : JSON.stringify(json) }),
      })

  const self: Client = {
    headers: own,
    inject,
    send,
    get: (path, headers) => inject({ method: 'GET', url: path, headers: headers as Record<string, string> }),
    delete: (path, headers) =>
      inject({ method: 'DELETE', url: path, headers: headers as Record<string, string> }),
    post: withJson('POST'),
    put: withJson('PUT'),
    patch: (path, operations, mediaType = V21) =>
      inject({
        method: 'PATCH',
        url: path,
        headers: { 'content-type': mediaType },
        payload: typeof operations === 'string' ? operations : JSON.stringify(operations),
      }),
    upload: (id, body, headers) =>
      send('PUT', `/v2/images/${id}/file`, { 'content-type': 'application/octet-stream', ...headers }, body),
    download: (id, headers) => send('GET', `/v2/images/${id}/file`, headers),
    async create(attributes = {}) {
      const made = await self.post('/v2/images', {
        name: 'an image',
        disk_format: 'raw',
        container_format: 'bare',
        ...attributes,
      })
      if (made.status !== 201) throw new Error(`no image was created: ${made.status} ${made.text}`)
      return made.json
    },
    async createActive(bytes = Buffer.from('some bytes'), attributes = {}) {
      const { id } = await self.create(attributes)
      const put = await self.upload(id, bytes)
      if (put.status !== 204) throw new Error(`no bytes were taken: ${put.status} ${put.text}`)
      return self.show(id)
    },
    async show(id) {
      const shown = await self.get(`/v2/images/${id}`)
      if (shown.status !== 200) throw new Error(`no image is shown: ${shown.status} ${shown.text}`)
      return shown.json
    },
  }
  return self
}

/** One request on a connection of its own; resolves when the whole answer has come. */
export function exchange(options: {
  port: number
  method: string
  path: string
  headers?: OutgoingHttpHeaders
  body?: Body
}): Promise<Answer> {
  const { port, method, path, headers, body } = options
  return new Promise((resolve, reject) => {
    const agent = new Agent({ keepAlive: false })
    const sized = typeof body === 'string' || body instanceof Uint8Array
    const outgoing = request(
      {
        host: '127.0.0.1',
        port,
        method,
        path,
        agent,
        headers: { ...(sized && { 'content-length': Buffer.byteLength(body) }), ...headers },
      },
      incoming => whole(incoming).then(resolve, reject),
    )
    outgoing.on('error', reject)
    if (body instanceof Readable) pipeline(body, outgoing).catch(reject)
    else outgoing.end(body)
  })
}

/** Reads an answer to its end; rejects when the connection breaks before. */
export async function whole(incoming: IncomingMessage): Promise<Answer> {
  const chunks: Buffer[] = []
  for await (const chunk of incoming) chunks.push(chunk as Buffer)
  if (!incoming.complete) throw new Error('the answer broke off')
  return answer(incoming.statusCode ?? 0, incoming.headers, Buffer.concat(chunks))
}

function answer(status: number, headers: IncomingMessage['headers'], bytes: Buffer): Answer {
  return {
    status,
    headers,
    bytes,
    get text() {
      return bytes.toString('utf8')
    },
    get json() {
      return JSON.parse(bytes.toString('utf8'))
    },
  }
}
