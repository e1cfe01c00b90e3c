import type { Caller } from '../auth/caller.js'
import type { Deps } from '../deps.js'
import { Forbidden } from '../errors.js'
import { noImage, requireOn } from '../images/access.js'
import { requireUnused } from '../images/in-use.js'
import { learnGroupsFor } from '../images/reach.js'
import { findUnscoped, markDeleted } from '../images/repository.js'
import { requireReplaced } from '../images/versions.js'
import { isVisible } from '../images/visibility.js'
import { doomStored } from './blobs.js'
import { erase } from './erase.js'
import * as staged from './staged.js'

/** Deletes an image in any state with all it has; bytes that are coming in right now end with their upload (410). */
export async function remove(deps: Deps, caller: Caller, id: string): Promise<void> {
  if (id.length > 36 || id.includes('\0')) throw noImage(id)
  await learnGroupsFor(deps, caller, id)
  const doomed = await deps.db.transaction().execute(async tx => {
    const image = await findUnscoped(tx, id, { project: caller.project_id, lock: true })
    if (!image || !isVisible(deps.policy, caller, image)) throw noImage(id)
    requireOn(deps.policy, caller, 'delete_image', image)
    if (image.protected) throw new Forbidden(`Image ${id} is protected and cannot be deleted.`)
    await requireUnused(tx, id, deps.now())
    await requireReplaced(tx, image)
    await markDeleted(tx, id)
    await staged.forget(tx, id)
    return doomStored(tx, id)
  })
  await deps.cache
    ?.evict([id])
    .catch(err => deps.log.warn({ err, image: id }, 'an image could not be taken out of the cache yet'))
  await erase(deps, doomed)
}
