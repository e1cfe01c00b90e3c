import { type Selectable, sql } from 'kysely'
import type { Database } from '../../../db/connect.js'
import type { MetadefTags } from '../../../db/schema.js'
import { Conflict } from '../../../errors.js'
import { after, type SortKey } from '../../../http/pages.js'
import type { GivenTag } from '../bodies.js'
import { isTaken } from '../namespaces/repository.js'
import { inBatches, repeated } from '../rows.js'

/** The only writer of metadef_tags. */
export type Tag = Selectable<MetadefTags>

const taken = (name: string) => new Conflict(`The namespace has a tag ${name} already.`)

export interface Page {
  order: readonly SortKey[]
  limit?: number | undefined
  marker?: Tag | undefined
}

/** Newest first, as Glance lists them where no order is asked for. */
export const newestFirst: Page = {
  order: [
    { key: 'created_at', direction: 'desc' },
    { key: 'id', direction: 'desc' },
  ],
}

/** A page of a namespace's tags. */
export async function listOf(db: Database, namespaceId: number, page: Page): Promise<Tag[]> {
  let query = db.selectFrom('metadef_tags as t').selectAll().where('namespace_id', '=', namespaceId)
  const { marker, order, limit } = page
  if (marker) query = query.where(eb => after(eb, order, marker, 't'))
  for (const { key, direction } of order) query = query.orderBy(`t.${key as 'id'}`, direction)
  if (limit !== undefined) query = query.limit(limit)
  return query.execute()
}

export async function find(db: Database, namespaceId: number, name: string): Promise<Tag | undefined> {
  if (name.includes('\0')) return undefined
  return db
    .selectFrom('metadef_tags')
    .selectAll()
    .where('namespace_id', '=', namespaceId)
    .where('name', '=', name)
    .executeTakeFirst()
}

/** Adds tags. Throws Conflict when the namespace has one of them, or one is named twice. */
export async function add(
  tx: Database,
  namespaceId: number,
  given: readonly GivenTag[],
  options: { loaded?: boolean } = {},
): Promise<Tag[]> {
  const twice = repeated(given.map(one => one.name))
  if (twice !== undefined) throw taken(twice)
  const added: Tag[] = []
  await inBatches(given, async batch => {
    const rows = await tx
      .insertInto('metadef_tags')
      .values(
        batch.map(({ name }) => ({
          namespace_id: namespaceId,
          name,
          ...(options.loaded && { updated_at: null }),
        })),
      )
      .onConflict(c => c.columns(['namespace_id', 'name']).doNothing())
      .returningAll()
      .execute()
    if (rows.length < batch.length) throw taken(batch[0]!.name)
    added.push(...rows)
  })
  return added
}

/** Renames a tag. Throws Conflict when another tag has the name. */
export async function rename(tx: Database, id: number, name: string): Promise<Tag> {
  try {
    return await tx
      .updateTable('metadef_tags')
      .set({ name, updated_at: sql`now()` })
      .where('id', '=', id)
      .returningAll()
      .executeTakeFirstOrThrow()
  } catch (err) {
    throw isTaken(err) ? taken(name) : err
  }
}

export async function remove(tx: Database, id: number): Promise<void> {
  await tx.deleteFrom('metadef_tags').where('id', '=', id).execute()
}

export async function removeAll(tx: Database, namespaceId: number): Promise<void> {
  await tx.deleteFrom('metadef_tags').where('namespace_id', '=', namespaceId).execute()
}
