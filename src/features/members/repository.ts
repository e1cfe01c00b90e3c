import { type Selectable, sql } from 'kysely'
import type { Database } from '../../db/connect.js'
import type { ImageMembers } from '../../db/schema.js'
import type { MemberStatus } from '../../images/image.js'

/** The only writer of image_members. */
export type Member = Selectable<ImageMembers>

/** Members of an image in the order in which they were added; of one project only, when it is named. */
export async function listOf(db: Database, imageId: string, member?: string | null): Promise<Member[]> {
  return db
    .selectFrom('image_members')
    .selectAll()
    .where('image_id', '=', imageId)
    .$if(member !== undefined, q => q.where('member', '=', member as string))
    .orderBy('created_at')
    .orderBy('member')
    .execute()
}

/** Adds a pending member; undefined when it is one already. */
export async function add(tx: Database, imageId: string, member: string): Promise<Member | undefined> {
  return tx
    .insertInto('image_members')
    .values({ image_id: imageId, member })
    .onConflict(c => c.doNothing())
    .returningAll()
    .executeTakeFirst()
}

export async function setStatus(
  db: Database,
  imageId: string,
  member: string,
  status: MemberStatus,
): Promise<Member | undefined> {
  return db
    .updateTable('image_members')
    .set({ status, updated_at: sql`now()` })
    .where('image_id', '=', imageId)
    .where('member', '=', member)
    .returningAll()
    .executeTakeFirst()
}

/** Removes a member; false when there is none. */
export async function remove(db: Database, imageId: string, member: string): Promise<boolean> {
  const result = await db
    .deleteFrom('image_members')
    .where('image_id', '=', imageId)
    .where('member', '=', member)
    .executeTakeFirst()
  return result.numDeletedRows === 1n
}
