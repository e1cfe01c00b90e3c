import { BadRequest } from '../../errors.js'
import { checker } from '../../http/validation.js'

/** A place of bytes, as POST takes it. */
export interface NewLocation {
  url: string
  /** What the bytes hash to; absent when nobody says. */
  validation_data?: { os_hash_algo: string; os_hash_value: string }
}

export const newLocationSchema = {
  type: 'object',
  required: ['url'],
  properties: {
    url: { type: 'string', description: 'Where the bytes are.' },
    validation_data: {
      type: 'object',
      description: 'What the bytes hash to: both members, or none.',
      additionalProperties: false,
      properties: {
        os_hash_algo: { type: 'string', maxLength: 64, enum: ['sha1', 'sha256', 'sha512', 'md5'] },
        os_hash_value: { type: 'string', maxLength: 128 },
      },
      dependentRequired: { os_hash_algo: ['os_hash_value'], os_hash_value: ['os_hash_algo'] },
    },
  },
}

export const locationsSchema = {
  type: 'array',
  items: {
    type: 'object',
    required: ['url', 'metadata'],
    properties: {
      url: { type: 'string', description: 'Where the bytes are.' },
      metadata: { type: 'object', description: 'What came along, and the name of the store.' },
    },
  },
}

const check = checker(newLocationSchema)

/** Reads the body of a POST. glanceclient sends empty validation data where it has none. Throws BadRequest. */
export function parseLocation(body: Record<string, unknown>): NewLocation {
  check(body)
  const { url, validation_data } = body as unknown as NewLocation
  if (url.includes('\0')) throw new BadRequest('A URL may not contain U+0000.')
  // the checker speaks an older JSON Schema, which has no dependentRequired
  if ((validation_data?.os_hash_algo === undefined) !== (validation_data?.os_hash_value === undefined)) {
    throw new BadRequest('validation_data needs both os_hash_algo and os_hash_value.')
  }
  if (validation_data?.os_hash_value === undefined) return { url }
  const { os_hash_algo, os_hash_value } = validation_data
  return { url, validation_data: { os_hash_algo, os_hash_value: os_hash_value.toLowerCase() } }
}
