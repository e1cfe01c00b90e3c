import type { Caller } from '../auth/caller.js'
import type { Deps } from '../deps.js'
import type { Image } from '../images/image.js'
import type { PatchChange } from '../images/patch.js'
import { type LocationEdit, update } from '../images/update.js'
import { followOwner } from './bin.js'
import { editLocations, Unmeasured } from './edit-locations.js'
import { erase } from './erase.js'
import { measure } from './external-place.js'

/**
 * Changes an image by a patch, its locations included. A new location's server is asked for the size while no
 * transaction is open: the patch is tried, and tried again with the size of each place that it found missing.
 */
export async function patch(
  deps: Deps,
  caller: Caller,
  id: string,
  changes: readonly PatchChange[],
  signal?: AbortSignal,
): Promise<Image> {
  const sizes = new Map<string, number>()
  const moving = changes.some(({ name }) => name === 'owner')
  for (;;) {
    const edit = editLocations(deps, caller, sizes)
    const write: LocationEdit['write'] = async (tx, before) => {
      await edit.write(tx, before)
      if (moving && before.lineage !== null) await followOwner(tx, before.lineage)
    }
    try {
      const image = await update(deps, caller, id, changes, { apply: edit.apply, write })
      await erase(deps, edit.doomed)
      return image
    } catch (error) {
      if (!(error instanceof Unmeasured)) throw error
      sizes.set(error.url, await measure(deps, error.url, signal))
    }
  }
}
