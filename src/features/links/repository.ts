import { type Selectable, sql } from 'kysely'
import type { Pool } from 'pg'
import type { Database } from '../../db/connect.js'
import { prepared } from '../../db/prepared.js'
import type { ImageLinks } from '../../db/schema.js'
import { BadRequest } from '../../errors.js'

/** The only writer of image_links. The database's clock says which links live. */
export type Link = Selectable<ImageLinks>

export type NewRow = Omit<Link, 'created_at' | 'expires_at'> & {
  /** Seconds. */
  expires_in: number
}

const live = sql<boolean>`expires_at > now()`

/** Adds a link. Throws for a secret that is there already, which chance does not bring about. */
export async function insert(tx: Database, { expires_in, ...row }: NewRow): Promise<Link> {
  return tx
    .insertInto('image_links')
    .values({ ...row, expires_at: sql`now() + make_interval(secs => ${expires_in})` })
    .returningAll()
    .executeTakeFirstOrThrow()
}

/** Live links of an image that a project has made. */
export async function count(tx: Database, imageId: string, project: string | null): Promise<number> {
  const { n } = await tx
    .selectFrom('image_links')
    .select(sql<string>`count(*)`.as('n'))
    .where('image_id', '=', imageId)
    .where('project_id', 'is not distinct from', project)
    .where(live)
    .executeTakeFirstOrThrow()
  return Number(n)
}

const findByHash = prepared('link by secret', (db, p: { hash: Buffer }) =>
  db.selectFrom('image_links').selectAll().where('secret_hash', '=', p.hash).where(live),
)
const findById = prepared('link by id', (db, p: { id: string }) =>
  db.selectFrom('image_links').selectAll().where('id', '=', p.id).where(live),
)

/** A live link by the hash of its secret, or by its id. */
export const find = async (pool: Pool, by: { hash: Buffer } | { id: string }): Promise<Link | undefined> =>
  ((await ('hash' in by ? findByHash(pool, by) : findById(pool, by))) as Link[])[0]

/** A page of an image's live links, the newest first; of one user's only, when named. Throws BadRequest for a stray marker. */
export async function list(
  db: Database,
  imageId: string,
  { limit, marker, user }: { limit: number; marker: string | null; user?: string | null },
): Promise<Link[]> {
  let select = db.selectFrom('image_links').selectAll().where('image_id', '=', imageId).where(live)
  if (user !== undefined) select = select.where('user_id', '=', user)
  if (marker !== null) {
    const row = await select.where('id', '=', marker.replaceAll('\0', '')).executeTakeFirst()
    if (!row) throw new BadRequest('The marker is no link of this image.')
    select = select.where(sql<boolean>`(created_at, id) < (${row.created_at}, ${row.id})`)
  }
  return select.orderBy('created_at', 'desc').orderBy('id', 'desc').limit(limit).execute()
}

/** Removes a link: from then on nobody finds it. */
export async function remove(db: Database, id: string): Promise<void> {
  await db.deleteFrom('image_links').where('id', '=', id).execute()
}

/** Links that one run removes at most; the next run goes on. */
const BATCH = 10_000

/** Removes links that have expired. */
export async function removeExpired(db: Database): Promise<void> {
  const expired = db
    .selectFrom('image_links')
    .select('id')
    .where(eb => eb.not(live))
    .limit(BATCH)
  await db.deleteFrom('image_links').where('id', 'in', expired).execute()
}
