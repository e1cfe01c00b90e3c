import { randomUUID } from 'node:crypto'
import type { IncomingMessage } from 'node:http'

/** Longest request id that a client may choose, as Glance's max_request_id_length. */
export const MAX_REQUEST_ID = 64

/**
 * The id of a request: the client's X-Openstack-Request-Id with `req-` before it, else a new one. An id that is
 * too long is not taken over; server.ts refuses such a request with 431. Nor is one beyond ASCII: headers do not carry
 * it faithfully.
 */
export function requestId(request: { headers: IncomingMessage['headers'] }): string {
  const sent = sentId(request)
  if (sent === undefined) return `req-${randomUUID()}`
  return sent.startsWith('req-') ? sent : `req-${sent}`
}

/** The id that a task keeps of the request that asked for it: as Glance, without `req-` where the client sent none. */
export function taskRequestId(request: { headers: IncomingMessage['headers']; id: string }): string {
  return sentId(request) ?? request.id
}

function sentId(request: { headers: IncomingMessage['headers'] }): string | undefined {
  const sent = request.headers['x-openstack-request-id']
  const fits = typeof sent === 'string' && sent.length <= MAX_REQUEST_ID && /^[\x20-\x7e]+$/.test(sent)
  return fits ? sent : undefined
}
