import http from 'node:http'
import https from 'node:https'
import { Unavailable } from '../errors.js'
import { checkUri, type Rules } from './guard.js'
import { pinned, resolveChecked } from './resolve.js'
import { Broken, type Connection, changed } from './resumable.js'

const MAX_REDIRECTS = 5
/** Milliseconds in which an answer begins, connecting included; then, unless the reader watches, without a byte. */
const IDLE = 60_000

/** Until a connection stands there is one sentence for every failure, so that nobody scans ports by it. */
export const unreachable = (cause?: unknown) =>
  new Unavailable('The source of the import could not be reached.', { cause, code: 'source_unreachable' })

/** A request that is not quite a plain GET. */
export interface HttpRequest {
  method?: 'GET' | 'HEAD'
  signal?: AbortSignal | undefined
  /** Sent to the first host only. */
  headers?: Record<string, string> | undefined
  /** A Range header, sent to every host on the way. */
  range?: string | undefined
  /** An If-Range header, sent beside it. */
  ifRange?: string | undefined
  /** Whoever reads the answer's body watches that it goes on. */
  watched?: boolean
  /** Milliseconds that an answer's head may take, whatever comes before it. */
  patience?: number | undefined
}

/**
 * Asks for an http or https URL and gives the answer, whatever its status. Each redirect is checked like the first URL
 * and dialled at an address that was checked. Throws BadRequest for a refused place, Unavailable when no answer comes.
 */
export async function requestHttp(
  rules: Rules,
  uri: string,
  options: HttpRequest = {},
): Promise<http.IncomingMessage> {
  let url = checkUri(rules, uri)
  let headers = { ...options.headers }
  for (let hops = 0; hops <= MAX_REDIRECTS; hops++) {
    const addresses = await resolveChecked(rules, url.hostname, options.signal)
    if (!addresses || addresses.length === 0) throw unreachable()
    const response = await request(url, pinned(addresses), headers, options)
    const { statusCode = 0 } = response
    const location = response.headers.location
    if (statusCode < 300 || statusCode >= 400 || location === undefined) return response
    response.destroy()
    if (!URL.canParse(location, url.href))
      throw new Unavailable('The source redirects to something that is no URL.', { code: 'source_refused' })
    const next = checkUri(rules, new URL(location, url).href)
    if (next.protocol !== 'http:' && next.protocol !== 'https:')
      throw new Unavailable('The source redirects away from http and https.', { code: 'source_refused' })
    // what was meant for one host is not told to another
    if (next.host !== url.host || next.protocol !== url.protocol) headers = {}
    url = next
  }
  throw new Unavailable(`The source redirects more than ${MAX_REDIRECTS} times.`, { code: 'source_refused' })
}

export interface HttpStart {
  /** First byte that is wanted. */
  from?: number
  /** The strong ETag of what was read before. */
  identity?: string | undefined
  signal: AbortSignal
  /** Sent to the first host only. */
  headers?: Record<string, string> | undefined
  /** Milliseconds that an answer's head may take. */
  patience?: number | undefined
}

/**
 * Makes a connection that gives the bytes at an http or https URL from an offset on. What identifies them is a strong
 * ETag, on servers that send ranges. Throws BadRequest for a refused place, Unavailable for everything else.
 */
export async function connectHttp(
  rules: Rules,
  uri: string,
  { from = 0, identity, signal, headers, patience }: HttpStart,
): Promise<Connection> {
  const response = await requestHttp(rules, uri, {
    signal,
    headers,
    patience,
    watched: true,
    ...(from > 0 && { range: `bytes=${from}-`, ifRange: identity }),
  })
  try {
    return { stream: response, ...read(response, from, identity) }
  } catch (error) {
    response.destroy()
    throw error
  }
}

/** Holds an answer against what was asked for. */
function read(
  { statusCode = 0, headers }: http.IncomingMessage,
  from: number,
  identity: string | undefined,
): Pick<Connection, 'size' | 'identity'> {
  const etag = /^"[^"]*"$/.test(headers.etag ?? '') ? headers.etag : undefined
  if (statusCode >= 500 || statusCode === 429) {
    throw new Broken(`The source answered with status ${statusCode}.`, { code: 'source_refused' })
  }
  if (from > 0 && (statusCode === 200 || statusCode === 416)) throw changed()
  if (statusCode !== (from > 0 ? 206 : 200)) {
    throw new Unavailable(`The source answered with status ${statusCode}.`, { code: 'source_refused' })
  }
  if (identity !== undefined && etag !== identity) throw changed()
  const length = headers['content-length']
  if (from > 0) {
    const [, start, end, total] = /^bytes (\d+)-(\d+)\/(\d+|\*)$/.exec(headers['content-range'] ?? '') ?? []
    if (Number(start) !== from) throw changed()
    return { size: total === '*' ? Number(end) + 1 : Number(total), identity }
  }
  return {
    size: length === undefined ? undefined : Number(length),
    identity: headers['accept-ranges'] === 'none' ? undefined : etag,
  }
}

function request(
  url: URL,
  lookup: ReturnType<typeof pinned>,
  headers: Record<string, string>,
  { signal, method = 'GET', range, ifRange, watched, patience = IDLE }: HttpRequest,
): Promise<http.IncomingMessage> {
  const send = url.protocol === 'https:' ? https.request : http.request
  const auth = url.username
    ? { auth: `${decodeURIComponent(url.username)}:${decodeURIComponent(url.password)}` }
    : {}
  return new Promise((resolve, reject) => {
    const sent = send(
      {
        protocol: url.protocol,
        hostname: url.hostname.replace(/^\[|\]$/g, ''),
        port: url.port || undefined,
        path: `${url.pathname}${url.search}`,
        method,
        lookup,
        signal,
        agent: false,
        ...auth,
        headers: {
          'accept-encoding': 'identity',
          'user-agent': 'vitrine',
          ...(range && { range }),
          ...(ifRange && { 'if-range': ifRange }),
          ...headers,
        },
      },
      response => {
        clearTimeout(late)
        sent.off('error', fail)
        sent.on('error', () => undefined)
        if (watched) response.setTimeout(0)
        else
          response.setTimeout(IDLE, () =>
            response.destroy(new Unavailable('The source sends no more bytes.', { code: 'source_cut' })),
          )
        resolve(response)
      },
    )
    const fail = (cause: Error) => reject(signal?.aborted ? signal.reason : unreachable(cause))
    // headers in drops and endless answers of 1xx keep a socket busy, so that its own timeout never comes
    const late = setTimeout(() => sent.destroy(new Error('timed out')), patience)
    sent.once('error', fail)
    sent.once('close', () => {
      clearTimeout(late)
      // a server that answers with another protocol (101) ends without an error; says nothing once there is an answer
      fail(new Error('closed without an answer'))
    })
    sent.end()
  })
}
