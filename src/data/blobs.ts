import { sql } from 'kysely'
import type { Database } from '../db/connect.js'

/**
 * The ledger of objects, and its only writer: every object has a row from before its first byte until after its
 * last, so that what a killed process left can be found and undone.
 */

/** Seconds after which a write that was not renewed counts as dead. */
export const LEASE = 30

export interface BlobName {
  store: string
  key: string
}

/** Notes that bytes for an image are about to be written. */
export async function begin(
  db: Database,
  blob: BlobName,
  imageId: string,
  reservation: { project: string | null; reserved: number } = { project: null, reserved: 0 },
): Promise<void> {
  await db
    .insertInto('blobs')
    .values({ ...blob, image_id: imageId, ...reservation })
    .execute()
}

/** Says that the write still runs. False when it was given up meanwhile, or its image is gone. */
export async function renew(db: Database, blob: BlobName): Promise<boolean> {
  const result = await db
    .updateTable('blobs as b')
    .from('images as i')
    .set({ renewed_at: sql`now()` })
    .whereRef('i.id', '=', 'b.image_id')
    .where('i.deleted_at', 'is', null)
    .where('b.store', '=', blob.store)
    .where('b.key', '=', blob.key)
    .where('b.state', '=', 'writing')
    .executeTakeFirst()
  return result.numUpdatedRows === 1n
}

/** The object is complete and a location names it. False when the write was given up meanwhile. */
export async function settle(tx: Database, blob: BlobName, size: number): Promise<boolean> {
  const result = await tx
    .updateTable('blobs')
    .set({ state: 'stored', size })
    .where('store', '=', blob.store)
    .where('key', '=', blob.key)
    .where('state', '=', 'writing')
    .executeTakeFirst()
  return result.numUpdatedRows === 1n
}

/**
 * Gives up a write: it is to be removed unless it was settled. Returns what it was before; undefined when the ledger
 * does not know it any more.
 */
export async function giveUp(
  tx: Database,
  blob: BlobName,
): Promise<'writing' | 'stored' | 'doomed' | undefined> {
  const row = await tx
    .selectFrom('blobs')
    .select('state')
    .where('store', '=', blob.store)
    .where('key', '=', blob.key)
    .forUpdate()
    .executeTakeFirst()
  if (row?.state === 'writing') await doom(tx, blob)
  return row?.state as 'writing' | 'stored' | 'doomed' | undefined
}

/** The object is to be removed. */
export async function doom(db: Database, blob: BlobName): Promise<void> {
  await db
    .updateTable('blobs')
    .set({ state: 'doomed', renewed_at: sql`now()` })
    .where('store', '=', blob.store)
    .where('key', '=', blob.key)
    .execute()
}

/** The objects that are being written for an image are to be removed; their writers learn that they lost. */
export async function doomWriting(tx: Database, imageId: string): Promise<void> {
  await tx
    .updateTable('blobs')
    .set({ state: 'doomed', renewed_at: sql`now()` })
    .where('image_id', '=', imageId)
    .where('state', '=', 'writing')
    .execute()
}

/** All finished objects of an image are to be removed; those being written end with their writer. */
export async function doomStored(tx: Database, imageId: string): Promise<BlobName[]> {
  return tx
    .updateTable('blobs')
    .set({ state: 'doomed', renewed_at: sql`now()` })
    .where('image_id', '=', imageId)
    .where('state', '=', 'stored')
    .returning(['store', 'key'])
    .execute()
}

/** The object is gone from its store. */
export async function forget(db: Database, blob: BlobName): Promise<void> {
  await db
    .deleteFrom('blobs')
    .where('store', '=', blob.store)
    .where('key', '=', blob.key)
    .where('state', '=', 'doomed')
    .execute()
}

/** Gives up writes whose lease ran out, and returns them with their images. */
export async function doomDead(db: Database, lease: number): Promise<(BlobName & { image_id: string })[]> {
  return db
    .updateTable('blobs')
    .set({ state: 'doomed' })
    .where('state', '=', 'writing')
    .where(sql<boolean>`renewed_at < now() - make_interval(secs => ${lease})`)
    .returning(['store', 'key', 'image_id'])
    .execute()
}

/**
 * Takes objects that are to be removed, the longest waiting first. Those that are taken wait behind all others
 * afterwards, so that a store that is down does not keep the others' from being removed.
 */
export async function takeDoomed(db: Database, limit: number): Promise<BlobName[]> {
  return db
    .updateTable('blobs')
    .set({ renewed_at: sql`now()` })
    .where(eb =>
      eb(
        eb.refTuple('store', 'key'),
        'in',
        eb
          .selectFrom('blobs')
          .select(['store', 'key'])
          .where('state', '=', 'doomed')
          .orderBy('renewed_at')
          .limit(limit)
          .forUpdate()
          .skipLocked()
          .$asTuple('store', 'key'),
      ),
    )
    .returning(['store', 'key'])
    .execute()
}
