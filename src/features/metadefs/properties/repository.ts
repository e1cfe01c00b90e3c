import { type Selectable, sql } from 'kysely'
import type { Database } from '../../../db/connect.js'
import type { MetadefProperties } from '../../../db/schema.js'
import { Conflict } from '../../../errors.js'
import type { Definition } from '../definition.js'
import { isTaken } from '../namespaces/repository.js'
import { inBatches } from '../rows.js'

/** The only writer of metadef_properties. */
export type Property = Omit<Selectable<MetadefProperties>, 'definition'> & { definition: Definition }

const taken = (name: string) => new Conflict(`The namespace has a property ${name} already.`)

/** The properties of a namespace in the order in which they were made. */
export async function listOf(db: Database, namespaceId: number): Promise<Property[]> {
  return (await db
    .selectFrom('metadef_properties')
    .selectAll()
    .where('namespace_id', '=', namespaceId)
    .orderBy('id')
    .execute()) as Property[]
}

export async function find(db: Database, namespaceId: number, name: string): Promise<Property | undefined> {
  if (name.includes('\0')) return undefined
  return (await db
    .selectFrom('metadef_properties')
    .selectAll()
    .where('namespace_id', '=', namespaceId)
    .where('name', '=', name)
    .executeTakeFirst()) as Property | undefined
}

/** Adds properties by name. Throws Conflict when the namespace has one of them. */
export async function add(
  tx: Database,
  namespaceId: number,
  given: Record<string, Definition>,
  options: { loaded?: boolean } = {},
): Promise<void> {
  await inBatches(Object.entries(given), async batch => {
    const { numInsertedOrUpdatedRows } = await tx
      .insertInto('metadef_properties')
      .values(
        batch.map(([name, definition]) => ({
          namespace_id: namespaceId,
          name,
          definition: JSON.stringify(definition),
          ...(options.loaded && { updated_at: null }),
        })),
      )
      .onConflict(c => c.columns(['namespace_id', 'name']).doNothing())
      .executeTakeFirst()
    if (numInsertedOrUpdatedRows !== BigInt(batch.length)) throw taken(batch[0]![0])
  })
}

/** Replaces a definition, and the name. Throws Conflict when another property has the name. */
export async function change(tx: Database, id: number, name: string, definition: Definition): Promise<void> {
  try {
    await tx
      .updateTable('metadef_properties')
      .set({ name, definition: JSON.stringify(definition), updated_at: sql`now()` })
      .where('id', '=', id)
      .execute()
  } catch (err) {
    throw isTaken(err) ? taken(name) : err
  }
}

export async function remove(tx: Database, id: number): Promise<void> {
  await tx.deleteFrom('metadef_properties').where('id', '=', id).execute()
}

export async function removeAll(tx: Database, namespaceId: number): Promise<void> {
  await tx.deleteFrom('metadef_properties').where('namespace_id', '=', namespaceId).execute()
}
