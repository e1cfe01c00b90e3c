import type { Caller } from '../auth/caller.js'
import type { Deps } from '../deps.js'
import type { Image } from '../images/image.js'
import type { PatchChange } from '../images/patch.js'
import { update } from '../images/update.js'
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
  for (;;) {
    const edit = editLocations(deps, caller, sizes)
    try {
      const image = await update(deps, caller, id, changes, edit)
      await erase(deps, edit.doomed)
      return image
    } catch (error) {
      if (!(error instanceof Unmeasured)) throw error
      sizes.set(error.url, await measure(deps, error.url, signal))
    }
  }
}
