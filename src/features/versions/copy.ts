import { randomUUID } from 'node:crypto'
import type { Caller } from '../../auth/caller.js'
import type { Database } from '../../db/connect.js'
import type { Deps } from '../../deps.js'
import { imageTarget } from '../../images/access.js'
import type { Image, Visibility } from '../../images/image.js'
import { insert } from '../../images/repository.js'
import type { Place } from '../../images/versions.js'
import { inherit } from './inherited.js'

/** Properties that speak of an image's bytes, which a new version does not have yet. */
const ofBytes = /^(?:img_signature|cinder_encryption_key_|os_encrypt_|owner_specified\.|os_glance)/

/** Makes a queued image that is the next version of another; returns its id. Needs a transaction. */
export async function copy(
  deps: Deps,
  caller: Caller,
  tx: Database,
  from: Image,
  { lineage, version, comment }: Place,
): Promise<string> {
  const id = randomUUID()
  const { name, owner, owner_domain, disk_format, container_format, min_disk, min_ram } = from
  await insert(tx, {
    id,
    name,
    owner,
    owner_domain,
    disk_format,
    container_format,
    min_disk,
    min_ram,
    visibility: visibilityOf(deps, caller, from),
    created_by: caller.user_id,
    properties: propertiesOf(deps, caller, from),
    tags: from.tags,
    lineage,
    version,
    version_comment: comment,
  })
  await inherit(tx, from.id, id)
  return id
}

/** That of the image, unless the caller could not have made it so. */
function visibilityOf({ policy }: Deps, caller: Caller, image: Image): Visibility {
  const { visibility } = image
  const target = imageTarget(caller, image)
  if (visibility === 'public' && !policy.allows(caller, 'publicize_image', target)) return 'shared'
  if (visibility === 'community' && !policy.allows(caller, 'communitize_image', target)) return 'shared'
  return visibility
}

/** Those that the caller can read and could set. */
function propertiesOf({ protections }: Deps, caller: Caller, { properties }: Image): Record<string, string> {
  const may = (name: string) =>
    protections.may(caller, 'read', name) && protections.may(caller, 'create', name)
  return Object.fromEntries(Object.entries(properties).filter(([name]) => !ofBytes.test(name) && may(name)))
}
