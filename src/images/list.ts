import type { Caller } from '../auth/caller.js'
import type { Deps } from '../deps.js'
import { BadRequest, Forbidden } from '../errors.js'
import { after, limitOf, type SortKey, sortOf } from '../http/pages.js'
import { imageTarget } from './access.js'
import { type Filters, filtersOf } from './filters.js'
import type { Image } from './image.js'
import { type Reach, reachOf } from './reach.js'
import { findUnscoped, pageOf, selectFrom } from './repository.js'
import { listed, mayKnow } from './visibility.js'

/** Keys that a list can be sorted by. */
export const sortKeys = [
  'name',
  'status',
  'container_format',
  'disk_format',
  'size',
  'id',
  'created_at',
  'updated_at',
] as const

/** What a caller asked of a list: which images, in which order. */
export interface Listing {
  order: SortKey[]
  filters: Filters
}

/** Reads filters and order, and asks the policy. Throws BadRequest and Forbidden. */
export function listing(deps: Deps, caller: Caller, query: URLSearchParams): Listing {
  const order = sortOf(query, sortKeys)
  const filters = filtersOf(query, name => deps.protections.may(caller, 'read', name))
  deps.policy.require(caller, 'get_images', { project_id: caller.project_id })
  return { order, filters }
}

/** One page of the images that a caller's list shows, and the marker of the next one when the page was full. */
export async function list(
  deps: Deps,
  caller: Caller,
  query: URLSearchParams,
): Promise<{ images: Image[]; next: string | null }> {
  const limit = limitOf(query)
  const asked = listing(deps, caller, query)
  const marker = await markerRow(deps, caller, query.getAll('marker').at(-1))
  if (limit === 0) return { images: [], next: null }
  const { images, last } = await pageAfter(deps, caller, asked, { limit, marker })
  return { images, next: last?.id ?? null }
}

/**
 * The images that come after an image in a listing; `last` is what the page that follows begins after, undefined when
 * this one was not full. Pages may be shorter than the limit: what policy keeps from the caller is left out.
 */
export async function pageAfter(
  deps: Deps,
  caller: Caller,
  { order, filters }: Listing,
  { limit, marker }: { limit: number; marker: Image | undefined },
): Promise<{ images: Image[]; last: Image | undefined }> {
  let page = rowsOf(deps, caller, filters, await reachOf(deps, caller)).limit(limit)
  if (marker) page = page.where(eb => after(eb, order, marker as unknown as Record<string, unknown>, 'i'))
  for (const { key, direction } of order) page = page.orderBy(`i.${key as 'id'}`, direction)

  let whole = selectFrom(deps.db, page, caller.project_id)
  for (const { key, direction } of order) whole = whole.orderBy(`i.${key as 'id'}`, direction)
  const rows = (await whole.execute()) as Image[]
  const images = rows.filter(image => deps.policy.allows(caller, 'get_image', imageTarget(caller, image)))
  const last = rows.length === limit ? rows.at(-1) : undefined
  // measured: promises of pg keep their rows until a full collection of garbage, 2 KB each, which walks of many pages
  // would make the heap grow for
  rows.length = 0
  return { images, last }
}

/** Rows of a listing, counted no further than to `most`; those that policy keeps from the caller count, too. */
export async function countRows(
  deps: Deps,
  caller: Caller,
  { filters }: Listing,
  most: number,
): Promise<number> {
  const rows = rowsOf(deps, caller, filters, await reachOf(deps, caller))
    .clearSelect()
    .select('i.id')
    .limit(most)
  const { count } = await deps.db
    .selectFrom(rows.as('r'))
    .select(eb => eb.fn.countAll<number>().as('count'))
    .executeTakeFirstOrThrow()
  return count
}

function rowsOf(deps: Deps, caller: Caller, filters: Filters, reach: Reach) {
  let rows = pageOf(deps.db)
    .where('i.status', '<>', 'killed')
    .where(eb => listed(eb as never, deps.policy, caller, filters, reach))
  for (const condition of filters.conditions) rows = rows.where(eb => condition(eb as never))
  return rows
}

/** The row of the marker: unknown ids are 400, those the caller may not know of 403, as Glance answers. */
async function markerRow(deps: Deps, caller: Caller, id: string | undefined): Promise<Image | undefined> {
  if (id === undefined) return undefined
  const image =
    id.length <= 36 && !id.includes('\0')
      ? await findUnscoped(deps.db, id, { project: caller.project_id })
      : undefined
  if (image === undefined) throw new BadRequest(`The marker ${id.slice(0, 100)} is no image.`)
  if (!(await mayKnow(deps.policy, caller, image)))
    throw new Forbidden('The marker is an image that you may not see.')
  return image
}
