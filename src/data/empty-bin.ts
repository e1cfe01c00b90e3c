import type { Caller } from '../auth/caller.js'
import type { Deps } from '../deps.js'
import { Forbidden } from '../errors.js'
import { imageTarget } from '../images/access.js'
import { type BinnedImage, ofOwner, selectBinned } from './bin.js'
import { destroyUnscoped } from './destroy.js'

/** Images that are read at once. */
const PAGE = 100

/**
 * Destroys what is in the bin of a project: the caller's own, or, for admins, another's (null: images without owner).
 * What the rule protects from the caller stays. When the client goes away it stops after the image at hand.
 */
export async function emptyBin(
  deps: Deps,
  caller: Caller,
  owner: string | null,
  signal?: AbortSignal,
): Promise<void> {
  deps.policy.require(caller, 'destroy_image', { project_id: caller.project_id })
  if (owner !== caller.project_id && !caller.is_admin) {
    throw new Forbidden('Only admins may empty the recycle bin of another project.')
  }
  let after = ''
  for (;;) {
    const rows = await selectBinned(deps.db, caller.project_id)
      .where(ofOwner(owner) as never)
      .where('i.id', '>', after)
      .orderBy('i.id')
      .limit(PAGE)
      .execute()
    for (const image of rows as unknown as BinnedImage[]) {
      if (signal?.aborted) return
      const target = imageTarget(caller, image)
      const may = ['get_recycle_bin', 'destroy_image'].every(rule => deps.policy.allows(caller, rule, target))
      if (may) await destroyUnscoped(deps, { image_id: image.id, deleted_at: image.deleted_at })
      after = image.id
    }
    if (rows.length < PAGE) return
  }
}
