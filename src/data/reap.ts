import { sql } from 'kysely'
import type { Database } from '../db/connect.js'
import type { Deps } from '../deps.js'
import type { Job } from '../feature.js'
import { interrupted } from '../http/failure.js'
import { interrupt } from '../queue/transfers.js'
import * as blobs from './blobs.js'
import { erase } from './erase.js'

/** Objects that one run removes at most; the next run goes on. */
const BATCH = 1000

/**
 * Finds what a killed process left: writes whose lease ran out are given up, their images are queued again, and all
 * objects that are to be removed are removed from their stores, unfinished multipart uploads among them.
 */
export async function reap(deps: Deps, signal?: AbortSignal, lease = blobs.LEASE): Promise<void> {
  const dead = await blobs.doomDead(deps.db, lease)
  for (const { image_id, ...blob } of dead)
    deps.log.warn({ image: image_id, ...blob }, 'a write died with its process')
  await requeue(deps, lease)
  await erase(deps, await blobs.takeDoomed(deps.db, BATCH), signal)
}

/** Images whose bytes nobody is writing any more wait for bytes again. */
async function requeue(deps: Deps, lease: number): Promise<void> {
  await deps.db.transaction().execute(async tx => {
    const requeued = await unattended(tx, lease).execute()
    await interrupt(
      tx,
      requeued.map(({ id }) => id),
      interrupted,
    )
  })
}

const unattended = (tx: Database, lease: number) =>
  tx
    .updateTable('images')
    .set({ status: 'queued', size: null, virtual_size: null, updated_at: sql`now()` })
    .where('status', 'in', ['saving', 'uploading'])
    .where(sql<boolean>`updated_at <= now() - make_interval(secs => ${lease})`)
    .where(eb =>
      eb.not(
        eb.exists(
          eb
            .selectFrom('blobs')
            .select('key')
            .whereRef('blobs.image_id', '=', 'images.id')
            .where('state', '=', 'writing'),
        ),
      ),
    )
    .where(eb =>
      eb.not(eb.exists(eb.selectFrom('staged').select('key').whereRef('staged.image_id', '=', 'images.id'))),
    )
    .returning('id')

/** Every half minute; and at start, when nobody else can be writing, without waiting for leases to run out. */
export const reaper: Job = {
  name: 'reap',
  every: blobs.LEASE,
  atStart: true,
  run: (deps, signal, starting) => {
    const alone = starting && deps.config.database_url === null && deps.config.processes === 1
    return reap(deps, signal, alone ? 0 : blobs.LEASE)
  },
}
