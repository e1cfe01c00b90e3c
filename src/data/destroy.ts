import type { Caller } from '../auth/caller.js'
import type { Database } from '../db/connect.js'
import type { Deps } from '../deps.js'
import { NotFound } from '../errors.js'
import { imageTarget } from '../images/access.js'
import { markDeleted } from '../images/repository.js'
import { isVisible } from '../images/visibility.js'
import type { Policy } from '../policy/policy.js'
import * as bin from './bin.js'
import { type BlobName, doomStored } from './blobs.js'
import { erase } from './erase.js'
import * as staged from './staged.js'

/** The end of images: what was deleted and is not kept, or not any longer. */

/** The answer for an image that is not in the bin, or not for this caller to know of. */
export const notInBin = (id: string) =>
  new NotFound(`No image found with ID ${id.slice(0, 100)} in the recycle bin`)

/** Throws unless the rule lets the caller act on an image in the bin: NotFound when he may not know of it. */
export function requireInBin(
  policy: Policy,
  caller: Caller,
  rule: 'get_recycle_bin' | 'restore_image' | 'destroy_image',
  image: bin.BinnedImage | undefined,
  id: string,
): asserts image is bin.BinnedImage {
  if (!image || !isVisible(policy, caller, image)) throw notInBin(id)
  const target = imageTarget(caller, image)
  if (!policy.allows(caller, 'get_recycle_bin', target)) throw notInBin(id)
  policy.require(caller, rule, target)
}

/** Ends an image for good: its id alone stays. Returns its objects, to be erased after the transaction. */
export async function end(tx: Database, id: string): Promise<BlobName[]> {
  await markDeleted(tx, id)
  await staged.forget(tx, id)
  return doomStored(tx, id)
}

/** Destroys one image of the bin. Throws NotFound, Forbidden. */
export async function destroy(deps: Deps, caller: Caller, id: string): Promise<void> {
  const doomed = await deps.db.transaction().execute(async tx => {
    const image = await bin.findBinned(tx, id, { project: caller.project_id, lock: true })
    requireInBin(deps.policy, caller, 'destroy_image', image, id)
    await bin.take(tx, { image_id: image.id, deleted_at: image.deleted_at })
    return end(tx, image.id)
  })
  await erase(deps, doomed)
}

/** Destroys an image of the bin for nobody's sake, unless somebody else took it out meanwhile. */
export async function destroyUnscoped(
  deps: Deps,
  deletion: bin.Deletion,
  signal?: AbortSignal,
): Promise<void> {
  const doomed = await deps.db.transaction().execute(async tx => {
    await bin.findBinned(tx, deletion.image_id, { lock: true })
    return (await bin.take(tx, deletion)) ? end(tx, deletion.image_id) : []
  })
  await erase(deps, doomed, signal)
}

/** Images that are looked up at once. */
const PAGE = 100

/** Destroys what is too much of a project, the longest deleted first. */
export async function trim(deps: Deps, owner: string | null, signal?: AbortSignal): Promise<void> {
  const { recycle_bin_max_size } = deps.config
  for (;;) {
    const deletions = await bin.excess(deps.db, owner, recycle_bin_max_size, PAGE)
    for (const deletion of deletions) {
      if (signal?.aborted) return
      await destroyUnscoped(deps, deletion, signal)
    }
    if (deletions.length < PAGE) return
  }
}

/** Destroys what is past its time, and what is too much where the setting was lowered. */
export async function destroyExpired(deps: Deps, signal?: AbortSignal): Promise<void> {
  for (;;) {
    const deletions = await bin.expired(deps.db, deps.now(), PAGE)
    for (const deletion of deletions) {
      if (signal?.aborted) return
      await destroyUnscoped(deps, deletion, signal)
    }
    if (deletions.length < PAGE) break
  }
  for (const owner of await bin.ownersOver(deps.db, deps.config.recycle_bin_max_size)) {
    await trim(deps, owner, signal)
  }
}
