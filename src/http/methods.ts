import type { FastifyInstance, FastifyRequest, RouteOptions } from 'fastify'
import { MethodNotAllowed, NotFound, NotImplemented } from '../errors.js'

/**
 * What a path that exists answers to a verb it does not have: 405 with Glance's Allow. Glance's lists are literal,
 * so a route can give its own in `config.allow`, and `false` for those of its paths that answer 404 instead.
 */
interface Path {
  pattern: RegExp
  /** more literal segments win, as in the router */
  literals: number
  methods: Set<string>
  allow: string | false | undefined
}

const order = ['GET', 'POST', 'PUT', 'PATCH', 'DELETE']
const usual = new Set(['GET', 'HEAD', 'POST', 'PUT', 'DELETE', 'PATCH'])

/** Watches the routes of `app` and gives the handler for requests that match none of them. */
export function otherMethods(app: FastifyInstance): (request: FastifyRequest) => never {
  const paths = new Map<string, Path>()
  app.addHook('onRoute', route => note(paths, route))
  let sorted: Path[] | undefined
  return request => {
    sorted ??= [...paths.values()].sort((a, b) => b.literals - a.literals)
    const path = request.url.split('?', 1)[0] ?? ''
    const found = sorted.find(candidate => candidate.pattern.test(path))
    if (found === undefined || found.allow === false) {
      if (!usual.has(request.method)) {
        throw new NotImplemented(`The method ${request.method} is not known.`)
      }
      throw new NotFound('The resource could not be found.')
    }
    const allow = found.allow ?? order.filter(method => found.methods.has(method)).join(', ')
    throw new MethodNotAllowed(`The method ${request.method} is not allowed here; allowed: ${allow}.`, {
      headers: { allow },
    })
  }
}

function note(paths: Map<string, Path>, route: RouteOptions & { path: string }): void {
  if (route.config?.unlisted) return
  const path = paths.get(route.url) ?? {
    pattern: new RegExp(`^${route.url.replace(/:[a-z_]+/g, '[^/]+')}$`),
    literals: route.url.split('/').filter(segment => segment !== '' && !segment.startsWith(':')).length,
    methods: new Set<string>(),
    allow: undefined,
  }
  for (const method of [route.method].flat()) path.methods.add(method)
  if (route.config?.allow !== undefined) path.allow = route.config.allow
  paths.set(route.url, path)
}
