import type { Caller } from '../../auth/caller.js'
import type { Deps } from '../../deps.js'
import { BadRequest } from '../../errors.js'
import { limitOf } from '../../http/pages.js'
import { imageTarget, requireOn } from '../../images/access.js'
import type { Image } from '../../images/image.js'
import { findInProduction, findOfLineage, newest } from './find.js'
import { historyOf, type Promotion } from './repository.js'

/** One page of a lineage's versions, by any of its images. */
export interface VersionsPage {
  lineage: string
  name: string | null
  production: number | null
  versions: Image[]
  /** Number of the last version when the page was full. */
  next: number | null
}

export async function listVersions(
  deps: Deps,
  caller: Caller,
  id: string,
  query: URLSearchParams,
): Promise<VersionsPage> {
  const limit = limitOf(query)
  const below = markerOf(query, 2 ** 31 - 1)
  const image = await findOfLineage(deps, caller, id)
  const { lineage } = image
  const rows = limit === 0 ? [] : await newest(deps, caller, lineage, { limit, below })
  const inProduction = rows.find(one => one.production) ?? (await findInProduction(deps, caller, lineage))
  // another one was put in production between the two looks: the answer would contradict itself
  if (inProduction && rows.some(one => one.id === inProduction.id && !one.production))
    return listVersions(deps, caller, id, query)
  const head = inProduction ?? (await newest(deps, caller, lineage, { limit: 1 }))[0] ?? image
  return {
    lineage,
    name: head.name,
    production: inProduction?.version ?? null,
    versions: rows.filter(one => deps.policy.allows(caller, 'get_image', imageTarget(caller, one))),
    next: rows.length === limit ? (rows.at(-1)?.version ?? null) : null,
  }
}

/** One page of what was in production when, the newest first: for those who know all versions. */
export async function history(
  deps: Deps,
  caller: Caller,
  id: string,
  query: URLSearchParams,
): Promise<{ history: Promotion[]; next: number | null }> {
  const limit = limitOf(query)
  const before = markerOf(query, Number.MAX_SAFE_INTEGER)
  const image = await findOfLineage(deps, caller, id)
  requireOn(deps.policy, caller, 'get_versions', image)
  const rows = limit === 0 ? [] : await historyOf(deps.db, image.lineage, limit, before)
  return { history: rows, next: rows.length === limit ? (rows.at(-1)?.id ?? null) : null }
}

/** The number in `marker`, or the largest that the column holds. */
function markerOf(query: URLSearchParams, largest: number): number | undefined {
  const text = query.getAll('marker').at(-1)
  if (text === undefined) return undefined
  if (!/^\d{1,15}$/.test(text)) throw new BadRequest('marker must be a number of the page before.')
  return Math.min(Number(text), largest)
}
