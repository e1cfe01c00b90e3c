import type { Feature } from '../../feature.js'
import { keepInOrder } from './background.js'
import { legacyRoutes } from './legacy/routes.js'
import { cacheRoutes } from './routes.js'

/** The image cache of this machine, as its operators see it: what is in it, and what is to come into it. */
export const cache: Feature = {
  name: 'cache',
  routes(app, deps) {
    cacheRoutes(app, deps)
    if (!deps.cache) return
    legacyRoutes(app, deps)
    // not a periodic job: those run on one machine of all, and each machine has a cache of its own
    const background = keepInOrder(deps, deps.cache)
    app.addHook('onReady', async () => background.start())
    app.addHook('onClose', async () => background.stop())
  },
}
