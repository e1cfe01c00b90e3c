import { randomUUID } from 'node:crypto'
import { type Selectable, sql } from 'kysely'
import type { Database } from '../../db/connect.js'
import type { Promotions } from '../../db/schema.js'

/**
 * The only writer of lineages and promotions. Whoever changes what belongs to a lineage locks it first and its images
 * after that, so that none waits for another in a circle.
 */

export type Promotion = Selectable<Promotions>

/** Makes a lineage; returns its id. */
export async function create(tx: Database, userId: string | null): Promise<string> {
  const id = randomUUID()
  await tx.insertInto('lineages').values({ id, created_by: userId }).execute()
  return id
}

/** Keeps others from changing what belongs to a lineage until the transaction ends. */
export async function lock(tx: Database, lineage: string): Promise<void> {
  await tx.selectFrom('lineages').select('id').where('id', '=', lineage).forNoKeyUpdate().execute()
}

/** The lineage's next number. */
export async function nextVersion(tx: Database, lineage: string): Promise<number> {
  const { last_version } = await tx
    .updateTable('lineages')
    .set(eb => ({ last_version: eb('last_version', '+', 1) }))
    .where('id', '=', lineage)
    .returning('last_version')
    .executeTakeFirstOrThrow()
  return last_version
}

/** What is written down of a promotion. */
export interface NewPromotion {
  lineage: string
  from_version: number | null
  to_version: number
  promoted_by: string | null
  comment: string | null
  /** What a rollback from it goes back to; when not said, the last promotion. */
  below?: number | null
}

/** Writes a promotion down. Needs the lineage's lock. */
export async function record(tx: Database, promotion: NewPromotion): Promise<void> {
  const last = tx
    .selectFrom('promotions')
    .select('id')
    .where('lineage', '=', promotion.lineage)
    .orderBy('id', 'desc')
    .limit(1)
  await tx
    .insertInto('promotions')
    .values({ ...promotion, below: promotion.below === undefined ? last : promotion.below })
    .execute()
}

/** Promotions of a lineage, newest first, those before the one with id `before` when it is given. */
export async function historyOf(
  db: Database,
  lineage: string,
  limit: number,
  before?: number,
): Promise<Promotion[]> {
  return db
    .selectFrom('promotions')
    .selectAll()
    .where('lineage', '=', lineage)
    .$if(before !== undefined, q => q.where('id', '<', before as number))
    .orderBy('id', 'desc')
    .limit(limit)
    .execute()
}

/**
 * The image to go back to, and what lies below it: down from the last promotion, the first version that is active and
 * not in production now. A rollback lies above what the promotion lay above that it has put back, so that the next one
 * goes further back.
 */
export async function previous(
  tx: Database,
  lineage: string,
): Promise<{ image_id: string; below: number | null } | undefined> {
  const { rows } = await sql<{ image_id: string; below: number | null }>`
    with recursive stack as (
      (select id, to_version, below, 0 as depth from promotions
        where lineage = ${lineage} order by id desc limit 1)
      union all
      select p.id, p.to_version, p.below, s.depth + 1 from stack s join promotions p on p.id = s.below
    )
    select i.id as image_id, s.below from stack s
      join images i on i.lineage = ${lineage} and i.version = s.to_version
      where i.status = 'active' and i.deleted_at is null and not i.production
      order by s.depth limit 1`.execute(tx)
  return rows[0]
}
