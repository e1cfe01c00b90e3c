import type { Deps } from '../deps.js'
import { BadRequest } from '../errors.js'
import { checkUri } from '../fetch/guard.js'
import type { ExternalPlace } from './locations.js'

/**
 * Places that users and services name for an image's bytes. Only a store that is read and never written to takes them:
 * the objects of the others have keys of our own making, and nobody points an image at one of them.
 */

/** The store that reads places on web servers, the first in the operator's order; undefined when there is none. */
export const webStore = ({ stores }: Pick<Deps, 'stores'>): string | undefined =>
  stores.names.find(name => stores.settings(name).kind === 'http')

/** One sentence for everything that is wrong with a place, so that nobody maps a network by it. */
export const invalidPlace = (cause?: unknown) => new BadRequest('Invalid location', { cause })

/** Whether a URL is of the kind that goes through the filter of imports. */
export const isWeb = (url: string) => /^https?:/i.test(url)

/** Holds a URL against the kinds of place that there are and the filter of imports. Throws BadRequest. */
export function checkPlace(deps: Pick<Deps, 'config' | 'stores'>, url: string): ExternalPlace {
  const store = webStore(deps)
  if (store === undefined || !isWeb(url)) throw invalidPlace()
  checkWeb(deps, url)
  return { store, url }
}

/** Holds a web URL against the filter of imports. A user or password in it is refused: locations are shown as they are. */
export function checkWeb({ config }: Pick<Deps, 'config'>, url: string): void {
  let parsed: URL
  try {
    parsed = checkUri(config, url)
  } catch (cause) {
    throw invalidPlace(cause)
  }
  if (parsed.username !== '' || parsed.password !== '') throw invalidPlace()
}

/** Bytes at a place. Throws BadRequest when it can't be reached, has nothing, or does not say. */
export async function measure(deps: Deps, url: string, signal?: AbortSignal): Promise<number> {
  const place = checkPlace(deps, url)
  let size: number
  try {
    size = (await deps.stores.readable(place.store).stat(url, signal)).size
  } catch (cause) {
    signal?.throwIfAborted()
    throw invalidPlace(cause)
  }
  if (size <= 0) throw invalidPlace()
  return size
}
