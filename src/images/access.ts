import type { Caller } from '../auth/caller.js'
import { NotFound } from '../errors.js'
import type { Policy, Target } from '../policy/policy.js'
import type { Image } from './image.js'

/** What policy rules see of an image. A project that found a shared image by membership counts as its member. */
export function imageTarget(caller: Caller, image: Image): Target {
  const shared = image.visibility === 'shared' && image.owner !== caller.project_id
  return {
    ...image.properties,
    id: image.id,
    image_id: image.id,
    name: image.name,
    status: image.status,
    visibility: image.visibility,
    protected: image.protected,
    os_hidden: image.os_hidden,
    disk_format: image.disk_format,
    container_format: image.container_format,
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
