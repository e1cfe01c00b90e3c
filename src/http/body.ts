import type { IncomingMessage } from 'node:http'
import type { FastifyRequest } from 'fastify'
import { BadRequest, RequestTimeout, TooLarge } from '../errors.js'

/**
 * What a route does with a request's body, as Glance does it: the content type of JSON is never looked at, and
 * routes that take no body refuse one.
 * - `object`, `array`: JSON of that shape, required
 * - `stream`: the raw bytes
 * - `none`: a body is 400
 * - `ignore`: a body is thrown away
 */
export type BodyKind = 'object' | 'array' | 'stream' | 'none' | 'ignore'

/** Bytes of JSON that one request may carry: room for very long property values, not for a flood. */
export const MAX_JSON = 16 * 2 ** 20

const announced = new Set(['chunked', 'compress', 'deflate', 'gzip', 'identity'])

/** Whether a body is announced by the headers; Glance looks at nothing else, so an empty chunked body counts. */
export function hasBody(request: IncomingMessage): boolean {
  if (Number(request.headers['content-length'] ?? 0) > 0) return true
  const encoding = request.headers['transfer-encoding']
  return (
    encoding !== undefined &&
    ['POST', 'PUT', 'PATCH'].includes(request.method ?? '') &&
    encoding.split(',').some(name => announced.has(name.trim().toLowerCase()))
  )
}

/** Reads the body that the route's kind asks for; undefined when there is none. Throws BadRequest, TooLarge. */
export async function readBody(request: FastifyRequest, payload: IncomingMessage): Promise<unknown> {
  const kind = request.routeOptions.config.body ?? 'none'
  if (kind === 'stream') return payload
  if (kind === 'none' || kind === 'ignore') {
    payload.resume()
    return undefined
  }
  const bytes = await collect(payload)
  return bytes.length === 0 ? undefined : parseJson(bytes)
}

/** Seconds for which a client may send nothing of a JSON body, and within which all of it has to come. */
const PATIENCE = { idle: 30, whole: 300 }

/**
 * All bytes of a JSON body. Throws TooLarge at the first one too many, RequestTimeout when nothing comes for a while
 * or the end does not come at all, BadRequest when the client goes away. What is still coming is left to the connection.
 */
export function collect(payload: IncomingMessage, { idle, whole } = PATIENCE): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = []
    let size = 0
    const fail = (reason: Error) => {
      stop()
      payload.off('data', take)
      reject(reason)
    }
    const late = (sentence: string) => () =>
      fail(new RequestTimeout(sentence, { headers: { connection: 'close' } }))
    const timer = setTimeout(late(`No data came for ${idle} seconds.`), idle * 1000)
    const deadline = setTimeout(late(`The body did not end within ${whole} seconds.`), whole * 1000)
    const stop = () => {
      clearTimeout(timer)
      clearTimeout(deadline)
    }
    const take = (chunk: Buffer) => {
      timer.refresh()
      size += chunk.length
      if (size <= MAX_JSON) chunks.push(chunk)
      else fail(new TooLarge(`A request body may have at most ${MAX_JSON} bytes of JSON.`))
    }
    const cut = () => fail(new BadRequest('The client closed the connection.'))
    payload.on('data', take).once('error', cut).once('close', cut)
    payload.once('end', () => {
      stop()
      resolve(Buffer.concat(chunks))
    })
  })
}

/** Bytes → JSON. A byte order mark is refused like any other stray character. */
function parseJson(bytes: Buffer): unknown {
  let text: string
  try {
    text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes)
  } catch (cause) {
    throw new BadRequest('The request body is not valid UTF-8.', { cause })
  }
  if (isTooDeep(text)) throw new BadRequest(`The request body is nested deeper than ${MAX_DEPTH} levels.`)
  try {
    return JSON.parse(text)
  } catch (cause) {
    throw new BadRequest(`The request body is not valid JSON: ${(cause as Error).message}.`, { cause })
  }
}

/**
 * Levels of nesting that any request can need, and more: what is written again as JSON, and stored, needs stack for each
 * of them, here and in the database, and millions would keep the parser busy for seconds.
 */
const MAX_DEPTH = 1000

/** Whether brackets outside of strings are nested too deep. */
function isTooDeep(text: string): boolean {
  if (text.length <= MAX_DEPTH) return false
  let depth = 0
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at)
    if (code === 0x22) {
      // to the quote that ends the string: one with an even number of backslashes before it
      do {
        at = text.indexOf('"', at + 1)
        if (at < 0) return false
      } while (isEscaped(text, at))
    } else if (code === 0x5b || code === 0x7b) {
      if (++depth > MAX_DEPTH) return true
    } else if (code === 0x5d || code === 0x7d) depth--
  }
  return false
}

function isEscaped(text: string, at: number): boolean {
  let first = at
  while (text.charCodeAt(first - 1) === 0x5c) first--
  return (at - first) % 2 === 1
}

/** Holds a parsed body against the route's kind. Throws BadRequest. */
export function checkShape(kind: BodyKind, body: unknown): void {
  if (kind !== 'object' && kind !== 'array') return
  if (body === undefined) throw new BadRequest('The request needs a JSON body.')
  if (
    kind === 'array' ? !Array.isArray(body) : body === null || typeof body !== 'object' || Array.isArray(body)
  ) {
    throw new BadRequest(`The request body must be a JSON ${kind}.`)
  }
}
