import { Ajv, type ValidateFunction } from 'ajv'
import { BadRequest } from '../errors.js'

/**
 * JSON Schema checks that change nothing: no coercion, no defaults, no removed properties, so that an image's own
 * properties survive byte for byte.
 */
const ajv = new Ajv({ strict: false, ownProperties: true })
ajv.addFormat('uuid', /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i)
ajv.addFormat('date-time', true)
// Glance says so of patterns and never compiles one
ajv.addFormat('regex', true)

/** Compiles a schema into a check that throws BadRequest with one sentence about the first fault. */
export function checker(schema: object, what = 'request body'): (value: unknown) => void {
  const validate: ValidateFunction = ajv.compile(schema)
  return value => {
    if (validate(value)) return
    const fault = validate.errors?.[0]
    const at = fault?.instancePath ? `${what} at ${fault.instancePath.slice(0, 200)}` : what
    const allowed = fault?.keyword === 'enum' ? `: ${fault.params.allowedValues.map(String).join(', ')}` : ''
    const which =
      fault?.keyword === 'additionalProperties'
        ? ` (${String(fault.params.additionalProperty).slice(0, 100)})`
        : ''
    throw new BadRequest(`The ${at} ${fault?.message ?? 'is not valid'}${allowed}${which}.`)
  }
}
