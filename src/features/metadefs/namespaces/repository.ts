import { type Selectable, sql } from 'kysely'
import type { Caller } from '../../../auth/caller.js'
import type { Database } from '../../../db/connect.js'
import type { MetadefNamespaces } from '../../../db/schema.js'
import { Conflict, NotFound } from '../../../errors.js'

/** The only writer of metadef_namespaces. */
export type Namespace = Selectable<MetadefNamespaces>

/** The attributes that a client gives. */
export type Attributes = Pick<
  Namespace,
  'namespace' | 'display_name' | 'description' | 'visibility' | 'protected' | 'owner'
>

/** Whether a caller may know of a namespace; policy comes on top. The same as the condition in `list.ts`. */
export const isVisible = (caller: Caller, { visibility, owner }: Pick<Namespace, 'visibility' | 'owner'>) =>
  caller.is_admin || visibility === 'public' || owner === caller.project_id

/** The namespace, for whom it is visible. `lock` keeps others from changing it until the transaction ends. Throws NotFound. */
export async function find(
  db: Database,
  caller: Caller,
  name: string,
  options: { lock?: boolean } = {},
): Promise<Namespace> {
  const found = await findUnscoped(db, name, options)
  if (!found || !isVisible(caller, found)) throw noNamespace(name)
  return found
}

export async function findUnscoped(
  db: Database,
  name: string,
  options: { lock?: boolean } = {},
): Promise<Namespace | undefined> {
  if (name.includes('\0')) return undefined
  return db
    .selectFrom('metadef_namespaces')
    .selectAll()
    .where('namespace', '=', name)
    .$if(options.lock === true, q => q.forUpdate())
    .executeTakeFirst()
}

export const noNamespace = (name: string) => new NotFound(`Namespace ${name.slice(0, 100)} not found`)

const taken = (name: string) => new Conflict(`There is a namespace ${name} already.`)

/** Adds a namespace. `loaded`: it comes from a file and has not been changed. Throws Conflict. */
export async function add(
  tx: Database,
  attributes: Attributes,
  options: { loaded?: boolean } = {},
): Promise<Namespace> {
  const added = await tx
    .insertInto('metadef_namespaces')
    .values({ ...attributes, ...(options.loaded && { updated_at: null }) })
    .onConflict(c => c.column('namespace').doNothing())
    .returningAll()
    .executeTakeFirst()
  if (!added) throw taken(attributes.namespace)
  return added
}

/** Replaces the attributes; throws Conflict when another namespace has the name. */
export async function change(tx: Database, id: number, attributes: Attributes): Promise<Namespace> {
  try {
    return await tx
      .updateTable('metadef_namespaces')
      .set({ ...attributes, updated_at: sql`now()` })
      .where('id', '=', id)
      .returningAll()
      .executeTakeFirstOrThrow()
  } catch (err) {
    throw isTaken(err) ? taken(attributes.namespace) : err
  }
}

/** Removes a namespace and everything in it. */
export async function remove(tx: Database, id: number): Promise<void> {
  await tx.deleteFrom('metadef_namespaces').where('id', '=', id).execute()
}

/** Whether the database refused a row because another one has its unique name. */
export const isTaken = (err: unknown) => (err as { code?: unknown } | null)?.code === '23505'
