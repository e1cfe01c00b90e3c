import type { IncomingMessage } from 'node:http'

/**
 * Version negotiation as Glance does it before anything else: `/v2.N/…` is served as `/v2/…` (minor numbers are
 * features, not microversions), the legacy media type `application/vnd.openstack.images-v2.N` stands for the
 * prefix, and any other first segment gets the list of versions with 300.
 */

/** Path that answers 300 with the list of versions, whatever was asked for. */
export const CHOICES = '/300'

const versionless = new Set([
  '',
  'versions',
  'healthcheck',
  'livez',
  'readyz',
  'metrics',
  'docs',
  'openapi.json',
])
const mediaType = /application\/vnd\.openstack\.images-(v\d+(?:\.\d+)?)/

/** An endpoint that was configured with a slash at its end gives paths such as //v2/images, which Glance serves too. */
function singleSlashes(url: string): string {
  if (!url.startsWith('/') || !url.includes('//')) return url
  const [, path = '', query = ''] = /^([^?]*)(.*)$/s.exec(url) ?? []
  return path.replace(/\/{2,}/g, '/') + query
}

/** Gives Fastify's `rewriteUrl` function for the minor versions of v2 that are served, such as {0, …, 17}. */
export function negotiator(minors: ReadonlySet<number>): (request: IncomingMessage) => string {
  const known = (version: string) => {
    const match = /^v2(?:\.(\d+))?$/.exec(version)
    return match !== null && (match[1] === undefined || minors.has(Number(match[1])))
  }
  return request => {
    const url = singleSlashes(request.url ?? '/')
    const [, first = '', rest = ''] = /^\/([^/?]*)(.*)$/s.exec(url) ?? []
    if (versionless.has(first)) return url
    if (known(first)) return `/v2${rest}`
    const accepted = mediaType.exec(request.headers.accept ?? '')?.[1]
    if (accepted !== undefined && known(accepted)) return `/v2${url}`
    return CHOICES
  }
}
