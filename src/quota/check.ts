import { sql } from 'kysely'
import type { Database } from '../db/connect.js'
import type { Deps } from '../deps.js'
import { TooLarge } from '../errors.js'
import type { LimitName, Limits } from './limits.js'
import { usageOf } from './usage.js'

/** A project's limits, to be held inside a transaction. */
export interface Quota {
  project: string | null
  limits: Limits
  /** Waits for the project's turn, which lasts until the transaction ends: for checks that come after locks of rows. */
  turn(tx: Database): Promise<void>
  /**
   * Throws TooLarge when what the project has and `delta` more (whole MiB or images) pass the limit. Until the
   * transaction ends nobody else of the project passes here, so that requests at once can not pass the limit together.
   * Before images' rows are locked, or after `turn`: limits, lineage, images is the order in which everybody locks.
   */
  check(tx: Database, name: LimitName, delta: number): Promise<void>
}

/** Learns a project's limits. Asks Keystone perhaps, so not to be called inside a transaction. */
export async function openQuota(deps: Pick<Deps, 'limits'>, project: string | null): Promise<Quota> {
  const limits = await deps.limits.of(project)
  const limited = project !== null && Object.values(limits).some(limit => limit !== null)
  async function turn(tx: Database) {
    if (!limited) return
    await sql`select pg_advisory_xact_lock(hashtextextended(${`quota of ${project}`}, 0))`.execute(tx)
  }
  return {
    project,
    limits,
    turn,
    async check(tx, name, delta) {
      const limit = limits[name]
      if (limit === null || project === null) return
      await turn(tx)
      const used = await usageOf(tx, name, project)
      if (used + delta > limit) {
        throw new TooLarge(
          `Project ${project} is over a limit for [Resource ${name} is over limit of ${limit} due to current usage ${used} and delta ${delta}]`,
          { code: 'quota_exceeded' },
        )
      }
    },
  }
}

/** Bytes as the whole MiB in which limits count. */
export const toMiB = (bytes: number | undefined) => Math.floor((bytes ?? 0) / 2 ** 20)
