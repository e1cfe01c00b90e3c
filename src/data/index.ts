import type { Feature } from '../feature.js'
import { reaper } from './reap.js'
import { dataRoutes } from './routes.js'

/** The bytes of images. */
export const data: Feature = { name: 'data', routes: dataRoutes, jobs: [reaper] }
