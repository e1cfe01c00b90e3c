import type { FastifyReply, FastifyRequest } from 'fastify'
import { addVary } from './vary.js'

/**
 * CORS: lets web pages of the configured origins call the API from the browser, as Horizon does to send an image's
 * bytes without passing them through itself. Fifty lines of our own, because @fastify/cors answers every OPTIONS
 * request once it is there, and its headers do not reach downloads, which are sent past Fastify.
 */

const methods = 'GET, HEAD, PUT, POST, DELETE, PATCH'

/** What pages may send: Glance's list, then what our own routes read. */
const requestHeaders = [
  'Content-Type',
  'Content-MD5',
  'Accept-Encoding',
  'X-Auth-Token',
  'X-Identity-Status',
  'X-Roles',
  'X-Service-Catalog',
  'X-User-Id',
  'X-Tenant-Id',
  'X-Storage-Token',
  'X-Image-Meta-Checksum',
  'X-OpenStack-Request-ID',
  'Authorization',
  'Range',
  'If-Range',
  'If-Match',
  'If-None-Match',
  'Content-Range',
  'Repr-Digest',
  'X-Image-Meta-Store',
  'X-OpenStack-Image-Size',
  'X-OpenStack-Image-Hash',
].join(', ')

/** What pages may read: Glance's list, then what a client needs that goes by the answers to POST and GET. */
const answerHeaders = [
  'X-Image-Meta-Checksum',
  'X-Auth-Token',
  'X-Subject-Token',
  'X-Service-Token',
  'X-OpenStack-Request-ID',
  'Location',
  'OpenStack-image-import-methods',
  'OpenStack-image-store-ids',
  'Content-MD5',
  'Content-Range',
  'Content-Disposition',
  'Accept-Patch',
  'Accept-Ranges',
  'ETag',
  'Allow',
  'Retry-After',
  'WWW-Authenticate',
].join(', ')

/** Seconds for which a browser remembers a preflight's answer, as with Glance. */
const maxAge = '3600'

/** Sets an answer's headers; true when the request was a preflight, which needs no identity, and is answered. */
export type Cors = (request: FastifyRequest, reply: FastifyReply) => boolean

/**
 * Null when no origin may call, which costs nothing. `*` lets any page call, but none with the browser's own
 * credentials; a page still needs a token.
 */
export function openCors(origins: readonly string[]): Cors | null {
  if (origins.length === 0) return null
  const named = new Set(origins)
  const any = named.delete('*')
  return (request, reply) => {
    // for caches: also answers that went without these headers are not for everybody
    if (named.size > 0) addVary(reply, 'Origin')
    const { origin } = request.headers
    if (origin === undefined) return false
    if (named.has(origin)) {
      reply.header('access-control-allow-origin', origin).header('access-control-allow-credentials', 'true')
    } else if (any) reply.header('access-control-allow-origin', '*')
    else return false
    if (request.method === 'OPTIONS' && request.headers['access-control-request-method'] !== undefined) {
      reply
        .header('access-control-allow-methods', methods)
        .header('access-control-allow-headers', requestHeaders)
        .header('access-control-max-age', maxAge)
        .send()
      return true
    }
    reply.header('access-control-expose-headers', answerHeaders)
    return false
  }
}
