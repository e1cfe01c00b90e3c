import type { FastifyInstance } from 'fastify'
import type { Deps } from '../../deps.js'
import type { Feature } from '../../feature.js'
import { lineageRoutes } from './lineages/routes.js'
import { policies } from './policies.js'
import { versionRoutes } from './routes.js'

/** Versions of an image, of which one is in production. */
export const versions: Feature = {
  name: 'versions',
  policies,
  routes(app: FastifyInstance, deps: Deps) {
    versionRoutes(app, deps)
    lineageRoutes(app, deps)
  },
}
