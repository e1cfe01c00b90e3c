import type { Caller } from '../auth/caller.js'
import type { Deps } from '../deps.js'
import type { Image } from '../images/image.js'
import { bringBack, findUnscoped } from '../images/repository.js'
import { openQuota, toMiB } from '../quota/check.js'
import * as bin from './bin.js'
import { notInBin, requireInBin } from './destroy.js'

/**
 * Takes an image out of the recycle bin: it is as it was, under its id. Its project's limits have to let it in.
 * Throws NotFound, Forbidden, TooLarge.
 */
export async function restore(deps: Deps, caller: Caller, id: string): Promise<Image> {
  const scope = { project: caller.project_id }
  const found = await bin.findBinned(deps.db, id, scope)
  requireInBin(deps.policy, caller, 'restore_image', found, id)
  const quota = await openQuota(deps, found.owner)
  return deps.db.transaction().execute(async tx => {
    // before the image's row is locked, as uploads do it, or one could wait for the other
    await quota.check(tx, 'image_count_total', 1)
    await quota.check(tx, 'image_size_total', toMiB((found.size ?? 0) * found.locations.length))
    const image = await bin.findBinned(tx, id, { ...scope, lock: true })
    const deletion = { image_id: id, deleted_at: found.deleted_at }
    if (!image || !(await bin.take(tx, deletion))) throw notInBin(id)
    await bringBack(tx, id)
    return (await findUnscoped(tx, id, scope)) as Image
  })
}
