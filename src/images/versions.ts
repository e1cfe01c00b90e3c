import { sql } from 'kysely'
import type { Database } from '../db/connect.js'
import { Conflict } from '../errors.js'
import type { Image } from './image.js'

/** Changes of an image's place among versions, which images carry as columns; lineages are the versions feature's. */

/** What makes an image a version. */
export interface Place {
  lineage: string
  version: number
  comment: string | null
}

/** Makes an image a version; false when it is one already or was deleted. */
export async function place(
  tx: Database,
  id: string,
  { lineage, version, comment }: Place,
): Promise<boolean> {
  const result = await tx
    .updateTable('images')
    .set({ lineage, version, version_comment: comment })
    .where('id', '=', id)
    .where('lineage', 'is', null)
    .where('deleted_at', 'is', null)
    .executeTakeFirst()
  return result.numUpdatedRows === 1n
}

/**
 * Puts an active version in production in place of the one that was; false when it is not active (any more). The
 * images' times of change stay: their bytes and attributes are the same. Needs a transaction that holds the lineage's
 * lock.
 */
export async function putInProduction(
  tx: Database,
  { id, lineage }: Pick<Image, 'id' | 'lineage'>,
): Promise<boolean> {
  await tx
    .updateTable('images')
    .set({ production: false })
    .where('lineage', '=', lineage)
    .where('production', '=', true)
    .execute()
  const result = await tx
    .updateTable('images')
    .set({ production: true, promoted: true })
    .where('id', '=', id)
    .where('lineage', '=', lineage)
    .where('status', '=', 'active')
    .where('deleted_at', 'is', null)
    .executeTakeFirst()
  return result.numUpdatedRows === 1n
}

/**
 * Locks the lineage that an image belongs to, if it does, before the image itself is locked; gives the lineage. Whoever
 * changes several versions in one transaction holds this lock, so that none waits for another in a circle.
 */
export async function lockLineageOf(tx: Database, id: string): Promise<string | null> {
  const row = await tx
    .selectFrom('lineages as l')
    .select('l.id')
    .where('l.id', '=', eb => eb.selectFrom('images').select('lineage').where('images.id', '=', id))
    .forNoKeyUpdate()
    .executeTakeFirst()
  return row?.id ?? null
}

/**
 * Gives the other versions of a lineage, those in the recycle bin too, the owner that one of them has got: a lineage of
 * several owners would be nobody's to promote. Needs the lineage's lock.
 */
export async function moveLineage(
  tx: Database,
  lineage: string,
  { owner, owner_domain }: Pick<Image, 'owner' | 'owner_domain'>,
): Promise<void> {
  await tx
    .updateTable('images')
    .set({ owner, owner_domain, updated_at: sql`now()` })
    .where('lineage', '=', lineage)
    .where('owner', 'is distinct from', owner)
    .where('status', '<>', 'deleted')
    .execute()
}

/** Throws Conflict for a version in production that is to be deleted while there are others, which wait in no bin. */
export async function requireReplaced(
  tx: Database,
  { id, lineage, production }: Pick<Image, 'id' | 'lineage' | 'production'>,
): Promise<void> {
  if (!production) return
  const other = await tx
    .selectFrom('images')
    .select('id')
    .where('lineage', '=', lineage)
    .where('id', '<>', id)
    .where('deleted_at', 'is', null)
    .limit(1)
    .executeTakeFirst()
  if (!other) return
  throw new Conflict(
    `Image ${id} is the version in production of others; put another one in production first.`,
  )
}
