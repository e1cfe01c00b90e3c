import type { Actor } from '../actors.js'
import type { Step } from '../exchange.js'
import { del, get, post, put } from './steps.js'

/** The steps that scenarios of metadata definitions are made of. Every scenario's namespace is called `<run>`. */
type More = Partial<Step>

export const all = '/v2/metadefs/namespaces'
export const one = `${all}/<run>`
/** A resource type that scenarios share, as nothing ever removes one. */
export const shared = 'OS::Contract::Shared'

export const make = (actor: Actor, attributes: object = {}, more: More = {}): Step =>
  post(actor, all, { namespace: '<run>', ...attributes }, more)
export const change = (actor: Actor, attributes: object = {}, more: More = {}): Step =>
  put(actor, one, { namespace: '<run>', ...attributes }, more)
export const read = (actor: Actor, more: More = {}): Step => get(actor, one, more)
export const drop = (actor: Actor = 'admin', more: More = {}): Step => del(actor, one, more)

export const property = (attributes: object = {}) => ({ title: 'Title', type: 'string', ...attributes })

/** What a namespace can hold, one of each. */
export const content = {
  resource_type_associations: [{ name: shared, prefix: 'hw_', properties_target: 'image' }],
  properties: { color: property({ enum: ['red', 'blue'] }) },
  objects: [{ name: 'thing', description: 'A thing', properties: { size: property({ type: 'integer' }) } }],
  tags: [{ name: 'fine' }],
}

/** Every way to read it. */
export const reads = (actor: Actor): Step[] =>
  [
    '',
    '/resource_types',
    '/properties',
    '/properties/color',
    '/objects',
    '/objects/thing',
    '/tags',
    '/tags/fine',
  ].map(path => get(actor, one + path))

/** Every way to change it, deletions last. */
export const writes = (actor: Actor): Step[] => [
  change(actor, { owner: '<project:demo>', visibility: 'public' }),
  post(actor, `${one}/resource_types`, { name: shared }),
  post(actor, `${one}/properties`, property({ name: 'new' })),
  put(actor, `${one}/properties/color`, property({ name: 'color' })),
  post(actor, `${one}/objects`, { name: 'new' }),
  put(actor, `${one}/objects/thing`, { name: 'thing' }),
  post(actor, `${one}/tags`, { tags: [{ name: 'fine' }, { name: 'new' }] }),
  post(actor, `${one}/tags/newer`),
  put(actor, `${one}/tags/fine`, { name: 'fine' }),
  ...deletions(actor),
]

export const deletions = (actor: Actor): Step[] =>
  [
    '/tags/fine',
    '/tags',
    '/objects/thing',
    '/objects',
    '/properties/color',
    '/properties',
    `/resource_types/${shared}`,
    '',
  ].map(path => del(actor, one + path))
