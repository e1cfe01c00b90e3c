import type { Caller } from '../../../auth/caller.js'
import type { Deps } from '../../../deps.js'
import { BadRequest, NotFound } from '../../../errors.js'
import { after, limitOf } from '../../../http/pages.js'
import { imageTarget } from '../../../images/access.js'
import type { Image } from '../../../images/image.js'
import { reachOf } from '../../../images/reach.js'
import { pageOf, selectFrom } from '../../../images/repository.js'
import { countsAsHidden, listed } from '../../../images/visibility.js'
import { findInProduction, newest } from '../find.js'

/** Lineages as such: what others look up without knowing of versions. */

export const noLineage = (id: string) => new NotFound(`No lineage found with ID ${id.slice(0, 100)}`)

/** A lineage's version in production, or else the newest that the caller may see, and when it began. */
export interface Head {
  image: Image
  began: Date
}

const order = [
  { key: 'created_at', direction: 'desc' },
  { key: 'id', direction: 'desc' },
] as const

/** One page of the lineages whose version in production the caller's default list shows, the newest first. */
export async function list(
  deps: Deps,
  caller: Caller,
  query: URLSearchParams,
): Promise<{ heads: Head[]; next: string | null }> {
  const limit = limitOf(query)
  const filters = filtersOf(query)
  deps.policy.require(caller, 'get_images', { project_id: caller.project_id })
  const marker = await markerRow(deps, query.get('marker'))
  if (limit === 0) return { heads: [], next: null }
  const reach = await reachOf(deps, caller)
  let page = pageOf(deps.db)
    .innerJoin('lineages as l', 'l.id', 'i.lineage')
    .select('l.created_at as began')
    .where('i.production', '=', true)
    .where(eb => listed(eb as never, deps.policy, caller, { member_status: 'accepted' }, reach))
    .where(eb => countsAsHidden(eb as never, false))
    .orderBy('l.created_at', 'desc')
    .orderBy('l.id', 'desc')
    .limit(limit)
  for (const [name, value] of filters) page = page.where(`i.${name}`, '=', value)
  if (marker) page = page.where(eb => after(eb, order, marker, 'l'))
  const rows = (await selectFrom(deps.db, page as never, caller.project_id)
    .orderBy('i.began' as never, 'desc')
    .orderBy('i.lineage', 'desc')
    .execute()) as unknown as (Image & { began: Date })[]
  return {
    heads: rows
      .filter(image => deps.policy.allows(caller, 'get_image', imageTarget(caller, image)))
      .map(image => ({ image, began: image.began })),
    next: rows.length === limit ? (rows.at(-1)?.lineage ?? null) : null,
  }
}

/** Throws NotFound for a lineage of which the caller may see no version. */
export async function show(deps: Deps, caller: Caller, id: string): Promise<Head> {
  const row = await rowOf(deps, id)
  const image =
    row && ((await findInProduction(deps, caller, id)) ?? (await newest(deps, caller, id, { limit: 1 }))[0])
  if (!image || !deps.policy.allows(caller, 'get_image', imageTarget(caller, image))) throw noLineage(id)
  return { image, began: row.created_at }
}

/** The image in production. Throws NotFound while there is none for the caller, or while it is not active. */
export async function imageOf(deps: Deps, caller: Caller, id: string): Promise<Image> {
  const image = await findInProduction(deps, caller, id)
  if (image?.status !== 'active')
    throw new NotFound(`No image of lineage ${id.slice(0, 100)} is in production.`)
  return image
}

const rowOf = async (deps: Deps, id: string) =>
  id.length > 36 || id.includes('\0')
    ? undefined
    : deps.db.selectFrom('lineages').selectAll().where('id', '=', id).executeTakeFirst()

async function markerRow(deps: Deps, id: string | null): Promise<Record<string, unknown> | undefined> {
  if (id === null) return undefined
  const row = await rowOf(deps, id)
  if (!row) throw new BadRequest(`The marker ${id.slice(0, 100)} is no lineage.`)
  return row
}

function filtersOf(query: URLSearchParams): ['name' | 'owner', string][] {
  return (['name', 'owner'] as const).flatMap(name => {
    const value = query.getAll(name).at(-1)
    if (value === undefined) return []
    if (value.includes('\0')) throw new BadRequest('A filter may not contain U+0000.')
    return [[name, value] as ['name' | 'owner', string]]
  })
}
