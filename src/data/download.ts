import type { Caller } from '../auth/caller.js'
import type { Deps } from '../deps.js'
import { BadRange, BadRequest, Forbidden, NotFound, Unavailable } from '../errors.js'
import { type ByteWindow, windowOf } from '../http/range.js'
import { requireOn } from '../images/access.js'
import type { Image } from '../images/image.js'
import { find } from '../images/repository.js'
import { byWeight } from '../images/view.js'
import type { Cacheable, Fetched, Open } from '../stores/cached.js'
import type { StoredBytes, Window } from '../stores/store.js'

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
  const image = await findActivated(deps, caller, id)
  const asked = wishes.prefer !== undefined && !(await isCached(deps, image, wishes))
  const preferred = asked ? preferredStores(deps, wishes.prefer) : []
  requireOn(deps.policy, caller, preferred.length > 0 ? 'download_from_store' : 'download_image', image)
  return openDownload(deps, image, wishes, signal, preferred)
}

/** An image whose bytes the caller may download. Throws NotFound, Forbidden. */
export async function findDownloadable(deps: Deps, caller: Caller, id: string): Promise<Image> {
  const image = await findActivated(deps, caller, id)
  requireOn(deps.policy, caller, 'download_image', image)
  return image
}

async function findActivated(deps: Deps, caller: Caller, id: string): Promise<Image> {
  const image = await find(deps, caller, id)
  if (image.status === 'deactivated' && !caller.is_admin) {
    requireOn(deps.policy, caller, 'get_image', image)
    throw new Forbidden('The requested image has been deactivated. Image data download is forbidden.')
  }
  return image
}

/** Opens the bytes of an image that the caller may download; undefined when there are none (yet, or any more). */
export async function openDownload(
  deps: Deps,
  image: Image,
  wishes: Omit<Wishes, 'prefer'>,
  signal: AbortSignal,
  preferred: readonly string[] = [],
): Promise<Download | undefined> {
  if ((image.status !== 'active' && image.status !== 'deactivated') || image.size === null) return undefined
  const window = image.locations.length > 0 ? windowOf(wishes, image.size) : undefined
  try {
    return { image, bytes: await openBytes(deps, image, preferred, window, signal), window }
  } catch (error) {
    if (error instanceof NotFound) return undefined
    throw error
  }
}

/** The stores that `prefer` names; blank names are none. Throws BadRequest for one that there is not. */
function preferredStores(deps: Deps, prefer: string | undefined): string[] {
  const names = (prefer ?? '').split(',').map(name => name.trim())
  const preferred = names.filter(name => name !== '')
  if (preferred.length > 0 && !deps.stores.multi) throw new BadRequest('There is only one store here.')
  for (const name of preferred) deps.stores.settings(name)
  return preferred
}

/** Whether all of the image is asked for and there already: as with Glance, nobody looks at `prefer` then. */
async function isCached(deps: Deps, image: Image, wishes: Wishes): Promise<boolean> {
  if (wishes.range !== undefined || wishes['content-range'] !== undefined) return false
  const cacheable = deps.cache && cacheableOf(image)
  return cacheable !== null && deps.cache!.has(cacheable)
}

/** An image's bytes by way of the cache, where there is one. What only admins may read does not pass through it. */
async function openBytes(
  deps: Deps,
  image: Image,
  preferred: readonly string[],
  window: ByteWindow | undefined,
  signal: AbortSignal,
): Promise<StoredBytes> {
  const open: Open = (part, until) => openFirst(deps, image, preferred, part, until)
  const cacheable = deps.cache && cacheableOf(image)
  return cacheable ? deps.cache!.read(cacheable, open, { window, signal }) : open(window, signal)
}

/** Brings an image's bytes into the cache. Throws NotFound, Unavailable. */
export async function prefetch(deps: Deps, image: Image): Promise<Fetched> {
  const cacheable = deps.cache && cacheableOf(image)
  if (!cacheable) return 'refused'
  return deps.cache!.fetch(cacheable, (part, until) => openFirst(deps, image, [], part, until))
}

/** The bytes are others when their sum is, or, where nobody knows it, when their place is. */
function cacheableOf({ id, status, size, checksum, locations }: Image): Cacheable | null {
  if (status !== 'active' || size === null || locations.length === 0) return null
  const places = locations.map(({ store, key }) => `${store} ${key}`).join(' ')
  return { id, size, md5: checksum, version: checksum ?? places }
}

/**
 * The first location that can be read: preferred stores first, then by weight. An object of another size than the image's
 * is not its bytes. Only what is missing everywhere is NotFound: a store that does not answer may have it.
 */
async function openFirst(
  deps: Deps,
  image: Image,
  preferred: readonly string[],
  window: Window | undefined,
  signal: AbortSignal | undefined,
): Promise<StoredBytes> {
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
  throw failure ?? new NotFound(`There are no bytes of image ${image.id}.`)
}

const damaged = (image: Image, store: string) =>
  new Unavailable(`The bytes of image ${image.id} in store ${store} are not as many as they should be.`)

/** A store that was taken out of the settings may come back with all it holds. */
function readable(deps: Deps, store: string) {
  if (!deps.stores.names.includes(store)) throw new Unavailable(`There is no store ${store} any more.`)
  return deps.stores.readable(store)
}
