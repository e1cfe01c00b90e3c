import type { Caller } from '../auth/caller.js'
import type { Deps } from '../deps.js'
import { BadRange, Forbidden, NotFound, Unavailable } from '../errors.js'
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

/**
 * The first location that can be read, in the order of the stores' weights. An object of another size than the image's
 * is not its bytes. Only what is missing everywhere is missing: a store that does not answer may have it.
 */
async function openFirst(
  deps: Deps,
  image: Image,
  window: ByteWindow | undefined,
  signal: AbortSignal,
): Promise<StoredBytes | undefined> {
  let failure: unknown
  for (const { store, key } of byWeight(deps, image)) {
    try {
      const bytes = await readable(deps, store).read(key, window, signal)
      if (bytes.size === image.size) return bytes
      throw damaged(image, store)
    } catch (error) {
      // the window lies within the image, so it is the object that is too short
      const reason = error instanceof BadRange ? damaged(image, store) : error
      if (!(reason instanceof NotFound)) failure ??= reason
      deps.log.warn({ err: reason, image: image.id, store }, 'a location of an image could not be read')
    }
  }
  if (failure !== undefined) throw failure
  return undefined
}

const damaged = (image: Image, store: string) =>
  new Unavailable(`The bytes of image ${image.id} in store ${store} are not as many as they should be.`)

/** A store that was taken out of the settings may come back with all it holds. */
function readable(deps: Deps, store: string) {
  if (!deps.stores.names.includes(store)) throw new Unavailable(`There is no store ${store} any more.`)
  return deps.stores.readable(store)
}
