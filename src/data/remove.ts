import type { Caller } from '../auth/caller.js'
import type { Database } from '../db/connect.js'
import type { Deps } from '../deps.js'
import { Forbidden } from '../errors.js'
import { noImage, requireOn } from '../images/access.js'
import type { Image } from '../images/image.js'
import { requireUnused } from '../images/in-use.js'
import { learnGroupsFor } from '../images/reach.js'
import { findUnscoped, putAway } from '../images/repository.js'
import { requireReplaced } from '../images/versions.js'
import { isVisible } from '../images/visibility.js'
import * as bin from './bin.js'
import type { BlobName } from './blobs.js'
import { end, trim } from './destroy.js'
import { erase } from './erase.js'
import { stopWork } from './stop-work.js'

/**
 * Deletes an image in any state. One that has its bytes goes to the recycle bin with all it has, unless there is none;
 * any other is gone at once, and bytes that are coming in right now end with their upload (410).
 */
export async function remove(deps: Deps, caller: Caller, id: string): Promise<void> {
  if (id.length > 36 || id.includes('\0')) throw noImage(id)
  await learnGroupsFor(deps, caller, id)
  const { image, kept, doomed } = await deps.db.transaction().execute(async tx => {
    const image = await findUnscoped(tx, id, { project: caller.project_id, lock: true })
    if (!image || !isVisible(deps.policy, caller, image)) throw noImage(id)
    requireOn(deps.policy, caller, 'delete_image', image)
    if (image.protected) throw new Forbidden(`Image ${id} is protected and cannot be deleted.`)
    await requireUnused(tx, id, deps.now())
    await requireReplaced(tx, image)
    const kept = keeps(deps, image)
    return { image, kept, doomed: kept ? await keep(deps, tx, caller, image) : await end(tx, id) }
  })
  await deps.cache
    ?.evict([id])
    .catch(err => deps.log.warn({ err, image: id }, 'an image could not be taken out of the cache yet'))
  await erase(deps, doomed)
  // what is too much goes with the next run of the job otherwise
  if (kept)
    await trim(deps, image.owner).catch(err =>
      deps.log.warn({ err }, 'the recycle bin could not be trimmed yet'),
    )
}

/** Whether the bin is for this image: one that has bytes, and not more than a project may have in the bin. */
function keeps({ config }: Deps, image: Image): boolean {
  if (config.recycle_bin === 0 || image.locations.length === 0) return false
  if (image.status !== 'active' && image.status !== 'deactivated') return false
  return bin.ownBytes(image) <= config.recycle_bin_max_size
}

/** Puts an image into the bin, with the bytes that it has. */
async function keep(deps: Deps, tx: Database, caller: Caller, image: Image): Promise<BlobName[]> {
  const deleted_at = deps.now()
  const expires_at = new Date(deleted_at.getTime() + deps.config.recycle_bin * 1000)
  await bin.put(tx, image, { deleted_at, deleted_by: caller.user_id, expires_at })
  await putAway(tx, image.id, deleted_at)
  return stopWork(tx, image)
}
