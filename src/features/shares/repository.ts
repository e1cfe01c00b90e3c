import { type Selectable, sql } from 'kysely'
import type { Database } from '../../db/connect.js'
import type { ImageShares } from '../../db/schema.js'

/** The only writer of image_shares. */
export type ShareRow = Selectable<ImageShares>

/** A page in the order in which shares were made, after the one of that id. */
export async function page(
  db: Database,
  imageId: string,
  { marker, limit }: { marker: string | undefined; limit: number },
): Promise<ShareRow[]> {
  return db
    .selectFrom('image_shares')
    .selectAll()
    .where('image_id', '=', imageId)
    .$if(marker !== undefined, q =>
      q.where(
        sql<boolean>`(created_at, id) > (select m.created_at, m.id from image_shares m where m.id = ${marker})`,
      ),
    )
    .orderBy('created_at')
    .orderBy('id')
    .limit(limit)
    .execute()
}

export async function find(db: Database, imageId: string, id: string): Promise<ShareRow | undefined> {
  return db
    .selectFrom('image_shares')
    .selectAll()
    .where('image_id', '=', imageId)
    .where('id', '=', id)
    .executeTakeFirst()
}

export async function count(tx: Database, imageId: string): Promise<number> {
  const { shares } = await tx
    .selectFrom('image_shares')
    .select(eb => eb.fn.countAll<string>().as('shares'))
    .where('image_id', '=', imageId)
    .executeTakeFirstOrThrow()
  return Number(shares)
}

/** Adds a share; undefined when the image is shared with them already. */
export async function add(tx: Database, share: Omit<ShareRow, 'created_at'>): Promise<ShareRow | undefined> {
  return tx
    .insertInto('image_shares')
    .values({ ...share, created_at: sql`clock_timestamp()` })
    .onConflict(c => c.columns(['image_id', 'kind', 'target']).doNothing())
    .returningAll()
    .executeTakeFirst()
}

/** Removes a share; false when there is none. */
export async function remove(db: Database, imageId: string, id: string): Promise<boolean> {
  const result = await db
    .deleteFrom('image_shares')
    .where('image_id', '=', imageId)
    .where('id', '=', id)
    .executeTakeFirst()
  return result.numDeletedRows === 1n
}
