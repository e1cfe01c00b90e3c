import { type ExpressionBuilder, sql } from 'kysely'
import type { Database } from '../db/connect.js'
import type { DB } from '../db/schema.js'
import { Conflict } from '../errors.js'

/** Whether a consumer counts: one whose time is over does not, though its row may be there for a while. */
export const counts = (now: Date) => (eb: ExpressionBuilder<DB, 'image_consumers'>) =>
  eb.or([eb('expires_at', 'is', null), eb('expires_at', '>', now)])

/**
 * Throws Conflict while an image has a consumer. Needs a transaction that holds the image's lock, which registering
 * takes, too: so none comes between this and the deletion.
 */
export async function requireUnused(tx: Database, id: string, now: Date): Promise<void> {
  const user = await tx
    .selectFrom('image_consumers')
    .select(sql`1`.as('one'))
    .where('image_id', '=', id)
    .where(counts(now))
    .limit(1)
    .executeTakeFirst()
  if (user) throw new Conflict(`Image ${id} is in use and cannot be deleted: it has consumers.`)
}
