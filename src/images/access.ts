import type { Caller } from '../auth/caller.js'
import type { Deps } from '../deps.js'
import { Forbidden, NotFound } from '../errors.js'
import { additional, type Policy, type Target } from '../policy/policy.js'
import type { PropertyOperation } from '../policy/property-protections.js'
import type { Image } from './image.js'

/**
 * What policy rules see of an image: references alone, as it is made for every row of a list; how a rule's text reads
 * (times, tags) is made out when a rule looks. A project that found a shared image by membership counts as its member.
 */
export function imageTarget(caller: Caller, image: Image): Target {
  const shared = image.visibility === 'shared' && image.owner !== caller.project_id
  return {
    [additional]: image.properties,
    id: image.id,
    image_id: image.id,
    name: image.name,
    status: image.status,
    visibility: image.visibility,
    protected: image.protected,
    os_hidden: image.os_hidden,
    disk_format: image.disk_format,
    container_format: image.container_format,
    min_disk: image.min_disk,
    min_ram: image.min_ram,
    size: image.size,
    virtual_size: image.virtual_size,
    checksum: image.checksum,
    os_hash_algo: image.os_hash_algo,
    os_hash_value: image.os_hash_value,
    created_at: image.created_at,
    updated_at: image.updated_at,
    tags: image.tags,
    owner: image.owner,
    project_id: image.owner,
    tenant: image.owner,
    member_id: shared ? caller.project_id : null,
    created_by: image.created_by,
    owner_domain: image.owner_domain,
  }
}

/** The answer for an image that is not there, deleted, or not for this caller to know of. */
export const noImage = (id: string) => new NotFound(`No image found with ID ${id.slice(0, 100)}`)

/**
 * Throws unless the rule lets the caller act on the image: Forbidden when the caller may see it, NotFound when not,
 * so that nobody learns of an image by being refused.
 */
export function requireOn(policy: Policy, caller: Caller, rule: string, image: Image): void {
  const target = imageTarget(caller, image)
  if (policy.allows(caller, rule, target)) return
  if (rule === 'get_image' || !policy.allows(caller, 'get_image', target)) throw noImage(image.id)
  policy.require(caller, rule, target)
}

/** Throws Forbidden unless protection lets the caller do this with an additional property. */
export function requireProperty(
  { protections }: Pick<Deps, 'protections'>,
  caller: Caller,
  operation: PropertyOperation,
  name: string,
): void {
  if (protections.may(caller, operation, name)) return
  throw new Forbidden(`Property ${name.slice(0, 100)} is reserved.`)
}
