import { sql } from 'kysely'
import type { Caller } from '../../auth/caller.js'
import { type BinnedImage, findBinned, ofOwner, selectBinned } from '../../data/bin.js'
import type { Deps } from '../../deps.js'
import { BadRequest } from '../../errors.js'
import { limitOf } from '../../http/pages.js'
import { imageTarget } from '../../images/access.js'
import { filtersOf } from '../../images/filters.js'
import { isVisible } from '../../images/visibility.js'

/** Whose bin is asked for: the caller's project's when nothing is said; an empty name: images without owner. */
export function ownerOf(caller: Caller, query: URLSearchParams): string | null {
  const owner = query.getAll('owner').at(-1)
  if (owner?.includes('\0')) throw new BadRequest('owner may not contain U+0000.')
  return owner === undefined ? caller.project_id : owner === '' ? null : owner
}

/** One page of a project's bin, last deleted first, and the marker of the next when the page was full. */
export async function list(
  deps: Deps,
  caller: Caller,
  query: URLSearchParams,
): Promise<{ images: BinnedImage[]; next: string | null }> {
  const limit = limitOf(query)
  const owner = ownerOf(caller, query)
  const asked = new URLSearchParams(query)
  asked.delete('owner')
  const { conditions, visibility } = filtersOf(asked, name => deps.protections.may(caller, 'read', name), {
    withHidden: true,
  })
  deps.policy.require(caller, 'get_recycle_bin', { project_id: caller.project_id })
  const marker = await markerRow(deps, caller, query.getAll('marker').at(-1))
  const others = owner === null || owner !== caller.project_id
  if (limit === 0 || (others && !caller.is_admin)) return { images: [], next: null }

  let select = selectBinned(deps.db, caller.project_id)
    .where(ofOwner(owner) as never)
    .orderBy('b.deleted_at', 'desc')
    .orderBy('b.image_id', 'desc')
    .limit(limit)
  if (visibility !== undefined && visibility !== 'all') select = select.where('i.visibility', '=', visibility)
  for (const condition of conditions) select = select.where(eb => condition(eb as never))
  if (marker) {
    select = select.where(
      sql<boolean>`(b.deleted_at, b.image_id) < (${marker.deleted_at}::timestamptz, ${marker.id})`,
    )
  }
  const rows = (await select.execute()) as unknown as BinnedImage[]
  return {
    images: rows.filter(image => isKnown(deps, caller, image)),
    next: rows.length === limit ? (rows.at(-1)?.id ?? null) : null,
  }
}

const isKnown = ({ policy }: Deps, caller: Caller, image: BinnedImage) =>
  isVisible(policy, caller, image) && policy.allows(caller, 'get_recycle_bin', imageTarget(caller, image))

/** The row of the marker; one that the caller may not know of is as unknown as any. Throws BadRequest. */
async function markerRow(
  deps: Deps,
  caller: Caller,
  id: string | undefined,
): Promise<BinnedImage | undefined> {
  if (id === undefined) return undefined
  const image = await findBinned(deps.db, id, { project: caller.project_id })
  if (image && isKnown(deps, caller, image)) return image
  throw new BadRequest(`The marker ${id.slice(0, 100)} is no image in the recycle bin.`)
}
