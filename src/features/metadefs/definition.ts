import { str } from '../../policy/python.js'

/**
 * What is kept of a property's definition: the keys that Glance knows, in the order in which it shows them. Both are
 * the same for properties of a namespace and for those of an object.
 */
export type Definition = Record<string, unknown>

const keys = [
  'name',
  'type',
  'title',
  'description',
  'operators',
  'default',
  'readonly',
  'required',
  'minimum',
  'maximum',
  'enum',
  'pattern',
  'minLength',
  'maxLength',
  'confidential',
  'items',
  'uniqueItems',
  'minItems',
  'maxItems',
  'additionalItems',
]

/** The definition as it is kept and shown, from one that was checked. */
export function definitionOf(given: Record<string, unknown>): Definition {
  return Object.fromEntries(
    keys
      .filter(key => Object.hasOwn(given, key))
      .map(key => [key, key === 'default' ? textOf(given.default) : given[key]]),
  )
}

/** Glance keeps a default as text, Python's at that, and of lists and objects nothing; clients read it as text. */
function textOf(value: unknown): string | null {
  return ['string', 'number', 'boolean'].includes(typeof value) ? str(value) : null
}

/** The definitions of a map, under the names they came with. */
export function definitionsOf(given: unknown): Record<string, Definition> {
  return Object.fromEntries(
    Object.entries((given ?? {}) as Record<string, Record<string, unknown>>).map(([name, definition]) => [
      name,
      definitionOf(definition),
    ]),
  )
}

/** The same map with a prefix before every name. */
export function prefixed<T>(map: Record<string, T>, prefix: string): Record<string, T> {
  return Object.fromEntries(Object.entries(map).map(([name, value]) => [prefix + name, value]))
}
