import { BadRequest } from '../errors.js'

const surrogate = /[\ud800-\udfff]/

/**
 * Refuses text that an image record cannot hold: characters beyond U+FFFF (Glance's limit, kept so that records can
 * move between the two), lone surrogates, and U+0000, which PostgreSQL text has no place for.
 */
export function checkText(value: string, what: string): void {
  if (value.includes('\0')) throw new BadRequest(`${what} may not contain the character U+0000.`)
  if (surrogate.test(value)) throw new BadRequest(`${what} may not contain characters beyond U+FFFF.`)
}
