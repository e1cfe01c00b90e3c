import { Conflict } from '../errors.js'
import { HASH_ALGORITHM, type Image } from '../images/image.js'

/** What clients say of the bytes at a location before anybody has read them. */

/** Characters of a digest in hex. */
export const digestLength: Readonly<Record<string, number>> = { md5: 32, sha1: 40, sha256: 64, sha512: 128 }

export const isDigest = (algorithm: string, value: string) =>
  value.length === digestLength[algorithm] && /^[0-9a-f]*$/i.test(value)

const names = ['checksum', 'os_hash_algo', 'os_hash_value'] as const

/** The attributes that validation data sets. */
export type Validated = Partial<Record<(typeof names)[number], string>>

/**
 * What the validation data of locations in a PATCH adds to the image. What is known already may be said again; new
 * values are taken while the image is queued. Throws Conflict, as Glance does.
 */
export function newValues(image: Image, locations: readonly { validation_data?: Validated }[]): Validated {
  const added: Validated = {}
  for (const { validation_data = {} } of locations) {
    for (const name of names) {
      const value = validation_data[name]
      if (value === undefined) continue
      if (added[name] !== undefined && added[name] !== value) {
        throw new Conflict(`The locations do not agree on ${name}.`)
      }
      added[name] = value
    }
  }
  for (const name of names) {
    if (added[name] === undefined || added[name] === image[name]) delete added[name]
    else if (image[name] !== null) throw new Conflict(`${name} is already set with a different value.`)
  }
  if (Object.keys(added).length === 0) return {}
  if (image.status !== 'queued') {
    throw new Conflict(`${Object.keys(added).join(', ')} can only be set while the image is queued.`)
  }
  if (added.checksum !== undefined && !isDigest('md5', added.checksum)) {
    throw new Conflict('checksum must be an MD5 in hex.')
  }
  if (added.os_hash_algo !== HASH_ALGORITHM) throw new Conflict(`os_hash_algo must be ${HASH_ALGORITHM}.`)
  if (added.os_hash_value === undefined || !isDigest(HASH_ALGORITHM, added.os_hash_value)) {
    throw new Conflict(`os_hash_value must be a ${HASH_ALGORITHM} in hex.`)
  }
  return added
}
