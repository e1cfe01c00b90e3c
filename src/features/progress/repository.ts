import { type Expression, type ExpressionBuilder, type SqlBool, sql } from 'kysely'
import type { Database } from '../../db/connect.js'
import type { DB } from '../../db/schema.js'
import { after, type SortKey } from '../../http/pages.js'
import type { Image } from '../../images/image.js'
import { selectImages } from '../../images/repository.js'
import { candidates, type Phase, phase } from './phase.js'

/** Seconds after which a transfer that told nothing of itself is not believed to be as fast as it was. */
const STALE = 10

const select = (db: Database) =>
  db
    .selectFrom('images as i')
    .leftJoin('transfers as t', 't.image_id', 'i.id')
    .select(['i.id', 'i.size', 'i.created_at', 'i.updated_at as image_updated_at'])
    .select(['t.bytes_done', 't.bytes_total', 't.started_at', 't.updated_at', 't.code', 't.message'])
    .select([
      phase.as('phase'),
      sql<
        number | null
      >`case when t.ended_at is null and t.updated_at > now() - make_interval(secs => ${STALE})
        then t.bytes_per_second end`.as('bytes_per_second'),
    ])

export type ProgressRow = Awaited<ReturnType<ReturnType<typeof select>['executeTakeFirstOrThrow']>>

/** How far one image is, deleted or not; undefined when nothing of it is left. */
export async function find(db: Database, id: string): Promise<ProgressRow | undefined> {
  const row = await select(db).where('i.id', '=', id).executeTakeFirst()
  return row?.phase == null ? undefined : row
}

/** The newest images come first. */
const order: SortKey[] = [
  { key: 'created_at', direction: 'desc' },
  { key: 'id', direction: 'desc' },
]

export interface Page {
  /** The project whose images they are. */
  owner: string
  phase: Phase | undefined
  /** Those that come after this image. */
  marker: Pick<ProgressRow, 'id' | 'created_at'> | undefined
  limit: number
  /** What else a row must be. */
  known: (eb: ExpressionBuilder<DB & { i: DB['images'] }, 'i'>) => Expression<SqlBool>
}

/** How far the images of a project are. */
export async function page(db: Database, wanted: Page): Promise<ProgressRow[]> {
  return select(db)
    .where('i.owner', '=', wanted.owner)
    .where(candidates(wanted.phase))
    .$if(wanted.phase !== undefined, q => q.where(phase, '=', wanted.phase as Phase))
    .where(eb => wanted.known(eb as never))
    .$if(wanted.marker !== undefined, q => q.where(eb => after(eb, order, { ...wanted.marker }, 'i')))
    .orderBy('i.created_at', 'desc')
    .orderBy('i.id', 'desc')
    .limit(wanted.limit)
    .execute()
}

/** An image that was deleted, in the recycle bin or not. */
export async function findDeleted(
  db: Database,
  id: string,
  project: string | null,
): Promise<Image | undefined> {
  const image = await selectImages(db, project)
    .where('i.id', '=', id)
    .where('i.deleted_at', 'is not', null)
    .executeTakeFirst()
  return image as Image | undefined
}
