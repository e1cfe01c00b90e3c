import type { Deps } from '../deps.js'
import * as blobs from './blobs.js'

/** Removes doomed objects from their stores; what a store refuses now stays doomed for the reaper to try again. */
export async function erase(
  deps: Deps,
  names: readonly blobs.BlobName[],
  signal?: AbortSignal,
): Promise<void> {
  for (const blob of names) {
    if (signal?.aborted) return
    try {
      await deps.stores.get(blob.store).remove(blob.key, signal)
      await blobs.forget(deps.db, blob)
    } catch (err) {
      deps.log.warn({ err, store: blob.store, key: blob.key }, 'an object could not be removed yet')
    }
  }
}
