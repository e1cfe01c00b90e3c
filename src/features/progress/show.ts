import type { Static } from '@sinclair/typebox'
import type { Caller } from '../../auth/caller.js'
import type { Deps } from '../../deps.js'
import { BadRequest, NotFound } from '../../errors.js'
import { limitOf, pageLinks } from '../../http/pages.js'
import { imageTarget, noImage, requireOn } from '../../images/access.js'
import { find } from '../../images/repository.js'
import { isVisible, versionKnown } from '../../images/visibility.js'
import { type Phase, phaseNames } from './phase.js'
import * as repository from './repository.js'
import type { Progress, ProgressList } from './schemas.js'
import { view } from './view.js'

/** How far an image is, for those of its project. Throws NotFound, Forbidden. */
export async function show(deps: Deps, caller: Caller, id: string): Promise<Static<typeof Progress>> {
  await mayKnow(deps, caller, id)
  const row = await repository.find(deps.db, id)
  if (!row) throw noImage(id)
  return view(row)
}

async function mayKnow(deps: Deps, caller: Caller, id: string): Promise<void> {
  try {
    requireOn(deps.policy, caller, 'get_progress', await find(deps, caller, id))
  } catch (error) {
    if (!(error instanceof NotFound) || id.length > 36 || id.includes('\0')) throw error
    const image = await repository.findDeleted(deps.db, id, caller.project_id)
    if (!image || !isVisible(deps.policy, caller, image)) throw error
    // nobody else learns that there was such an image
    if (!deps.policy.allows(caller, 'get_progress', imageTarget(caller, image))) throw error
  }
}

/** One page of how far the images of the caller's project are. Throws BadRequest, Forbidden. */
export async function list(
  deps: Deps,
  caller: Caller,
  query: URLSearchParams,
): Promise<Static<typeof ProgressList>> {
  const limit = limitOf(query)
  const phase = query.getAll('phase').at(-1)
  if (phase !== undefined && !phaseNames.includes(phase as Phase)) {
    throw new BadRequest(`phase must be one of ${phaseNames.join(', ')}.`)
  }
  const owner = caller.project_id
  deps.policy.require(caller, 'get_progress', { project_id: owner, owner })
  if (owner === null || limit === 0) return { progress: [] }
  const id = query.getAll('marker').at(-1)
  const marker = id === undefined ? undefined : await markerRow(deps, owner, id)
  const rows = await repository.page(deps.db, {
    owner,
    phase: phase as Phase | undefined,
    marker,
    limit: limit + 1,
    known: eb => versionKnown(eb, deps.policy, caller),
  })
  const shown = rows.slice(0, limit)
  const { next } = pageLinks('/v2/progress', query, rows.length > limit ? shown.at(-1)!.id : null)
  return {
    progress: shown.map(row => ({ id: row.id, ...view(row) })),
    ...(next !== undefined && { next }),
  }
}

/** Where the page before ended: an image of the project, which may have been destroyed meanwhile. */
async function markerRow(deps: Deps, owner: string, id: string) {
  const row =
    id.length <= 36 && !id.includes('\0')
      ? await deps.db
          .selectFrom('images')
          .select(['id', 'created_at'])
          .where('id', '=', id)
          .where('owner', '=', owner)
          .executeTakeFirst()
      : undefined
  if (!row) throw new BadRequest('The marker is no image of the project.')
  return row
}
