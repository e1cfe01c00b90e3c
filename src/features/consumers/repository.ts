import { type Selectable, sql } from 'kysely'
import type { Database } from '../../db/connect.js'
import type { ImageConsumers } from '../../db/schema.js'
import { counts } from '../../images/in-use.js'

/** The only writer of image_consumers. Rows whose time is over are there for nobody. */
export type Consumer = Selectable<ImageConsumers>

/** What is noted of a consumer when it is registered. */
export type NewConsumer = Omit<Consumer, 'created_at' | 'updated_at'>

export async function find(
  db: Database,
  imageId: string,
  consumerId: string,
  now: Date,
): Promise<Consumer | undefined> {
  return db
    .selectFrom('image_consumers')
    .selectAll()
    .where('image_id', '=', imageId)
    .where('consumer_id', '=', consumerId)
    .where(counts(now))
    .executeTakeFirst()
}

/** A page in the order of ids; of one project only, when it is named. */
export async function page(
  db: Database,
  imageId: string,
  options: { project?: string | null; after: string; limit: number; now: Date },
): Promise<Consumer[]> {
  const { project, after, limit, now } = options
  return db
    .selectFrom('image_consumers')
    .selectAll()
    .where('image_id', '=', imageId)
    .$if(project !== undefined, q => q.where('project_id', '=', project as string))
    .where('consumer_id', '>', after)
    .where(counts(now))
    .orderBy('consumer_id')
    .limit(limit)
    .execute()
}

/** How many consumers of other projects an image has. */
export async function countOthers(
  db: Database,
  imageId: string,
  project: string | null,
  now: Date,
): Promise<number> {
  const { others } = await db
    .selectFrom('image_consumers')
    .select(eb => eb.fn.countAll<string>().as('others'))
    .where('image_id', '=', imageId)
    .where('project_id', 'is distinct from', project)
    .where(counts(now))
    .executeTakeFirstOrThrow()
  return Number(others)
}

/** Whether an image has as many consumers already. Looks at no more rows than that. */
export async function hasAsMany(tx: Database, imageId: string, number: number, now: Date): Promise<boolean> {
  const last = await tx
    .selectFrom('image_consumers')
    .select('consumer_id')
    .where('image_id', '=', imageId)
    .where(counts(now))
    .offset(number - 1)
    .limit(1)
    .executeTakeFirst()
  return last !== undefined
}

/** Most consumers that an image may have at a time; null: no limit. */
export async function limitOf(tx: Database, imageId: string): Promise<number | null> {
  const row = await tx
    .selectFrom('image_launch_defaults')
    .select('max_concurrent_use')
    .where('image_id', '=', imageId)
    .executeTakeFirst()
  return row?.max_concurrent_use ?? null
}

/** Adds a consumer, in the place of an expired one of that id. */
export async function add(tx: Database, consumer: NewConsumer): Promise<Consumer> {
  await tx
    .deleteFrom('image_consumers')
    .where('image_id', '=', consumer.image_id)
    .where('consumer_id', '=', consumer.consumer_id)
    .execute()
  return tx.insertInto('image_consumers').values(consumer).returningAll().executeTakeFirstOrThrow()
}

/** Notes anew what a consumer says of itself; who registered it first stays. */
export async function renew(
  tx: Database,
  { image_id, consumer_id, type, name, expires_at }: NewConsumer,
): Promise<Consumer> {
  return tx
    .updateTable('image_consumers')
    .set({ type, name, expires_at, updated_at: sql`now()` })
    .where('image_id', '=', image_id)
    .where('consumer_id', '=', consumer_id)
    .returningAll()
    .executeTakeFirstOrThrow()
}

/** Removes a consumer; false when somebody else has done so. */
export async function remove(db: Database, imageId: string, consumerId: string): Promise<boolean> {
  const result = await db
    .deleteFrom('image_consumers')
    .where('image_id', '=', imageId)
    .where('consumer_id', '=', consumerId)
    .executeTakeFirst()
  return result.numDeletedRows === 1n
}

/** Removes rows whose time is over, a number at a time; returns how many. */
export async function removeExpired(db: Database, now: Date, limit: number): Promise<number> {
  const result = await db
    .deleteFrom('image_consumers')
    .using(
      db
        .selectFrom('image_consumers')
        .select(['image_id', 'consumer_id'])
        .where('expires_at', '<=', now)
        .orderBy('expires_at')
        .limit(limit)
        .as('over'),
    )
    .whereRef('image_consumers.image_id', '=', 'over.image_id')
    .whereRef('image_consumers.consumer_id', '=', 'over.consumer_id')
    // one that was registered again meanwhile stays
    .where('image_consumers.expires_at', '<=', now)
    .executeTakeFirst()
  return Number(result.numDeletedRows)
}
