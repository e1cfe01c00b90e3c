import { type Selectable, sql } from 'kysely'
import type { Database } from '../../../db/connect.js'
import type { MetadefAssociations, MetadefResourceTypes } from '../../../db/schema.js'
import { Conflict } from '../../../errors.js'
import type { GivenAssociation } from '../bodies.js'
import { repeated } from '../rows.js'

/** The only writer of metadef_resource_types and metadef_associations. */
export type ResourceType = Selectable<MetadefResourceTypes>
export type Association = Selectable<MetadefAssociations> & { name: string }

export async function listTypes(db: Database): Promise<ResourceType[]> {
  return db.selectFrom('metadef_resource_types').selectAll().orderBy('id').execute()
}

/** The associations of namespaces in the order in which they were made. */
export async function listOf(db: Database, namespaceIds: readonly number[]): Promise<Association[]> {
  if (namespaceIds.length === 0) return []
  return db
    .selectFrom('metadef_associations as a')
    .innerJoin('metadef_resource_types as t', 't.id', 'a.resource_type_id')
    .selectAll('a')
    .select('t.name')
    .where('a.namespace_id', 'in', namespaceIds)
    .orderBy('a.id')
    .execute()
}

/** The association of a namespace with the type of that name. */
export async function find(
  db: Database,
  namespaceId: number,
  name: string,
): Promise<Association | undefined> {
  const all = await listOf(db, [namespaceId])
  return all.find(one => one.name === name)
}

/** Associates a namespace with types, which come into being with their first association. Throws Conflict. */
export async function add(
  tx: Database,
  namespaceId: number,
  given: readonly GivenAssociation[],
  options: { loaded?: boolean } = {},
): Promise<Association[]> {
  if (given.length === 0) return []
  const fresh = options.loaded ? { updated_at: null } : {}
  const twice = repeated(given.map(one => one.name))
  if (twice !== undefined) throw already(twice)
  // in one order everywhere, so that two requests that make the same types do not wait for each other
  const names = given.map(one => one.name).sort()
  await tx
    .insertInto('metadef_resource_types')
    .values(names.map(name => ({ name, ...fresh })))
    .onConflict(c => c.column('name').doNothing())
    .execute()
  const types = await tx
    .selectFrom('metadef_resource_types')
    .select(['id', 'name'])
    .where('name', 'in', names)
    .execute()
  const ids = new Map(types.map(type => [type.name, type.id]))
  const rows = await tx
    .insertInto('metadef_associations')
    .values(
      given.map(one => ({
        namespace_id: namespaceId,
        resource_type_id: ids.get(one.name)!,
        prefix: one.prefix ?? null,
        properties_target: one.properties_target ?? null,
        ...fresh,
      })),
    )
    .onConflict(c => c.columns(['namespace_id', 'resource_type_id']).doNothing())
    .returningAll()
    .execute()
  if (rows.length < given.length) throw already(given[0]!.name)
  return rows.map((row, n) => ({ ...row, name: given[n]!.name }))
}

const already = (name: string) =>
  new Conflict(`The namespace is associated with resource type ${name} already.`)

/** Gives an association another prefix and target. */
export async function change(tx: Database, id: number, given: GivenAssociation): Promise<void> {
  await tx
    .updateTable('metadef_associations')
    .set({
      prefix: given.prefix ?? null,
      properties_target: given.properties_target ?? null,
      updated_at: sql`now()`,
    })
    .where('id', '=', id)
    .execute()
}

export async function remove(tx: Database, id: number): Promise<void> {
  await tx.deleteFrom('metadef_associations').where('id', '=', id).execute()
}
