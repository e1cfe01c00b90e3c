import { type ExpressionBuilder, type Kysely, type SqlBool, sql } from 'kysely'
import type { Caller } from '../auth/caller.js'
import type { Database } from '../db/connect.js'
import { prepared } from '../db/prepared.js'
import type { DB } from '../db/schema.js'
import type { Deps } from '../deps.js'
import { Conflict } from '../errors.js'
import { noImage } from './access.js'
import type { Image, Location, MemberStatus, Settable, Share, Status } from './image.js'
import { mayKnow } from './visibility.js'

/**
 * The only writer of images, their properties and tags. An image is read whole by one statement: row, properties,
 * tags, locations and the asking project's membership.
 */

type Row = ExpressionBuilder<DB & { i: DB['images'] }, 'i'>

/** Everything about an image that is not a column of its own, as JSON made in the database. */
const parts = (project: unknown) => (eb: Row) => [
  sql<Record<string, string>>`coalesce((select jsonb_object_agg(p.name, p.value)
    from image_properties p where p.image_id = i.id), '{}')`.as('properties'),
  sql<string[]>`array(select t.value from image_tags t where t.image_id = i.id order by t.value)`.as('tags'),
  sql<
    Location[]
  >`coalesce((select jsonb_agg(jsonb_build_object('id', l.id, 'store', l.store, 'key', coalesce(l.key, l.url), 'url', l.url,
    'metadata', l.metadata) order by l.id) from image_locations l where l.image_id = i.id), '[]')`.as(
    'locations',
  ),
  eb
    .selectFrom('image_members as m')
    .select(sql<MemberStatus>`m.status`.as('status'))
    .whereRef('m.image_id', '=', 'i.id')
    .where(sql<SqlBool>`m.member = ${project}`)
    .as('member_status'),
]

/** Whom a shared image is shared with: for images that are read one by one, as their predicate looks at it. */
const shares = sql<
  Share[]
>`case when i.visibility = 'shared' then coalesce((select jsonb_agg(jsonb_build_object(
    'kind', s.kind, 'target', s.target, 'created_at', s.created_at) order by s.created_at, s.id)
    from image_shares s where s.image_id = i.id), '[]') else '[]' end`.as('shares')

/** Selects whole images out of `images as i`; conditions and order are the caller's. */
export const selectImages = (db: Kysely<DB>, project: unknown) =>
  db.selectFrom('images as i').selectAll('i').select(parts(project)).select(shares)

/** Whole images out of any selection of image rows (a page): the parts are read for its rows only. */
export const selectFrom = (db: Kysely<DB>, page: ReturnType<typeof pageOf>, project: unknown) =>
  db
    .selectFrom(page.as('i'))
    .selectAll('i')
    .select(parts(project) as never) as unknown as ReturnType<typeof selectImages>

/** The start of a page: undeleted rows of `images as i`. */
export const pageOf = (db: Kysely<DB>) =>
  db.selectFrom('images as i').selectAll('i').where('i.deleted_at', 'is', null)

const findOne = prepared('image', (db, p: { id: string; project: string | null }) =>
  selectImages(db, sql`${p.project}`).where('i.id', '=', p.id).where('i.deleted_at', 'is', null),
)

/** The longest id there can be; longer ones are not asked for. */
const MAX_ID = 36

/** An image that the caller may know of. Throws NotFound, also for what is there and invisible. */
export async function find(
  { pool, policy }: Pick<Deps, 'pool' | 'policy'>,
  caller: Caller,
  id: string,
): Promise<Image> {
  if (id.length > MAX_ID || id.includes('\0')) throw noImage(id)
  const [image] = (await findOne(pool, { id, project: caller.project_id })) as Image[]
  if (image === undefined || !(await mayKnow(policy, caller, image))) throw noImage(id)
  return image
}

/**
 * Locks an image's row: whoever ends or changes what brings it bytes takes this lock first, and the rows of tasks,
 * transfers and objects after it.
 */
export async function lockRow(tx: Database, id: string): Promise<void> {
  await tx.selectFrom('images').select('id').where('id', '=', id).forUpdate().execute()
}

/** An image by id for jobs and for stories that hold a transaction, locked against other writers when asked. */
export async function findUnscoped(
  db: Database,
  id: string,
  options: { project?: string | null; lock?: boolean } = {},
): Promise<Image | undefined> {
  if (options.lock) await lockRow(db, id)
  const image = await selectImages(db, options.project ?? null)
    .where('i.id', '=', id)
    .where('i.deleted_at', 'is', null)
    .executeTakeFirst()
  return image as Image | undefined
}

/** What a new image consists of. */
export interface NewImage extends Partial<Pick<Image, Settable | 'lineage' | 'version' | 'version_comment'>> {
  id: string
  owner: string | null
  created_by: string | null
  owner_domain: string | null
  properties: Record<string, string>
  tags: readonly string[]
}

/** Adds a queued image. Throws Conflict when the id was ever used. Needs a transaction. */
export async function insert(tx: Database, image: NewImage): Promise<void> {
  const { properties, tags, ...row } = image
  const inserted = await tx
    .insertInto('images')
    .values(row)
    .onConflict(c => c.column('id').doNothing())
    .executeTakeFirst()
  if (inserted.numInsertedOrUpdatedRows !== 1n) throw new Conflict(`Image ID ${image.id} already exists.`)
  await setProperties(tx, image.id, properties)
  await addTags(tx, image.id, tags)
}

