import { BadRequest } from '../errors.js'

/**
 * Keys are one plain name: no separator, no leading dot, nothing that needs escaping in a path, a URL or an S3
 * policy. Room is left for what the stores put before and after them.
 */
const plain = /^[A-Za-z0-9][A-Za-z0-9._-]{0,199}$/

/** Throws BadRequest for anything that no store of ours ever named an object. */
export function assertKey(key: string): void {
  if (!isKey(key)) throw new BadRequest(`${JSON.stringify(key.slice(0, 200))} is not the key of an object`)
}

export function isKey(key: string): boolean {
  return plain.test(key)
}
