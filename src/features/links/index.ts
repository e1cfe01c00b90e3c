import type { Feature } from '../../feature.js'
import { policies } from './policies.js'
import { removeExpired } from './repository.js'
import { manageRoutes, redeemRoutes } from './routes.js'

/** Links by which anybody downloads an image, for a day at most. */
export const links: Feature = {
  name: 'links',
  routes(app, deps) {
    manageRoutes(app, deps)
    redeemRoutes(app, deps)
  },
  policies,
  jobs: [{ name: 'remove expired links', every: 600, run: ({ db }) => removeExpired(db) }],
}
