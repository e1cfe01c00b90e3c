import type { FastifyRequest } from 'fastify'
import type { Deps } from '../deps.js'

/** Base of absolute links, without a slash at its end: the setting, else the scheme and host that the client used. */
export function baseUrl(deps: Pick<Deps, 'config'>, request: FastifyRequest): string {
  return (deps.config.public_url ?? `${request.protocol}://${request.host || ownAddress(request)}`).replace(
    /\/+$/,
    '',
  )
}

/** Where the connection ends here: for clients of HTTP/1.0, which need not name a host. */
function ownAddress({ socket }: FastifyRequest): string {
  const { localAddress = 'localhost', localPort } = socket
  return `${localAddress.includes(':') ? `[${localAddress}]` : localAddress}:${localPort}`
}
