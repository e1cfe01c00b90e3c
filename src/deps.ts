import cluster from 'node:cluster'
import type { Pool } from 'pg'
import type { Logger } from 'pino'
import { type Auth, openAuth } from './auth/index.js'
import type { Config } from './config/schema.js'
import { type Database, openDatabase, openPool } from './db/connect.js'
import { type Metrics, openMetrics } from './http/metrics.js'
import { glanceRules, type RuleDefault } from './policy/defaults.js'
import { openPolicy } from './policy/enforcer.js'
import type { Policy } from './policy/policy.js'
import { openPropertyProtections, type PropertyProtections } from './policy/property-protections.js'
import { type FollowedTransfers, followTransfers } from './queue/followed.js'
import { type LimitSource, openLimits } from './quota/limits.js'
import { type ImageCache, openCache } from './stores/cached.js'
import { openStores, parseStores, type Stores } from './stores/index.js'
import { type HashPool, openHashPool } from './streams/hash.js'

/** What stories and routes work with: made once by openDeps, passed as an argument. */
export interface Deps {
  config: Config
  db: Database
  stores: Stores
  /** Copies of images on this machine's disk; null when there is no cache. */
  cache: ImageCache | null
  policy: Policy
  /** Who may see and change which additional properties of images. */
  protections: PropertyProtections
  auth: Auth
  /** How much projects may have. */
  limits: LimitSource
  /** Digests on worker threads, shared by all uploads of the process. */
  hashes: HashPool
  /** What brings bytes to images in this process. */
  transfers: FollowedTransfers
  /** For the hot statements that are prepared by name; the same connections as `db`. */
  pool: Pool
  log: Logger
  /** What Prometheus is told. */
  metrics: Metrics
  /** The time; tests move it. */
  now: () => Date
  /** Aborted when the process is asked to stop: readiness fails, streams without an end are ended. */
  stopping: AbortSignal
}

export interface OpenOptions {
  /** postgres://… of a migrated database, wherever it comes from. */
  databaseUrl: string
  log: Logger
  /** The rules that features declare, beside Glance's. */
  policies?: Readonly<Record<string, string | RuleDefault>>
  stopping?: AbortSignal
  now?: () => Date
}

/** Opens everything that routes and jobs need. Throws Faults when a file that the settings name is not fit for use. */
export async function openDeps(config: Config, options: OpenOptions): Promise<Deps> {
  const { log } = options
  const policy = openPolicy(config.policy_file, { ...glanceRules, ...options.policies })
  const protections = openPropertyProtections(config.property_protection_file, policy)
  const auth = await openAuth(config, log, policy)
  const metrics = openMetrics()
  const stores = await openStores(parseStores(config.stores, config.data_dir), config.default_store, {
    hooks: metrics.storeHooks,
    rules: config,
  })
  const pool = openPool(options.databaseUrl, { log, connections: config.database_connections })
  const hashes = openHashPool()
  metrics.watch({ pool, hashes })
  const cache =
    config.cache_dir === null
      ? null
      : await openCache({
          folder: config.cache_dir,
          maxSize: config.cache_max_size,
          hashes,
          log,
          shared: cluster.isWorker,
        })
  const db = openDatabase(pool)
  return {
    config,
    db,
    transfers: followTransfers(db, log),
    pool,
    stores,
    cache,
    policy,
    protections,
    auth,
    limits: openLimits(config, auth.keystone ?? null),
    hashes,
    log,
    metrics,
    now: options.now ?? (() => new Date()),
    stopping: options.stopping ?? new AbortController().signal,
  }
}

/** Closes what openDeps has opened, the database last. */
export async function closeDeps(deps: Deps): Promise<void> {
  deps.transfers.close()
  await deps.auth.close()
  await deps.cache?.close()
  await deps.stores.close()
  await deps.hashes.close()
  await deps.db.destroy()
  // Kysely ends a pool only when it has used it.
  if (!deps.pool.ending) await deps.pool.end()
}
