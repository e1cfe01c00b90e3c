import type { Caller } from '../auth/caller.js'
import type { Deps } from '../deps.js'
import { Forbidden, NotFound } from '../errors.js'
import { type ByteWindow, windowOf } from '../http/range.js'
import { requireOn } from '../images/access.js'
import type { Image } from '../images/image.js'
import { find } from '../images/repository.js'
import { byWeight } from '../images/view.js'
import type { StoredBytes } from '../stores/store.js'

export interface Download {
  image: Image
  bytes: StoredBytes
  /** The asked-for part; undefined for all of it. */
  window: ByteWindow | undefined
}

/** Opens an image's bytes for reading; undefined when there are none (yet, or any more). */
export async function download(
  deps: Deps,
  caller: Caller,
  id: string,
  headers: { range?: string | undefined; 'content-range'?: string | undefined },
  signal: AbortSignal,
): Promise<Download | undefined> {
  const image = await find(deps.pool, caller, id)
  if (image.status === 'deactivated' && !caller.is_admin) {
    requireOn(deps.policy, caller, 'get_image', image)
    throw new Forbidden('The requested image has been deactivated. Image data download is forbidden.')
  }
  requireOn(deps.policy, caller, 'download_image', image)
  if ((image.status !== 'active' && image.status !== 'deactivated') || image.size === null) return undefined
  const window = image.locations.length > 0 ? windowOf(headers, image.size) : undefined
  const bytes = await openFirst(deps, image, window, signal)
  return bytes && { image, bytes, window }
}

/** The first location that can be read, in the order of the stores' weights; the last failure decides. */
async function openFirst(
  deps: Deps,
  image: Image,
  window: ByteWindow | undefined,
  signal: AbortSignal,
): Promise<StoredBytes | undefined> {
  let failure: unknown
  for (const { store, key } of byWeight(deps, image)) {
    try {
      return await deps.stores.readable(store).read(key, window, signal)
    } catch (error) {
      failure = error
      deps.log.warn({ err: error, image: image.id, store }, 'a location of an image could not be read')
    }
  }
  if (failure === undefined || failure instanceof NotFound) return undefined
  throw failure
}
