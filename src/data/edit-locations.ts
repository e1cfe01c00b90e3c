import { isDeepStrictEqual } from 'node:util'
import type { Caller } from '../auth/caller.js'
import type { Database } from '../db/connect.js'
import type { Deps } from '../deps.js'
import { BadRequest, Conflict, Forbidden } from '../errors.js'
import { requireOn } from '../images/access.js'
import type { Image, Location } from '../images/image.js'
import type { PatchChange } from '../images/patch.js'
import { move } from '../images/status.js'
import type { LocationEdit } from '../images/update.js'
import { byWeight, locationUrl } from '../images/view.js'
import { checkCount } from '../quota/of-image.js'
import type { BlobName } from './blobs.js'
import { checkPlace } from './external-place.js'
import * as locations from './locations.js'
import { newValues, type Validated } from './validation-data.js'

/** A place whose size has to be known before the edit can go on. */
export class Unmeasured extends Error {
  constructor(readonly url: string) {
    super('a location has not been measured yet')
  }
}

/** A location as PATCH takes it; its shape is checked before. */
interface Given {
  url: string
  metadata: Record<string, unknown>
  validation_data?: Validated
}

/** A location in the making has no id yet. */
const NEW = 0

/**
 * The operations of one PATCH on /locations, in Glance's order of checks. No server is asked here, where a transaction
 * is open: `sizes` has the bytes of each place by URL, and one that is missing there throws Unmeasured.
 */
export function editLocations(
  deps: Deps,
  caller: Caller,
  sizes: ReadonlyMap<string, number>,
): LocationEdit & { doomed: BlobName[] } {
  const doomed: BlobName[] = []
  let dropped: Location[] = []
  let edited: Image | undefined

  const allowed = (image: Image, rule: string) => {
    requireOn(deps.policy, caller, rule, image)
    if (!deps.config.show_multiple_locations) {
      throw new Forbidden('Locations of images are not shown here, and cannot be changed.')
    }
  }
  const apply = (image: Image, change: PatchChange): Partial<Image> => {
    if (change.op === 'replace') return replace(image, change.value as Given[])
    if (change.op === 'add') return add(image, change.rest[0] ?? '', change.value as Given)
    return remove(image, change.rest[0] ?? '')
  }

  function replace(image: Image, given: Given[]): Partial<Image> {
    if (given.length === 0) throw new Forbidden('An image can not be left without locations.')
    allowed(image, 'set_image_location')
    checkStatus(image, ['active', 'queued'])
    const values = newValues(image, given)
    checkCount(deps.config, 'image_location_quota', given.length)
    if (present(image).length > 0) return { locations: describeAnew(deps, image, given) }
    const added: Location[] = []
    for (const one of given) added.push(place(image, added, one))
    return activated(image, added, values)
  }

  function add(image: Image, at: string, given: Given): Partial<Image> {
    allowed(image, 'set_image_location')
    checkStatus(image, ['active', 'queued'])
    const values = newValues(image, [given])
    const list = present(image)
    const index = position(at, list.length, true)
    checkCount(deps.config, 'image_location_quota', list.length + 1)
    return activated(image, list.toSpliced(index, 0, place(image, list, given)), values)
  }

  function remove(image: Image, at: string): Partial<Image> {
    allowed(image, 'delete_image_location')
    checkStatus(image, ['active'])
    const list = present(image)
    if (list.length === 1) throw new Forbidden('The last location of an image can not be removed.')
    const index = position(at, list.length, false)
    dropped = [...dropped, ...list.slice(index, index + 1)]
    return { locations: list.toSpliced(index, 1) }
  }

  /** Locations that count, in their order. On a queued image is none but one that failed, which goes now. */
  const present = (image: Image) => (image.status === 'queued' ? [] : byWeight(deps, image))

  /** A new location, checked and measured. */
  function place(image: Image, others: readonly Location[], { url, metadata }: Given): Location {
    const { store } = checkPlace(deps, url)
    const own = ownMetadata(metadata)
    checkMetadata(own)
    if (others.some(other => other.url === url && isDeepStrictEqual(other.metadata, own))) {
      throw new BadRequest('The image has this location already.')
    }
    const size = sizes.get(url)
    if (size === undefined) throw new Unmeasured(url)
    const expected = image.size ?? sizes.get(others[0]?.url ?? '') ?? size
    // a copy of another size is no copy: who reads it would get other bytes than the image's
    if (size !== expected)
      throw new BadRequest('The bytes at this location are not as many as the image has.')
    return { id: NEW, store, key: url, url, metadata: own }
  }

  function activated(image: Image, next: Location[], values: Validated): Partial<Image> {
    if (image.status === 'active') return { locations: next }
    for (const name of ['disk_format', 'container_format'] as const) {
      if (image[name] === null) throw new BadRequest(`${name} must be set before the image gets a location.`)
    }
    const size = sizes.get(next[0]?.url ?? '') ?? null
    return { locations: next, status: 'active', size, ...values }
  }

  async function write(tx: Database, before: Image): Promise<void> {
    if (!edited) return
    for (const location of dropped)
      if (location.id !== NEW) doomed.push(...(await locations.drop(tx, location)))
    if (before.status === 'queued') await locations.dropLeft(tx, before.id)
    await arrange(tx, before, edited.locations)
    if (before.status !== edited.status) {
      const { size, checksum, os_hash_algo, os_hash_value } = edited
      const won = await move(tx, before.id, before.status, edited.status, {
        size,
        checksum,
        os_hash_algo,
        os_hash_value,
      })
      if (!won) throw new Conflict('The image changed meanwhile.')
    }
  }

  return {
    doomed,
    apply(image, change) {
      const result = apply(image, change)
      edited = { ...image, ...result }
      return result
    },
    write,
  }
}

