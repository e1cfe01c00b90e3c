import type { Feature } from '../feature.js'
import { policies } from './policies.js'
import { imageRoutes } from './routes.js'

/** The image record. */
export const images: Feature = { name: 'images', routes: imageRoutes, policies }
