import type { Caller } from '../auth/caller.js'
import type { Deps } from '../deps.js'
import { BadRequest, Forbidden } from '../errors.js'
import { after, limitOf, sortOf } from '../http/pages.js'
import { imageTarget } from './access.js'
import { filtersOf } from './filters.js'
import type { Image } from './image.js'
import { findUnscoped, pageOf, selectFrom } from './repository.js'
import { isVisible, listed } from './visibility.js'

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

/** One page of the images that a caller's list shows, and the marker of the next one when the page was full. */
export async function list(
  deps: Deps,
  caller: Caller,
  query: URLSearchParams,
): Promise<{ images: Image[]; next: string | null }> {
  const limit = limitOf(query)
  const order = sortOf(query, sortKeys)
  const filters = filtersOf(query, name => deps.protections.may(caller, 'read', name))
  deps.policy.require(caller, 'get_images', { project_id: caller.project_id })
  const marker = await markerRow(deps, caller, query.getAll('marker').at(-1))
  if (limit === 0) return { images: [], next: null }

  let page = pageOf(deps.db)
    .where('i.status', '<>', 'killed')
    .where(eb => listed(eb as never, deps.policy, caller, filters))
    .limit(limit)
  for (const condition of filters.conditions) page = page.where(eb => condition(eb as never))
  if (marker) page = page.where(eb => after(eb, order, marker as unknown as Record<string, unknown>, 'i'))
  for (const { key, direction } of order) page = page.orderBy(`i.${key as 'id'}`, direction)

  let whole = selectFrom(deps.db, page, caller.project_id)
  for (const { key, direction } of order) whole = whole.orderBy(`i.${key as 'id'}`, direction)
  const rows = (await whole.execute()) as Image[]
  return {
    images: rows.filter(image => deps.policy.allows(caller, 'get_image', imageTarget(caller, image))),
    next: rows.length === limit ? (rows.at(-1)?.id ?? null) : null,
  }
}

/** The row of the marker: unknown ids are 400, those the caller may not know of 403, as Glance answers. */
async function markerRow(deps: Deps, caller: Caller, id: string | undefined): Promise<Image | undefined> {
  if (id === undefined) return undefined
  const image =
    id.length <= 36 && !id.includes('\0')
      ? await findUnscoped(deps.db, id, { project: caller.project_id })
      : undefined
  if (image === undefined) throw new BadRequest(`The marker ${id.slice(0, 100)} is no image.`)
  if (!isVisible(deps.policy, caller, image))
    throw new Forbidden('The marker is an image that you may not see.')
  return image
}
