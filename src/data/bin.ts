import { type ExpressionBuilder, type Kysely, sql } from 'kysely'
import type { Database } from '../db/connect.js'
import type { DB } from '../db/schema.js'
import type { Image } from '../images/image.js'
import { selectImages } from '../images/repository.js'

/** The recycle bin's table, and its only writer. */

/** An image in the bin: as it was when it was deleted, and how it came there. */
export interface BinnedImage extends Image {
  deleted_at: Date
  /** User id. */
  deleted_by: string | null
  /** When it is destroyed. */
  expires_at: Date
}

/** Which deletion of an image is meant: it may have been restored and deleted again. */
export interface Deletion {
  image_id: string
  deleted_at: Date
}

/** Selects whole images out of the bin; conditions and order are the caller's. */
export const selectBinned = (db: Kysely<DB>, project: string | null) =>
  selectImages(db, sql`${project}`)
    .innerJoin('recycle_bin as b', 'b.image_id', 'i.id')
    .select(['b.deleted_at as deleted_at', 'b.deleted_by', 'b.expires_at'])

/** The rows of a project, or those of images without owner; said so that an index serves it. */
export const ofOwner =
  (owner: string | null) => (eb: ExpressionBuilder<DB & { b: DB['recycle_bin'] }, 'b'>) =>
    owner === null ? eb('b.owner', 'is', null) : eb('b.owner', '=', owner)

/** An image in the bin, locked against other writers when asked; undefined when it is not there. */
export async function findBinned(
  db: Database,
  id: string,
  { project = null, lock = false }: { project?: string | null; lock?: boolean } = {},
): Promise<BinnedImage | undefined> {
  if (id.length > 36 || id.includes('\0')) return undefined
  if (lock) await db.selectFrom('images').select('id').where('id', '=', id).forUpdate().execute()
  const image = await selectBinned(db, project).where('i.id', '=', id).executeTakeFirst()
  return image as unknown as BinnedImage | undefined
}

/** Bytes of an image's objects in stores of our own; what lies on others' servers takes no room here. */
export const ownBytes = ({ size, locations }: Pick<Image, 'size' | 'locations'>) =>
  (size ?? 0) * locations.filter(({ url }) => url === null).length

/** Notes that an image is in the bin. */
export async function put(
  tx: Database,
  image: Image,
  deletion: Pick<BinnedImage, 'deleted_at' | 'deleted_by' | 'expires_at'>,
): Promise<void> {
  await tx
    .insertInto('recycle_bin')
    .values({ image_id: image.id, owner: image.owner, bytes: ownBytes(image), ...deletion })
    .execute()
}

/** Notes the owner that the versions of a lineage in the bin have got. Needs the images' rows locked. */
export async function followOwner(tx: Database, lineage: string): Promise<void> {
  await tx
    .updateTable('recycle_bin as b')
    .from('images as i')
    .set(eb => ({ owner: eb.ref('i.owner') }))
    .whereRef('i.id', '=', 'b.image_id')
    .where('i.lineage', '=', lineage)
    .whereRef('i.owner', 'is distinct from', 'b.owner')
    .execute()
}

/** Takes an image out of the bin; false when that deletion of it is not there. Needs the image's row locked. */
export async function take(tx: Database, { image_id, deleted_at }: Deletion): Promise<boolean> {
  const result = await tx
    .deleteFrom('recycle_bin')
    .where('image_id', '=', image_id)
    .where('deleted_at', '=', deleted_at)
    .executeTakeFirst()
  return result.numDeletedRows === 1n
}

/** Deletions whose time is over, the longest over first. */
export async function expired(db: Database, now: Date, limit: number): Promise<Deletion[]> {
  return db
    .selectFrom('recycle_bin')
    .select(['image_id', 'deleted_at'])
    .where('expires_at', '<=', now)
    .orderBy('expires_at')
    .limit(limit)
    .execute()
}

/** Bytes that a project has in the bin. */
async function bytesOf(db: Database, owner: string | null): Promise<number> {
  const { bytes } = await db
    .selectFrom('recycle_bin as b')
    .select(sql<number>`coalesce(sum(bytes), 0)::float8`.as('bytes'))
    .where(ofOwner(owner))
    .executeTakeFirstOrThrow()
  return bytes
}

/** Deletions of a project that have to go so that the newer ones fit into `max` bytes, the oldest first. */
export async function excess(
  db: Database,
  owner: string | null,
  max: number,
  limit: number,
): Promise<Deletion[]> {
  // asked at each deletion, when mostly nothing has to go
  if ((await bytesOf(db, owner)) <= max) return []
  return db
    .selectFrom(
      db
        .selectFrom('recycle_bin as b')
        .select(['image_id', 'deleted_at'])
        .select(sql<number>`sum(bytes) over (order by deleted_at desc, image_id desc)`.as('kept'))
        .where(ofOwner(owner))
        .as('b'),
    )
    .select(['image_id', 'deleted_at'])
    .where('kept', '>', max)
    .orderBy('deleted_at')
    .orderBy('image_id')
    .limit(limit)
    .execute()
}

/** Projects that have more than `max` bytes in the bin. */
export async function ownersOver(db: Database, max: number): Promise<(string | null)[]> {
  const rows = await db
    .selectFrom('recycle_bin')
    .select('owner')
    .groupBy('owner')
    .having(sql`sum(bytes)`, '>', max)
    .execute()
  return rows.map(({ owner }) => owner)
}
