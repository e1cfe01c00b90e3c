import { destroyExpired } from '../../data/destroy.js'
import type { Feature } from '../../feature.js'
import { policies } from './policies.js'
import { recycleBinRoutes } from './routes.js'

/** Deleted images, for a while. */
export const recycleBin: Feature = {
  name: 'recycle-bin',
  routes: recycleBinRoutes,
  policies,
  // also while the bin is off: what came into it before has its time still
  jobs: [{ name: 'recycle bin', every: 60, run: destroyExpired }],
}
