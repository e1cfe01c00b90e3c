import { BadRequest } from '../errors.js'
import { checker } from '../http/validation.js'
import { baseProperties, type Formats } from './schemas.js'
import { checkText } from './text.js'

/** Largest min_disk and min_ram: the columns are 32 bits wide. */
const MAX_INTEGER = 2 ** 31 - 1

/** Holds attributes and properties of an image, or some of them, against the schema; throws BadRequest. */
export type CheckAttributes = (attributes: Record<string, unknown>) => void

/** Makes the check for the configured formats: types, lengths, enums, characters and ranges. */
export function attributeChecker(formats: Formats): CheckAttributes {
  const check = checker(
    { type: 'object', properties: baseProperties(formats), additionalProperties: { type: 'string' } },
    'image',
  )
  return attributes => {
    check(attributes)
    for (const [name, value] of Object.entries(attributes)) {
      checkText(name, 'The name of a property')
      if (name.length > 255) throw new BadRequest('The name of a property may have at most 255 characters.')
      if (typeof value === 'string') checkText(value, `The value of ${name.slice(0, 100)}`)
    }
    for (const name of ['min_disk', 'min_ram'] as const) {
      const value = attributes[name]
      if (typeof value === 'number' && (value < 0 || value > MAX_INTEGER)) {
        throw new BadRequest(`${name} must be between 0 and ${MAX_INTEGER}.`)
      }
    }
    if (Array.isArray(attributes.tags)) for (const tag of attributes.tags) checkText(tag, 'A tag')
  }
}
