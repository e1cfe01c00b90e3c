import type { Readable } from 'node:stream'
import { BadRequest } from '../errors.js'
import { connectFtp } from './ftp.js'
import { checkUri, type Rules } from './guard.js'
import { connectHttp } from './http.js'
import { type Connection, type ResumeOptions, resumable } from './resumable.js'

export interface Fetched {
  /**
   * The bytes; destroying it ends the transfer. It watches itself that bytes come, and goes on over a new connection
   * when one breaks, if the source can tell that it is still the same.
   */
  stream: Readable
  /** Bytes, when the other side says how many. */
  size: number | undefined
}

export interface FetchOptions extends ResumeOptions {
  /** Sent to the first host only; http and https. */
  headers?: Record<string, string>
}

interface Start {
  from: number
  identity: string | undefined
  signal: AbortSignal
  headers: Record<string, string> | undefined
  patience: number | undefined
}

type Protocol = (rules: Rules, uri: string, start: Start) => Promise<Connection>

const protocols: Readonly<Record<string, Protocol>> = {
  http: connectHttp,
  https: connectHttp,
  ftp: connectFtp,
}

/**
 * Gets the bytes at a URL of any protocol that is spoken here. Throws BadRequest for a refused place, Unavailable for
 * everything else, with a `code` for programs. The signal ends it at once, whatever it is doing.
 */
export async function fetchUri(rules: Rules, uri: string, options: FetchOptions = {}): Promise<Fetched> {
  const url = checkUri(rules, uri)
  const protocol = protocols[url.protocol.slice(0, -1)]
  if (!protocol) throw new BadRequest(`Nothing here speaks ${url.protocol}//.`)
  const { headers, idle: patience } = options
  return resumable(
    (from, identity, signal) => protocol(rules, uri, { from, identity, signal, headers, patience }),
    options,
  )
}
