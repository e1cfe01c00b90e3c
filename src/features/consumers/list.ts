import type { Caller } from '../../auth/caller.js'
import type { Deps } from '../../deps.js'
import { BadRequest } from '../../errors.js'
import { limitOf, pageLinks } from '../../http/pages.js'
import { requireOn } from '../../images/access.js'
import { find } from '../../images/repository.js'
import * as consumers from './repository.js'

/** One page of the consumers that the caller is shown, and how many there are beside them. */
export async function list(
  deps: Deps,
  caller: Caller,
  imageId: string,
  query: URLSearchParams,
): Promise<{ consumers: consumers.Consumer[]; others: number; next?: string }> {
  const limit = limitOf(query)
  const after = query.getAll('marker').at(-1) ?? ''
  if (after.includes('\0')) throw new BadRequest('The marker is no consumer.')
  requireOn(deps.policy, caller, 'get_consumers', await find(deps, caller, imageId))
  const now = deps.now()
  const project = caller.is_admin ? undefined : caller.project_id
  const rows =
    limit === 0
      ? []
      : await consumers.page(deps.db, imageId, {
          ...(project !== undefined && { project }),
          after,
          limit: limit + 1,
          now,
        })
  const shown = rows.slice(0, limit)
  const last = rows.length > limit ? shown.at(-1)!.consumer_id : null
  const { next } = pageLinks(`/v2/images/${imageId}/consumers`, query, last)
  return {
    consumers: shown,
    others: project === undefined ? 0 : await consumers.countOthers(deps.db, imageId, project, now),
    ...(next !== undefined && { next }),
  }
}
