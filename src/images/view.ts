import type { Caller } from '../auth/caller.js'
import type { Deps } from '../deps.js'
import type { Image, Location } from './image.js'

/** Properties that are kept on an image and never shown. */
const hidden = new Set(['os_glance_stage_host', 'os_glance_hash_op_host'])

/** Whole seconds, UTC, with Z, as Glance writes times. */
export const time = (date: Date) => `${date.toISOString().slice(0, 19)}Z`

/**
 * The image as the API shows it: additional properties first, then the base attributes, all of them, null or not.
 * Properties that protection keeps the caller from reading are left out.
 */
export function view(deps: Pick<Deps, 'config' | 'stores' | 'protections'>, caller: Caller, image: Image) {
  const { config, stores, protections } = deps
  const properties: Record<string, unknown> = {}
  for (const [name, value] of Object.entries(image.properties)) {
    if (hidden.has(name)) continue
    if (!protections.active || protections.may(caller, 'read', name)) set(properties, name, value)
  }
  if (image.lineage !== null) {
    properties.os_glance_lineage = image.lineage
    properties.os_glance_version = String(image.version)
    properties.os_glance_production = String(image.production)
  }
  const secret = image.status === 'deactivated' && !caller.is_admin
  const locations = secret ? [] : byWeight(deps, image)
  const at = `/v2/images/${image.id}`
  // assigned, not spread with the rest in one literal, which is 20 times as slow
  return Object.assign(properties, {
    name: image.name,
    disk_format: image.disk_format,
    container_format: image.container_format,
    visibility: image.visibility,
    size: image.size,
    virtual_size: image.virtual_size,
    status: image.status,
    checksum: image.checksum,
    protected: image.protected,
    min_ram: image.min_ram,
    min_disk: image.min_disk,
    owner: image.owner,
    os_hidden: image.os_hidden,
    os_hash_algo: image.os_hash_algo,
    os_hash_value: image.os_hash_value,
    id: image.id,
    created_at: time(image.created_at),
    updated_at: time(image.updated_at),
    ...(config.show_multiple_locations && {
      locations: secret ? [] : locationsOf(deps, image),
    }),
    ...(config.show_image_direct_url && locations[0] && { direct_url: locationUrl(deps, locations[0]) }),
    tags: image.tags,
    self: at,
    file: `${at}/file`,
    schema: '/v2/schemas/image',
    ...(stores.multi && locations.length > 0 && { stores: locations.map(l => l.store).join(',') }),
  })
}

/** Sets a key of any name: an assignment to `__proto__` would set none. */
function set(object: Record<string, unknown>, name: string, value: string): void {
  if (name === '__proto__')
    Object.defineProperty(object, name, { value, enumerable: true, configurable: true, writable: true })
  else object[name] = value
}

/** The locations of an image as they are shown. */
export const locationsOf = (deps: Pick<Deps, 'stores'>, image: Image) =>
  byWeight(deps, image).map(one => ({
    url: locationUrl(deps, one),
    metadata: { ...one.metadata, store: one.store },
  }))

/** The URL of a location as Glance shows it, without credentials: `file:///folder/key`, `s3://host/bucket/key`. */
export function locationUrl(deps: Pick<Deps, 'stores'>, { store, key, url: known }: Location): string {
  if (known !== null) return known
  const url = deps.stores.names.includes(store) ? deps.stores.settings(store).url : `${store}:`
  return `${url.replace(/^file:\/(?!\/)/, 'file:///')}/${key}`
}

/** The locations of an image in the order in which they are read and shown: the heavier store first. */
export function byWeight(deps: Pick<Deps, 'stores'>, image: Image) {
  const weight = (name: string) => (deps.stores.names.includes(name) ? deps.stores.settings(name).weight : 0)
  return image.locations.toSorted((a, b) => weight(b.store) - weight(a.store) || a.id - b.id)
}
