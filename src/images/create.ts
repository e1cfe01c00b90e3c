import { randomUUID } from 'node:crypto'
import type { Caller } from '../auth/caller.js'
import type { Deps } from '../deps.js'
import { BadRequest, Forbidden, TooLarge } from '../errors.js'
import { openQuota } from '../quota/check.js'
import { checkCount } from '../quota/of-image.js'
import { requireProperty } from './access.js'
import type { CheckAttributes } from './check.js'
import { checkFacts } from './facts.js'
import {
  bytesOf,
  type Image,
  isReserved,
  MAX_PROPERTY_BYTES,
  readOnly,
  settable,
  type Visibility,
} from './image.js'
import { findUnscoped, insert, type NewImage } from './repository.js'

/** Creates a queued image from a request's body, in Glance's order of checks. */
export async function create(
  deps: Deps,
  caller: Caller,
  body: Record<string, unknown>,
  check: CheckAttributes,
): Promise<Image> {
  for (const name of ['direct_url', 'self', 'file', 'schema', 'stores']) {
    if (Object.hasOwn(body, name)) throw new Forbidden(`Attribute ${name} is read-only.`)
  }
  check(body)
  const image = parse(body, caller)
  mayCreate(deps, caller, image)
  for (const name of Object.keys(image.properties)) requireProperty(deps, caller, 'create', name)
  // counted as they were sent, before equal ones collapse
  if (Array.isArray(body.tags)) checkCount(deps.config, 'image_tag_quota', body.tags.length)
  checkCount(deps.config, 'image_property_quota', Object.keys(image.properties).length)
  if (bytesOf(Object.entries(image.properties)) > MAX_PROPERTY_BYTES) {
    throw new TooLarge(`The properties of an image may have at most ${MAX_PROPERTY_BYTES} bytes together.`)
  }
  if (deps.config.strict_properties) checkFacts(Object.keys(image.properties), image.properties)
  const quota = await openQuota(deps, caller.project_id)
  return deps.db.transaction().execute(async tx => {
    await quota.check(tx, 'image_count_total', 1)
    await insert(tx, image)
    return (await findUnscoped(tx, image.id)) as Image
  })
}

/** Splits the body into columns, properties and tags; refuses names that are not the client's to set. */
function parse(body: Record<string, unknown>, caller: Caller): NewImage & { visibility: Visibility } {
  const columns: Record<string, unknown> = {}
  const properties: Record<string, string> = Object.create(null)
  for (const [name, value] of Object.entries(body)) {
    if (name === 'id' || name === 'tags') continue
    if ((settable as readonly string[]).includes(name)) columns[name] = value
    else if (readOnly.has(name)) throw new Forbidden(`Attribute ${name} is read-only.`)
    else if (isReserved(name) || name === 'locations') {
      throw new Forbidden(`Attribute ${name.slice(0, 100)} is reserved.`)
    } else properties[name] = value as string
  }
  const owner = (Object.hasOwn(columns, 'owner') ? columns.owner : caller.project_id) as string | null
  return {
    visibility: 'shared',
    ...columns,
    id: (body.id as string | undefined) ?? randomUUID(),
    owner,
    created_by: caller.user_id,
    owner_domain: owner === caller.project_id ? caller.project_domain_id : null,
    properties,
    tags: [...new Set(body.tags as string[] | undefined)],
  }
}

/** Whether the caller may create such an image: whose it would be, and who would see it. */
function mayCreate(
  deps: Deps,
  caller: Caller,
  image: { owner: string | null; visibility: Visibility },
): void {
  const target = { project_id: image.owner, owner: image.owner, visibility: image.visibility }
  if (!deps.policy.allows(caller, 'add_image', target) && image.owner !== caller.project_id) {
    throw new Forbidden(`You are not permitted to create images owned by '${image.owner}'.`)
  }
  deps.policy.require(caller, 'add_image', target)
  if (image.visibility === 'public') deps.policy.require(caller, 'publicize_image', target)
  if (image.visibility === 'community') deps.policy.require(caller, 'communitize_image', target)
  if (image.owner === null && !caller.is_admin) throw new BadRequest('An image needs an owner.')
}
