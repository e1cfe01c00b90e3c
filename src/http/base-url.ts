import type { FastifyRequest } from 'fastify'
import type { Deps } from '../deps.js'

/**
 * Base of absolute links, without a slash at its end: the setting, else the scheme, host and path that the client used,
 * which a trusted proxy tells where there is one.
 */
export function baseUrl({ config }: Pick<Deps, 'config'>, request: FastifyRequest): string {
  if (config.public_url !== null) return config.public_url.replace(/\/+$/, '')
  const prefix = config.trusted_proxies.length > 0 ? (request.headers['x-forwarded-prefix'] ?? '') : ''
  return `${request.protocol}://${request.host || ownAddress(request)}${prefix}`
}

/** Where the connection ends here: for clients of HTTP/1.0, which need not name a host. */
function ownAddress({ socket }: FastifyRequest): string {
  const { localAddress = 'localhost', localPort } = socket
  return `${localAddress.includes(':') ? `[${localAddress}]` : localAddress}:${localPort}`
}
