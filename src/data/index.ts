import type { Feature } from '../feature.js'
import { reaper, reaperAtStart } from './reap.js'
import { dataRoutes } from './routes.js'

/** The bytes of images. */
export const data: Feature = { name: 'data', routes: dataRoutes, jobs: [reaper, reaperAtStart] }
