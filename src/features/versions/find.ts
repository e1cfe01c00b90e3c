import { sql } from 'kysely'
import type { Caller } from '../../auth/caller.js'
import type { Database } from '../../db/connect.js'
import { prepared } from '../../db/prepared.js'
import type { Deps } from '../../deps.js'
import { NotFound } from '../../errors.js'
import { imageTarget, requireOn } from '../../images/access.js'
import type { Image } from '../../images/image.js'
import { reachOf } from '../../images/reach.js'
import { find, pageOf, selectFrom, selectImages } from '../../images/repository.js'
import { listed, mayKnow } from '../../images/visibility.js'

/** Which version of a lineage: a number, the highest active one, or the one in production. */
export type Which = number | 'latest' | 'production'

export const noVersion = (which?: Which) =>
  new NotFound(which === undefined ? 'There is no such version.' : `There is no version ${which}.`)

/** Reads a version's name in a path. Throws NotFound for what can be none. */
export function whichOf(text: string): Which {
  if (text === 'latest' || text === 'production') return text
  if (!/^[1-9]\d{0,8}$/.test(text)) throw noVersion()
  return Number(text)
}

type Version = Image & { lineage: string; version: number }

/** An image that the caller may see and that is a version. Throws NotFound. */
export async function findOfLineage(deps: Deps, caller: Caller, id: string): Promise<Version> {
  const image = await find(deps, caller, id)
  requireOn(deps.policy, caller, 'get_image', image)
  if (image.lineage === null) throw new NotFound(`Image ${image.id} has no versions.`)
  return image as Version
}

/** A version whoever may see it, for stories that ask further. */
export async function findInLineage(
  db: Database,
  caller: Caller,
  lineage: string,
  which: number | 'production',
): Promise<Version | undefined> {
  const image = await selectImages(db, caller.project_id)
    .where('i.lineage', '=', lineage)
    .where('i.deleted_at', 'is', null)
    .$if(which === 'production', q => q.where('i.production', '=', true))
    .$if(which !== 'production', q => q.where('i.version', '=', which as number))
    .executeTakeFirst()
  return image as unknown as Version | undefined
}

/** A version that the caller may see. Throws NotFound. */
export async function findVersion(
  deps: Deps,
  caller: Caller,
  lineage: string,
  which: Which,
): Promise<Version> {
  const image =
    which === 'latest'
      ? (await newest(deps, caller, lineage, { limit: 1, active: true }))[0]
      : await findInLineage(deps.db, caller, lineage, which)
  if (!image || !(await mayKnow(deps.policy, caller, image))) throw noVersion(which)
  if (!deps.policy.allows(caller, 'get_image', imageTarget(caller, image))) throw noVersion(which)
  return image
}

/** Versions that lists show the caller, the highest number first. */
export async function newest(
  deps: Deps,
  caller: Caller,
  lineage: string,
  { limit, below, active }: { limit: number; below?: number | undefined; active?: boolean },
): Promise<Version[]> {
  const scope = { visibility: 'all', member_status: 'all' } as const
  const reach = await reachOf(deps, caller)
  const page = pageOf(deps.db)
    .where('i.lineage', '=', lineage)
    .where(eb => listed(eb as never, deps.policy, caller, scope, reach))
    .$if(below !== undefined, q => q.where('i.version', '<', below as number))
    .$if(active === true, q => q.where('i.status', '=', 'active'))
    .orderBy('i.version', 'desc')
    .limit(limit)
  const rows = await selectFrom(deps.db, page, caller.project_id).orderBy('i.version', 'desc').execute()
  return rows as unknown as Version[]
}

const production = prepared('image in production', (db, p: { lineage: string; project: string | null }) =>
  selectImages(db, sql`${p.project}`)
    .where('i.lineage', '=', p.lineage)
    .where('i.production', '=', true)
    .where('i.deleted_at', 'is', null),
)

/** The version in production, by the lineage's id; undefined when there is none that the caller may see. */
export async function findInProduction(
  deps: Deps,
  caller: Caller,
  lineage: string,
): Promise<Version | undefined> {
  if (lineage.length > 36 || lineage.includes('\0')) return undefined
  const [image] = (await production(deps.pool, { lineage, project: caller.project_id })) as Version[]
  if (!image || !(await mayKnow(deps.policy, caller, image))) return undefined
  return deps.policy.allows(caller, 'get_image', imageTarget(caller, image)) ? image : undefined
}
