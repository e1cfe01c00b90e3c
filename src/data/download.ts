import type { Caller } from '../auth/caller.js'
import type { Deps } from '../deps.js'
import { BadRange, BadRequest, Forbidden, NotFound, Unavailable } from '../errors.js'
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

/** What a client may ask of a download. */
export interface Wishes {
  range: string | undefined
  'content-range': string | undefined
  /** Stores to read from first, comma-separated. */
  prefer: string | undefined
}

/** Opens an image's bytes for reading; undefined when there are none (yet, or any more). */
export async function download(
  deps: Deps,
  caller: Caller,
  id: string,
  wishes: Wishes,
  signal: AbortSignal,
): Promise<Download | undefined> {
  const image = await find(deps.pool, caller, id)
  if (image.status === 'deactivated' && !caller.is_admin) {
    requireOn(deps.policy, caller, 'get_image', image)
    throw new Forbidden('The requested image has been deactivated. Image data download is forbidden.')
  }
  const preferred = preferredStores(deps, wishes.prefer)
  requireOn(deps.policy, caller, preferred.length > 0 ? 'download_from_store' : 'download_image', image)
  if ((image.status !== 'active' && image.status !== 'deactivated') || image.size === null) return undefined
  const window = image.locations.length > 0 ? windowOf(wishes, image.size) : undefined
  const bytes = await openFirst(deps, image, preferred, window, signal)
  return bytes && { image, bytes, window }
}

/** The stores that `prefer` names; blank names are none. Throws BadRequest for one that there is not. */
function preferredStores(deps: Deps, prefer: string | undefined): string[] {
  const names = (prefer ?? '').split(',').map(name => name.trim())
  const preferred = names.filter(name => name !== '')
  if (preferred.length > 0 && !deps.stores.multi) throw new BadRequest('There is only one store here.')
  for (const name of preferred) deps.stores.settings(name)
  return preferred
}

/**
 * The first location that can be read: preferred stores first, then by weight. An object of another size than the image's
 * is not its bytes. Only what is missing everywhere is missing: a store that does not answer may have it.
 */
async function openFirst(
  deps: Deps,
  image: Image,
  preferred: readonly string[],
  window: ByteWindow | undefined,
  signal: AbortSignal,
): Promise<StoredBytes | undefined> {
  let failure: unknown
  const rank = (store: string) => (preferred.includes(store) ? preferred.indexOf(store) : preferred.length)
  const locations = byWeight(deps, image).sort((a, b) => rank(a.store) - rank(b.store))
  for (const { store, key } of locations) {
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
