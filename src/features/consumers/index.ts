import type { Feature } from '../../feature.js'
import { policies } from './policies.js'
import { removeExpired } from './repository.js'
import { routes } from './routes.js'

/** Rows that one statement of the job removes. */
const BITE = 1000

/** Who uses an image. While somebody does, it is not deleted. */
export const consumers: Feature = {
  name: 'consumers',
  routes,
  policies,
  jobs: [
    {
      name: 'expired consumers',
      every: 300,
      async run(deps, signal) {
        while (!signal.aborted && (await removeExpired(deps.db, deps.now(), BITE)) === BITE);
      },
    },
  ],
}
