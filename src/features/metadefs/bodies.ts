import { BadRequest, Forbidden } from '../../errors.js'
import { checker } from '../../http/validation.js'
import { checkText } from '../../images/text.js'
import { documents } from './schemas.js'

/**
 * What requests may carry: the schema documents, made strict where the reference lets a body pass and then breaks
 * over it (nested parts without a name, unknown keys in them, names longer than their column).
 */

const text = { type: 'string' }
const name = { type: 'string', maxLength: 80 }
const scalars = { type: 'array', items: { type: ['string', 'number', 'boolean', 'null'] } }
const times = { created_at: text, updated_at: text }

/** A definition inside something else; Glance also knows `confidential`, which its schema documents do not name. */
const keysOfDefinition = {
  ...documents.property.properties,
  enum: scalars,
  items: {
    type: 'object',
    required: ['type'],
    properties: { ...documents.property.properties.items.properties, enum: scalars },
    additionalProperties: false,
  },
}
const definition = { type: 'object', required: ['title', 'type'], additionalProperties: false }
const lenient = { ...definition, properties: { ...keysOfDefinition, confidential: { type: 'boolean' } } }
/** Where objects are created Glance also wants one name at least in `required`. */
const strict = {
  ...definition,
  properties: { ...keysOfDefinition, required: documents.property.definitions.stringArray },
}
const map = (of: object) => ({ type: 'object', additionalProperties: of })

const object = (of: object) => ({
  type: 'object',
  required: ['name'],
  properties: {
    name,
    description: text,
    required: { $ref: '#/definitions/stringArray' },
    properties: map(of),
    self: text,
    schema: text,
    ...times,
  },
  additionalProperties: false,
})

const association = {
  type: 'object',
  required: ['name'],
  properties: { name, prefix: name, properties_target: name, ...times },
  additionalProperties: false,
}

const { definitions } = documents.namespace
const tag = {
  type: 'object',
  required: ['name'],
  properties: { name, ...times },
  additionalProperties: false,
}

const namespaceCheck = checker({
  type: 'object',
  ...documents.namespace,
  properties: {
    ...documents.namespace.properties,
    resource_type_associations: { type: 'array', items: association },
    properties: map(lenient),
    objects: { type: 'array', items: object(lenient) },
    tags: { type: 'array', items: tag },
  },
})
const objectCheck = checker({ ...object(strict), definitions })
const changedObjectCheck = checker({ ...object(lenient), definitions })
const propertyCheck = checker({ ...documents.property, properties: keysOfDefinition })
const associationCheck = checker(association)
const tagCheck = checker(tag)
const tagsCheck = checker({
  type: 'object',
  required: ['tags'],
  properties: {
    tags: {
      type: 'array',
      items: { type: 'object', required: ['name'], properties: { name }, additionalProperties: false },
    },
  },
  additionalProperties: false,
})

type Given = Record<string, unknown>

export interface GivenAssociation {
  name: string
  prefix?: string
  properties_target?: string
}
export interface GivenObject {
  name: string
  description?: string
  required?: string[]
  properties?: Record<string, Given>
}
export interface GivenTag {
  name: string
}
export interface GivenNamespace {
  namespace: string
  display_name?: string
  description?: string
  visibility?: 'public' | 'private'
  protected?: boolean
  owner?: string
  resource_type_associations?: GivenAssociation[]
  properties?: Record<string, Given>
  objects?: GivenObject[]
  tags?: GivenTag[]
}

/** Refuses what only the server sets: 403, before anything else is looked at. */
function refuseReadOnly(body: Given, keys: readonly string[]): void {
  const key = keys.find(one => Object.hasOwn(body, one))
  if (key !== undefined) throw new Forbidden(`The attribute ${key} is read-only.`)
}

const generated = ['self', 'schema', 'created_at', 'updated_at']
const stamps = ['created_at', 'updated_at']

/** A namespace with all that may be in it. Throws Forbidden for read-only keys, BadRequest. */
export function namespaceBody(body: Given): GivenNamespace {
  refuseReadOnly(body, generated)
  return checkedNamespace(body)
}

/** The same without the read-only keys' check and the limits of API requests: for files. */
export function checkedNamespace(body: Given): GivenNamespace {
  namespaceCheck(body)
  const given = body as unknown as GivenNamespace
  if (given.namespace === '' || given.namespace.includes('/')) {
    throw new BadRequest('A namespace needs a name, and the name may not contain a slash.')
  }
  checkTexts(body)
  for (const one of given.resource_type_associations ?? []) checkTexts(one)
  for (const one of given.objects ?? []) checkObjectTexts(one)
  for (const one of given.tags ?? []) checkTexts(one)
  for (const [key, one] of Object.entries(given.properties ?? {})) {
    if ([...key].length > 80) throw new BadRequest('The name of a property may have at most 80 characters.')
    checkText(key, 'The name of a property')
    checkTexts(one)
  }
  return given
}

/** Refuses defaults that a client could not get back: Glance keeps them as ASCII. */
export function checkDefaults(properties: Record<string, Given> | undefined): void {
  for (const one of Object.values(properties ?? {})) {
    if (typeof one.default === 'string' && /[^\x00-\x7f]/.test(one.default)) {
      throw new BadRequest('The default of a property may have ASCII characters only.')
    }
  }
}

export function objectBody(body: Given, how: { change: boolean }): GivenObject {
  refuseReadOnly(body, generated)
  if (how.change) changedObjectCheck(body)
  else objectCheck(body)
  const given = body as unknown as GivenObject
  checkObjectTexts(given)
  checkDefaults(given.properties)
  return given
}

export function propertyBody(body: Given): Given & { name: string } {
  refuseReadOnly(body, stamps)
  propertyCheck(body)
  checkTexts(body)
  checkDefaults({ property: body })
  return body as Given & { name: string }
}

export function associationBody(body: Given): GivenAssociation {
  refuseReadOnly(body, stamps)
  associationCheck(body)
  checkTexts(body)
  return body as unknown as GivenAssociation
}

export function tagBody(body: Given): GivenTag {
  refuseReadOnly(body, stamps)
  tagCheck(body)
  checkTexts(body)
  return body as unknown as GivenTag
}

export function tagsBody(body: Given): GivenTag[] {
  refuseReadOnly(body, stamps)
  tagsCheck(body)
  const { tags } = body as unknown as { tags: GivenTag[] }
  for (const one of tags) checkTexts(one)
  return tags
}

function checkObjectTexts(given: GivenObject): void {
  checkTexts(given)
  for (const one of given.required ?? []) checkText(one, 'required')
  for (const one of Object.values(given.properties ?? {})) checkTexts(one)
}

/** The texts right under a value; Glance's limits do not reach into lists. */
function checkTexts(value: object): void {
  for (const [key, item] of Object.entries(value)) if (typeof item === 'string') checkText(item, key)
}
