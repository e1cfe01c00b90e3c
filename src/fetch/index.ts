import { BadRequest } from '../errors.js'
import { checkUri, type Rules } from './guard.js'
import { type Fetched, type FetchOptions, fetchHttp } from './http.js'

export type { Fetched, FetchOptions } from './http.js'

type Protocol = (rules: Rules, uri: string, options: FetchOptions) => Promise<Fetched>

const protocols: Readonly<Record<string, Protocol>> = { http: fetchHttp, https: fetchHttp }

/** Gets the bytes at a URL of any protocol that is spoken here. Throws BadRequest, Unavailable. */
export async function fetchUri(rules: Rules, uri: string, options: FetchOptions = {}): Promise<Fetched> {
  const url = checkUri(rules, uri)
  const protocol = protocols[url.protocol.slice(0, -1)]
  if (!protocol) throw new BadRequest(`Nothing here speaks ${url.protocol}//.`)
  return protocol(rules, uri, options)
}
