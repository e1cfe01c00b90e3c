import http from 'node:http'
import https from 'node:https'
import type { Readable } from 'node:stream'
import { Unavailable } from '../errors.js'
import { checkUri, type Rules } from './guard.js'
import { pinned, resolveChecked } from './resolve.js'

export interface Fetched {
  /** The bytes; destroying it ends the transfer. */
  stream: Readable
  /** Bytes, when the other side says how many. */
  size: number | undefined
}

export interface FetchOptions {
  signal?: AbortSignal | undefined
  /** Sent to the first host only. */
  headers?: Record<string, string>
  /** First byte to ask for; the other side must answer with just the rest. */
  from?: number
}

const MAX_REDIRECTS = 5
/** Milliseconds without a byte, connecting included. */
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
    const addresses = await resolveChecked(rules, url.hostname)
    if (!addresses || addresses.length === 0) throw unreachable()
    const response = await request(url, pinned(addresses), headers, options)
    const { statusCode = 0 } = response
    const location = response.headers.location
    if (statusCode < 300 || statusCode >= 400 || location === undefined) return response
    response.destroy()
    if (!URL.canParse(location, url.href))
      throw new Unavailable('The source redirects to something that is no URL.')
    const next = checkUri(rules, new URL(location, url).href)
    if (next.protocol !== 'http:' && next.protocol !== 'https:')
      throw new Unavailable('The source redirects away from http and https.')
    // what was meant for one host is not told to another
    if (next.host !== url.host || next.protocol !== url.protocol) headers = {}
    url = next
  }
  throw new Unavailable(`The source redirects more than ${MAX_REDIRECTS} times.`)
}

/** Gets the bytes at an http or https URL. Throws BadRequest for a refused place, Unavailable for everything else. */
export async function fetchHttp(rules: Rules, uri: string, options: FetchOptions = {}): Promise<Fetched> {
  const { signal, headers, from } = options
  const response = await requestHttp(rules, uri, {
    signal,
    headers,
    range: from ? `bytes=${from}-` : undefined,
  })
  if (response.statusCode !== (from ? 206 : 200)) {
    response.destroy()
    throw new Unavailable(`The source answered with status ${response.statusCode}.`)
  }
  const length = response.headers['content-length']
  return { stream: response, size: length === undefined ? undefined : Number(length) }
}

function request(
  url: URL,
  lookup: ReturnType<typeof pinned>,
  headers: Record<string, string>,
  { signal, method = 'GET', range }: HttpRequest,
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
        timeout: IDLE,
        ...auth,
        headers: {
          'accept-encoding': 'identity',
          'user-agent': 'vitrine',
          ...(range && { range }),
          ...headers,
        },
      },
      response => {
        sent.off('error', fail)
        sent.on('error', () => undefined)
        response.setTimeout(IDLE, () => response.destroy(new Unavailable('The source sends no more bytes.')))
        resolve(response)
      },
    )
    const fail = (cause: Error) => reject(signal?.aborted ? signal.reason : unreachable(cause))
    sent.once('error', fail)
    sent.once('timeout', () => sent.destroy(new Error('timed out')))
    sent.end()
  })
}
