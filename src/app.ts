import type { FastifyInstance } from 'fastify'
import { data } from './data/index.js'
import type { Deps } from './deps.js'
import type { Feature } from './feature.js'
import { actions } from './features/actions/index.js'
import { batch } from './features/batch/index.js'
import { cache } from './features/cache/index.js'
import { consumers } from './features/consumers/index.js'
import { discovery } from './features/discovery/index.js'
import { announced } from './features/discovery/versions.js'
import { exports } from './features/exports/index.js'
import { imports } from './features/imports/index.js'
import { info } from './features/info/index.js'
import { launchDefaults } from './features/launch-defaults/index.js'
import { links } from './features/links/index.js'
import { locations } from './features/locations/index.js'
import { members } from './features/members/index.js'
import { metadefs } from './features/metadefs/index.js'
import { progress } from './features/progress/index.js'
import { recycleBin } from './features/recycle-bin/index.js'
import { shares } from './features/shares/index.js'
import { stores } from './features/stores/index.js'
import { tags } from './features/tags/index.js'
import { tasks } from './features/tasks/index.js'
import { versions } from './features/versions/index.js'
import { describeRoutes, docsRoutes } from './http/docs.js'
import { healthRoutes } from './http/health.js'
import { metricsRoutes } from './http/metrics.js'
import { createServer } from './http/server.js'
import { images } from './images/index.js'

/** Everything Vitrine does, in the order in which it is documented. */
export const features: readonly Feature[] = [
  discovery,
  images,
  data,
  actions,
  imports,
  progress,
  tasks,
  locations,
  members,
  shares,
  consumers,
  launchDefaults,
  tags,
  links,
  info,
  stores,
  cache,
  metadefs,
  versions,
  recycleBin,
  batch,
  exports,
]

/** Puts the server together; opens nothing and does not listen. */
export async function buildApp(deps: Deps): Promise<FastifyInstance> {
  const app = createServer({
    log: deps.log,
    authenticate: request => deps.auth.authenticate(request),
    minors: new Set(announced(deps.config, deps.stores).minors),
    trustedProxies: deps.config.trusted_proxies,
    corsOrigins: deps.config.cors_origins,
    observe: request => deps.metrics.request(request),
  })
  await describeRoutes(app)
  await app.register(docsRoutes)
  await app.register(async scope => {
    healthRoutes(scope, deps)
    metricsRoutes(scope, deps)
  })
  for (const feature of features) {
    const { routes } = feature
    if (routes) await app.register(async scope => routes(scope, deps), { prefix: feature.root ? '' : '/v2' })
  }
  await app.ready()
  return app
}
