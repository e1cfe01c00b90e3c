import { BadRequest, Forbidden, TooLarge } from '../errors.js'
import type { CheckAttributes } from './check.js'
import { isReserved, readOnly } from './image.js'

/** Both JSON-patch media types → changes. Everything here is checked before the image is looked at. */

export const PATCH_V20 = 'application/openstack-images-v2.0-json-patch'
export const PATCH_V21 = 'application/openstack-images-v2.1-json-patch'
export const patchTypes = [PATCH_V20, PATCH_V21] as const

export interface PatchChange {
  op: 'add' | 'replace' | 'remove'
  /** Name of the attribute or property. */
  name: string
  /** What follows the name: the index of a location. */
  rest: string[]
  value: unknown
  /** The old form, in which add refuses what is there. */
  legacy: boolean
}

const ops = ['add', 'replace', 'remove'] as const

/** Operations that one request may hold: more than an image has properties, and few enough to be looked at in no time. */
const MAX_OPERATIONS = 1000

/** Segments that a path must have; one, but for single locations. */
const depth = (name: string, op: string) => (name === 'locations' && op !== 'replace' ? 2 : 1)

/** Reads a patch document. Throws BadRequest for its form, TooLarge for their number, Forbidden for names that no client may write. */
export function parsePatch(
  body: readonly unknown[],
  mediaType: string,
  check: CheckAttributes,
): PatchChange[] {
  if (body.length > MAX_OPERATIONS)
    throw new TooLarge(`A request may hold at most ${MAX_OPERATIONS} operations.`)
  const legacy = mediaType === PATCH_V20
  return body.map(entry => {
    if (entry === null || typeof entry !== 'object' || Array.isArray(entry)) {
      throw new BadRequest('Each operation must be a JSON object.')
    }
    const raw = entry as Record<string, unknown>
    const op = legacy ? legacyOp(raw) : currentOp(raw)
    const path = legacy ? raw[op] : own(raw, 'path')
    if (path === undefined) throw new BadRequest('Each operation needs a path.')
    const [name = '', ...rest] = segments(path)
    if (rest.length + 1 !== depth(name, op)) {
      throw new BadRequest(`The path ${String(path).slice(0, 300)} is not one of an image.`)
    }
    if (op !== 'remove' && !Object.hasOwn(raw, 'value'))
      throw new BadRequest(`The operation ${op} needs a value.`)
    const change: PatchChange = { op, name, rest, value: op === 'remove' ? undefined : raw.value, legacy }
    checkName(change)
    if (op !== 'remove') {
      check(Object.fromEntries([[name, rest.length > 0 ? [change.value] : change.value]]))
    }
    return change
  })
}

const own = (raw: Record<string, unknown>, key: string) => (Object.hasOwn(raw, key) ? raw[key] : undefined)

function currentOp(raw: Record<string, unknown>): PatchChange['op'] {
  const op = own(raw, 'op')
  const known = ops.find(one => one === op)
  if (!known) throw new BadRequest('Each operation needs an op: add, replace or remove.')
  return known
}

function legacyOp(raw: Record<string, unknown>): PatchChange['op'] {
  const present = ops.filter(op => Object.hasOwn(raw, op))
  const [op] = present
  if (!op || present.length > 1) {
    throw new BadRequest('Each operation needs exactly one member of add, replace and remove.')
  }
  return op
}

/** A JSON pointer of the limited form that Glance takes; its segments lose white space around them. */
function segments(pointer: unknown): string[] {
  if (typeof pointer !== 'string') throw new BadRequest('A path must be a string.')
  const shown = pointer.slice(0, 300)
  if (!pointer.startsWith('/')) throw new BadRequest(`The path ${shown} does not start with /.`)
  // Glance minds no slash more at the start
  if (/\/\s*\//.test(pointer.slice(1))) {
    throw new BadRequest(`The path ${shown} has an empty segment.`)
  }
  if (pointer.length > 1 && pointer.endsWith('/')) throw new BadRequest(`The path ${shown} ends with /.`)
  if (/~(?![01])/.test(pointer)) throw new BadRequest(`The path ${shown} has a ~ that is neither ~0 nor ~1.`)
  return pointer
    .replace(/^\/+/, '')
    .split('/')
    .map(part => part.replaceAll('~1', '/').replaceAll('~0', '~').trim())
}

function checkName({ name }: PatchChange): void {
  if (readOnly.has(name) || name === 'id') throw new Forbidden(`Attribute ${name} is read-only.`)
  if (isReserved(name)) throw new Forbidden(`Attribute ${name.slice(0, 100)} is reserved.`)
}

/** The body of PATCH, in either of its media types, for its description. */
export const patchSchema = {
  type: 'array',
  items: {
    type: 'object',
    description:
      'One change; the media type of v2.0 has the path as value of the key `add`, `replace` or `remove`.',
    properties: {
      op: { type: 'string', enum: ['add', 'replace', 'remove'], description: 'What to do.' },
      path: {
        type: 'string',
        description: 'Attribute or property, with `~1` for a slash in its name.',
        examples: ['/name'],
      },
      value: { description: 'The new value; none for remove.' },
    },
  },
}