/** Writes the list in its order, which is that of the rows' ids: what has to follow something new is written anew. */
async function arrange(tx: Database, before: Image, list: readonly Location[]): Promise<void> {
  let last = NEW
  for (const location of list) {
    const old = before.locations.find(({ id }) => id === location.id)
    if (!old) await locations.addExternal(tx, before.id, location as Location & { url: string })
    else if (location.id < last) await locations.moveToEnd(tx, before.id, location)
    else if (!isDeepStrictEqual(old.metadata, location.metadata)) {
      await locations.setMetadata(tx, location, location.metadata)
    }
    last = old && location.id >= last ? location.id : Number.POSITIVE_INFINITY
  }
}

function checkStatus(image: Image, states: readonly string[]): void {
  if (!states.includes(image.status)) {
    throw new Conflict(`Locations can not be changed while the image is ${image.status}.`)
  }
}

/** An index of a list: `-` is its end. One beyond is the end too when something is to be added. Throws BadRequest. */
function position(at: string, length: number, adding: boolean): number {
  const last = adding ? length : length - 1
  const index = at === '-' ? last : /^\d+$/.test(at) ? Number(at) : -1
  if (index < 0 || (!adding && index > last)) throw new BadRequest('There is no location at this position.')
  return Math.min(index, last)
}

/** The same places again: what is new is their metadata. Other places than those that are there are refused. */
function describeAnew(deps: Deps, image: Image, given: readonly Given[]): Location[] {
  const rest = byWeight(deps, image)
  const urls = (list: readonly string[]) => list.toSorted().join('\n')
  if (urls(rest.map(one => locationUrl(deps, one))) !== urls(given.map(({ url }) => url))) {
    throw new BadRequest('The image has locations already. They can be described anew, but not replaced.')
  }
  return given.map(({ url, metadata }) => {
    const own = ownMetadata(metadata)
    checkMetadata(own)
    const [location] = rest.splice(
      rest.findIndex(one => locationUrl(deps, one) === url),
      1,
    ) as [Location]
    return { ...location, metadata: own }
  })
}

/** Metadata without the store's name, which is added when it is shown. */
function ownMetadata({ store: _, ...own }: Record<string, unknown>): Record<string, unknown> {
  return own
}

/** Metadata holds texts, lists and objects of them. Throws BadRequest. */
function checkMetadata(value: unknown): void {
  if (typeof value === 'string') {
    if (/\0|\p{Surrogate}/u.test(value)) {
      throw new BadRequest('The metadata of a location may contain neither U+0000 nor lone surrogates.')
    }
  } else if (typeof value === 'object' && value !== null) {
    for (const [name, part] of Object.entries(value)) {
      checkMetadata(name)
      checkMetadata(part)
    }
  } else throw new BadRequest('The metadata of a location may hold texts, lists and objects only.')
}
