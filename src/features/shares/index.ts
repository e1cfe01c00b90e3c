import type { Feature } from '../../feature.js'
import { policies } from './policies.js'
import { routes } from './routes.js'

/** Sharing with groups of users and with domains. */
export const shares: Feature = { name: 'shares', routes, policies }
