/**
 * The schema documents of metadata definitions, which clients read under /v2/schemas/metadefs: structure and names
 * are Glance's, the descriptions ours. Requests are held against stricter forms of them (see bodies.ts).
 */

const text = { type: 'string' }
const name = { type: 'string', maxLength: 80 }
const readOnlyText = { readOnly: true, type: 'string' }
const typeNames = ['array', 'boolean', 'integer', 'number', 'object', 'string', null]
const ref = (definition: string) => ({ $ref: `#/definitions/${definition}` })

const time = (description: string) => ({
  type: 'string',
  readOnly: true,
  description,
  format: 'date-time',
})

/** The keys of a property's definition. */
export const definitionKeys = {
  name,
  title: text,
  description: text,
  operators: { type: 'array', items: text },
  type: { type: 'string', enum: typeNames },
  required: ref('stringArray'),
  minimum: { type: 'number' },
  maximum: { type: 'number' },
  maxLength: ref('positiveInteger'),
  minLength: ref('positiveIntegerDefault0'),
  pattern: { type: 'string', format: 'regex' },
  enum: { type: 'array' },
  readonly: { type: 'boolean' },
  default: {},
  items: {
    type: 'object',
    properties: { type: { type: 'string', enum: typeNames }, enum: { type: 'array' } },
  },
  maxItems: ref('positiveInteger'),
  minItems: ref('positiveIntegerDefault0'),
  uniqueItems: { type: 'boolean', default: false },
  additionalItems: { type: 'boolean' },
}

const stringArray = { type: 'array', items: text, uniqueItems: true }
const numbers = {
  positiveInteger: { type: 'integer', minimum: 0 },
  positiveIntegerDefault0: { allOf: [ref('positiveInteger'), { default: 0 }] },
}

const definitions = {
  ...numbers,
  stringArray,
  property: {
    type: 'object',
    additionalProperties: { type: 'object', required: ['title', 'type'], properties: definitionKeys },
  },
}
/** Where a definition stands alone, its list of required names may not be empty. */
const definitionsAlone = { ...numbers, stringArray: { ...stringArray, minItems: 1 } }

const namespace = {
  name: 'namespace',
  properties: {
    namespace: {
      type: 'string',
      description: 'The name, of which there is one in all projects.',
      maxLength: 80,
    },
    display_name: { type: 'string', description: 'Name for people, in user interfaces.', maxLength: 80 },
    description: { type: 'string', description: 'What the definitions are about.', maxLength: 500 },
    visibility: {
      type: 'string',
      description: 'Who may read it: everybody, or the project that owns it.',
      enum: ['public', 'private'],
    },
    protected: { type: 'boolean', description: 'Whether it, and what is in it, is kept from deletion.' },
    owner: { type: 'string', description: 'The project that it belongs to.', maxLength: 255 },
    created_at: time('When the namespace was created.'),
    updated_at: time('When the namespace was last changed.'),
    schema: readOnlyText,
    self: readOnlyText,
    resource_type_associations: {
      type: 'array',
      items: { type: 'object', properties: { name: text, prefix: text, properties_target: text } },
    },
    properties: ref('property'),
    objects: {
      type: 'array',
      items: {
        type: 'object',
        properties: {
          name: text,
          description: text,
          required: ref('stringArray'),
          properties: ref('property'),
        },
      },
    },
    tags: { type: 'array', items: { type: 'object', properties: { name: text } } },
  },
  additionalProperties: false,
  definitions,
  required: ['namespace'],
}

const resourceType = {
  name: 'resource_type_association',
  properties: {
    name: {
      type: 'string',
      description:
        'The kind of resource, such as OS::Glance::Image; the names are those of Heat where it has one.',
      maxLength: 80,
    },
    prefix: {
      type: 'string',
      description:
        'What stands before the name of each property on a resource of this type, its separator included.',
      maxLength: 80,
    },
    properties_target: {
      type: 'string',
      description:
        'Which of several sets of properties is meant, where a resource has more than one (a volume has its own and those of its image).',
      maxLength: 80,
    },
    created_at: time('When the association was made.'),
    updated_at: time('When the association was last changed.'),
  },
  additionalProperties: false,
  required: ['name'],
}

const property = {
  name: 'property',
  properties: definitionKeys,
  additionalProperties: false,
  definitions: definitionsAlone,
  required: ['type', 'title', 'name'],
}

const object = {
  name: 'object',
  properties: {
    name,
    description: text,
    required: ref('stringArray'),
    properties: ref('property'),
    schema: readOnlyText,
    self: readOnlyText,
    created_at: time('When the object was created.'),
    updated_at: time('When the object was last changed.'),
  },
  additionalProperties: false,
  definitions,
  required: ['name'],
}

const tag = {
  name: 'tag',
  properties: {
    name,
    created_at: time('When the tag was created.'),
    updated_at: time('When the tag was last changed.'),
  },
  additionalProperties: false,
  required: ['name'],
}

interface Item {
  required?: string[]
  name: string
  definitions?: object
}

/** The document of a list; the definitions that its items refer to move to its root. */
function collection(
  listName: string,
  { definitions: shared, ...item }: Item,
  list: (item: object) => object,
) {
  return {
    name: listName,
    properties: {
      [listName]: list(item),
      first: text,
      next: text,
      schema: text,
    },
    links: [
      { rel: 'first', href: '{first}' },
      { rel: 'next', href: '{next}' },
      { rel: 'describedby', href: '{schema}' },
    ],
    ...(shared && { definitions: shared }),
  }
}

const array = (items: object) => ({ type: 'array', items })
const map = (item: object) => ({ type: 'object', additionalProperties: item })

/** The documents by the last part of their path. */
export const documents = {
  namespace,
  namespaces: collection('namespaces', namespace, array),
  resource_type: resourceType,
  resource_types: collection('resource_type_associations', resourceType, array),
  property,
  // in a list the name is the key
  properties: collection('properties', { ...property, required: ['type', 'title'] }, map),
  object,
  objects: collection('objects', object, array),
  tag,
  tags: collection('tags', tag, array),
}

/** The document with its references replaced by what they refer to, as API descriptions need it. */
export function inlined(document: { definitions?: object }): Record<string, unknown> {
  const { definitions: shared = {}, ...rest } = document
  const resolve = (value: unknown): unknown => {
    if (Array.isArray(value)) return value.map(resolve)
    if (typeof value !== 'object' || value === null) return value
    const { $ref } = value as { $ref?: string }
    if ($ref !== undefined) return resolve((shared as Record<string, unknown>)[$ref.split('/').at(-1) ?? ''])
    return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, resolve(item)]))
  }
  return resolve(rest) as Record<string, unknown>
}