/** What a change of an image writes: only what differs. */
export interface Change {
  columns: Partial<Pick<Image, Settable | 'owner_domain'>>
  /** New values of properties. */
  properties: Record<string, string>
  /** Properties to remove. */
  removed: string[]
  /** The whole new set, when it changes. */
  tags?: readonly string[]
}

/** Writes a change of an image. Needs a transaction that holds the image's lock. */
export async function update(tx: Database, id: string, change: Change): Promise<void> {
  await tx
    .updateTable('images')
    .set({ ...change.columns, updated_at: sql`now()` })
    .where('id', '=', id)
    .execute()
  await removeProperties(tx, id, change.removed)
  await setProperties(tx, id, change.properties)
  if (change.tags) {
    await tx.deleteFrom('image_tags').where('image_id', '=', id).execute()
    await addTags(tx, id, change.tags)
  }
}

/** Sets properties, new or not. */
export async function setProperties(
  tx: Database,
  id: string,
  properties: Record<string, string>,
): Promise<void> {
  const rows = Object.entries(properties).map(([name, value]) => ({ image_id: id, name, value }))
  if (rows.length === 0) return
  await tx
    .insertInto('image_properties')
    .values(rows)
    .onConflict(c => c.columns(['image_id', 'name']).doUpdateSet(eb => ({ value: eb.ref('excluded.value') })))
    .execute()
}

/** Sets a property that is not there yet; false when it is, whoever set it: this is how an image is locked. */
export async function claimProperty(tx: Database, id: string, name: string, value: string): Promise<boolean> {
  const result = await tx
    .insertInto('image_properties')
    .values({ image_id: id, name, value })
    .onConflict(c => c.doNothing())
    .executeTakeFirst()
  return result.numInsertedOrUpdatedRows === 1n
}

/** Removes properties, those only that have the given value when one is given. */
export async function removeProperties(
  tx: Database,
  id: string,
  names: readonly string[],
  value?: string,
): Promise<void> {
  if (names.length === 0) return
  await tx
    .deleteFrom('image_properties')
    .where('image_id', '=', id)
    .where('name', 'in', names)
    .$if(value !== undefined, q => q.where('value', '=', value as string))
    .execute()
}

/** Adds tags; those that are there stay. */
export async function addTags(tx: Database, id: string, tags: readonly string[]): Promise<void> {
  if (tags.length === 0) return
  await tx
    .insertInto('image_tags')
    .values(tags.map(value => ({ image_id: id, value })))
    .onConflict(c => c.doNothing())
    .execute()
}

/** Removes one tag; false when the image does not have it. */
export async function removeTag(tx: Database, id: string, tag: string): Promise<boolean> {
  const result = await tx
    .deleteFrom('image_tags')
    .where('image_id', '=', id)
    .where('value', '=', tag)
    .executeTakeFirst()
  return result.numDeletedRows === 1n
}

/** Sets the size of an image that is in the given state; false when it is not. */
export async function setSize(tx: Database, id: string, status: Status, size: number): Promise<boolean> {
  const result = await tx
    .updateTable('images')
    .set({ size, updated_at: sql`now()` })
    .where('id', '=', id)
    .where('status', '=', status)
    .executeTakeFirst()
  return result.numUpdatedRows === 1n
}

/** What is known of an image's bytes. */
export type ByteFacts = Pick<Image, 'size' | 'virtual_size' | 'checksum' | 'os_hash_algo' | 'os_hash_value'>

/** Notes what is known of the bytes that an import has brought so far. */
export async function setByteFacts(tx: Database, id: string, facts: ByteFacts): Promise<void> {
  await tx.updateTable('images').set(facts).where('id', '=', id).execute()
}

/** Notes the digests of an active image that came without any, if it still has none; nulls: there will be none. */
export async function setHashes(
  tx: Database,
  id: string,
  hashes: Record<'checksum' | 'os_hash_algo' | 'os_hash_value', string | null>,
): Promise<void> {
  await tx
    .updateTable('images')
    .set({ ...hashes, updated_at: sql`now()` })
    .where('id', '=', id)
    .where('status', 'in', ['active', 'deactivated'])
    .where('os_hash_value', 'is', null)
    .execute()
}

/** Marks the image as changed now. */
export async function touch(tx: Database, id: string): Promise<void> {
  await tx.updateTable('images').set({ updated_at: sql`now()` }).where('id', '=', id).execute()
}

/** What goes with an image. */
const partTables = [
  'image_properties',
  'image_tags',
  'image_members',
  'image_locations',
  'image_consumers',
  'image_launch_defaults',
  'transfers',
  'image_shares',
] as const

/**
 * Ends an image in whatever state it is: the row stays, so that its id is never used again, its properties, tags and
 * members go, and what brings it bytes ends. Needs a transaction that holds the image's lock.
 */
export async function markDeleted(tx: Database, id: string): Promise<void> {
  for (const table of partTables) await tx.deleteFrom(table).where('image_id', '=', id).execute()
  await tx
    .updateTable('images')
    .set({ status: 'deleted', production: false, deleted_at: sql`now()`, updated_at: sql`now()` })
    .where('id', '=', id)
    .execute()
}

/**
 * Takes an image away from everybody with all it has and is, for the recycle bin; not in production any more. Needs a
 * transaction that holds the image's lock.
 */
export async function putAway(tx: Database, id: string, at: Date): Promise<void> {
  await tx.updateTable('images').set({ deleted_at: at, production: false }).where('id', '=', id).execute()
}

/** Gives an image back that was put away, as it was. Needs a transaction that holds the image's lock. */
export async function bringBack(tx: Database, id: string): Promise<void> {
  await tx.updateTable('images').set({ deleted_at: null }).where('id', '=', id).execute()
}
