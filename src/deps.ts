import type { Pool } from 'pg'
import type { Logger } from 'pino'
import type { Auth } from './auth/index.js'
import type { Config } from './config/schema.js'
import type { Database } from './db/connect.js'
import type { Policy } from './policy/policy.js'
import type { Stores } from './stores/index.js'
import type { HashPool } from './streams/hash.js'

/** What stories and routes work with: made once by openDeps, passed as an argument. */
export interface Deps {
  config: Config
  db: Database
  stores: Stores
  policy: Policy
  auth: Auth
  /** Digests on worker threads, shared by all uploads of the process. */
  hashes: HashPool
  /** For the hot statements that are prepared by name; the same connections as `db`. */
  pool: Pool
  log: Logger
  /** The time; tests move it. */
  now: () => Date
}
