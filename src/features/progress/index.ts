import type { Feature } from '../../feature.js'
import { routes } from './routes.js'

/** How far uploads and imports are, and why they failed. */
export const progress: Feature = {
  name: 'progress',
  routes,
  policies: {
    get_progress: {
      check: 'rule:context_is_admin or (role:reader and project_id:%(project_id)s)',
      description: 'See how far uploads and imports are; asked about the project alone for a list.',
    },
  },
}
