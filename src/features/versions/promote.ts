import type { Caller } from '../../auth/caller.js'
import type { Database } from '../../db/connect.js'
import type { Deps } from '../../deps.js'
import { Conflict } from '../../errors.js'
import { requireOn } from '../../images/access.js'
import type { Image } from '../../images/image.js'
import { findUnscoped } from '../../images/repository.js'
import { putInProduction } from '../../images/versions.js'
import { isVisible } from '../../images/visibility.js'
import { findInLineage, findOfLineage, noVersion } from './find.js'
import * as lineages from './repository.js'

/** Puts a version in production in place of the one that is; what is in production already stays. */
export async function promote(
  deps: Deps,
  caller: Caller,
  id: string,
  { version, comment }: { version: number; comment?: string | undefined },
): Promise<Image> {
  const { lineage } = await mayPromote(deps, caller, id)
  return deps.db.transaction().execute(async tx => {
    await lineages.lock(tx, lineage)
    const found = await findInLineage(tx, caller, lineage, version)
    if (!found) throw noVersion(version)
    return put(deps, caller, tx, found.id, { comment: comment ?? null })
  })
}

/** Puts back the version that was in production before the one that is, by history; again, the one before that. */
export async function rollback(deps: Deps, caller: Caller, id: string): Promise<Image> {
  const { lineage } = await mayPromote(deps, caller, id)
  return deps.db.transaction().execute(async tx => {
    await lineages.lock(tx, lineage)
    const before = await lineages.previous(tx, lineage)
    if (!before) throw new Conflict('No version that was in production before is active.')
    return put(deps, caller, tx, before.image_id, { comment: null, below: before.below })
  })
}

async function mayPromote(deps: Deps, caller: Caller, id: string) {
  const image = await findOfLineage(deps, caller, id)
  requireOn(deps.policy, caller, 'promote_version', image)
  return image
}

/** Nothing becomes public, nor stops being used, by somebody who may not bring that about. */
async function put(
  deps: Deps,
  caller: Caller,
  tx: Database,
  id: string,
  note: { comment: string | null; below?: number | null },
): Promise<Image> {
  const scope = { project: caller.project_id }
  const image = await findUnscoped(tx, id, { ...scope, lock: true })
  if (!image || !isVisible(deps.policy, caller, image)) throw noVersion()
  requireOn(deps.policy, caller, 'promote_version', image)
  if (image.visibility === 'public') requireOn(deps.policy, caller, 'publicize_image', image)
  if (image.visibility === 'community') requireOn(deps.policy, caller, 'communitize_image', image)
  const lineage = image.lineage as string
  const current = await findInLineage(tx, caller, lineage, 'production')
  if (current) requireOn(deps.policy, caller, 'promote_version', current)
  if (image.status !== 'active') {
    throw new Conflict(
      `Version ${image.version} is ${image.status}; only an active one can be in production.`,
    )
  }
  if (image.production) return image
  if (!(await putInProduction(tx, image)))
    throw new Conflict(`Version ${image.version} is not active any more.`)
  await lineages.record(tx, {
    lineage,
    from_version: current?.version ?? null,
    to_version: image.version as number,
    promoted_by: caller.user_id,
    ...note,
  })
  return (await findUnscoped(tx, id, scope)) as Image
}
