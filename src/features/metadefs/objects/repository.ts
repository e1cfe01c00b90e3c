import { type Selectable, sql } from 'kysely'
import type { Database } from '../../../db/connect.js'
import type { MetadefObjects } from '../../../db/schema.js'
import { Conflict } from '../../../errors.js'
import type { GivenObject } from '../bodies.js'
import { type Definition, definitionsOf } from '../definition.js'
import { isTaken } from '../namespaces/repository.js'
import { inBatches, repeated } from '../rows.js'

/** The only writer of metadef_objects. */
export type MetadefObject = Omit<Selectable<MetadefObjects>, 'required' | 'properties'> & {
  required: string[]
  properties: Record<string, Definition>
}

const taken = (name: string) => new Conflict(`The namespace has an object ${name} already.`)

/** The objects of a namespace in the order in which they were made. */
export async function listOf(db: Database, namespaceId: number): Promise<MetadefObject[]> {
  return (await db
    .selectFrom('metadef_objects')
    .selectAll()
    .where('namespace_id', '=', namespaceId)
    .orderBy('id')
    .execute()) as MetadefObject[]
}

export async function find(
  db: Database,
  namespaceId: number,
  name: string,
): Promise<MetadefObject | undefined> {
  if (name.includes('\0')) return undefined
  return (await db
    .selectFrom('metadef_objects')
    .selectAll()
    .where('namespace_id', '=', namespaceId)
    .where('name', '=', name)
    .executeTakeFirst()) as MetadefObject | undefined
}

const columns = (given: GivenObject) => ({
  name: given.name,
  description: given.description ?? null,
  required: JSON.stringify(given.required ?? []),
  properties: JSON.stringify(definitionsOf(given.properties)),
})

/** Adds objects. Throws Conflict when the namespace has one of them. */
export async function add(
  tx: Database,
  namespaceId: number,
  given: readonly GivenObject[],
  options: { loaded?: boolean } = {},
): Promise<MetadefObject[]> {
  const twice = repeated(given.map(one => one.name))
  if (twice !== undefined) throw taken(twice)
  const added: MetadefObject[] = []
  await inBatches(given, async batch => {
    const rows = await tx
      .insertInto('metadef_objects')
      .values(
        batch.map(one => ({
          namespace_id: namespaceId,
          ...columns(one),
          ...(options.loaded && { updated_at: null }),
        })),
      )
      .onConflict(c => c.columns(['namespace_id', 'name']).doNothing())
      .returningAll()
      .execute()
    if (rows.length < batch.length) throw taken(batch[0]!.name)
    added.push(...(rows as MetadefObject[]))
  })
  return added
}

/** Replaces an object, and its name. Throws Conflict when another object has the name. */
export async function change(tx: Database, id: number, given: GivenObject): Promise<MetadefObject> {
  try {
    return (await tx
      .updateTable('metadef_objects')
      .set({ ...columns(given), updated_at: sql`now()` })
      .where('id', '=', id)
      .returningAll()
      .executeTakeFirstOrThrow()) as MetadefObject
  } catch (err) {
    throw isTaken(err) ? taken(given.name) : err
  }
}

export async function remove(tx: Database, id: number): Promise<void> {
  await tx.deleteFrom('metadef_objects').where('id', '=', id).execute()
}

export async function removeAll(tx: Database, namespaceId: number): Promise<void> {
  await tx.deleteFrom('metadef_objects').where('namespace_id', '=', namespaceId).execute()
}
