import type { Caller } from '../auth/caller.js'
import type { Database } from '../db/connect.js'
import type { Deps } from '../deps.js'
import { Conflict, Forbidden, TooLarge } from '../errors.js'
import { checkCount } from '../quota/of-image.js'
import { noImage, requireOn, requireProperty } from './access.js'
import { keepEncryption } from './encryption.js'
import { checkFacts } from './facts.js'
import { bytesOf, type Image, isReserved, MAX_PROPERTY_BYTES, settable } from './image.js'
import type { PatchChange } from './patch.js'
import { learnGroupsFor } from './reach.js'
import { type Change, findUnscoped, update as write } from './repository.js'
import { lockLineageOf, moveLineage } from './versions.js'
import { isVisible } from './visibility.js'

/** What becomes of the operations of a patch on an image's locations, which are not a matter of the record alone. */
export interface LocationEdit {
  /** One operation on the image as the operations before have made it; gives what changes of it. Throws when refused. */
  apply(image: Image, change: PatchChange): Partial<Image>
  /** Writes what the operations came to. `before` is the image as it was. */
  write(tx: Database, before: Image): Promise<void>
}

/**
 * Applies a patch: all of its operations in their order, or none. Only what differs is written, so that nothing is
 * lost of what the caller may not see.
 */
export async function update(
  deps: Deps,
  caller: Caller,
  id: string,
  changes: readonly PatchChange[],
  locations: LocationEdit,
): Promise<Image> {
  if (id.length > 36 || id.includes('\0')) throw noImage(id)
  await learnGroupsFor(deps, caller, id)
  const moving = changes.some(({ name }) => name === 'owner')
  return deps.db.transaction().execute(async tx => {
    const lineage = moving ? await lockLineageOf(tx, id) : null
    const image = await findUnscoped(tx, id, { project: caller.project_id, lock: true })
    if (!image || !isVisible(deps.policy, caller, image)) throw noImage(id)
    if (changes.length === 0) {
      requireOn(deps.policy, caller, 'get_image', image)
      return image
    }
    const draft: Draft = { columns: {}, properties: new Map(Object.entries(image.properties)) }
    const before = { ...image }
    for (const change of changes) {
      if (change.name !== 'locations') apply(deps, caller, image, draft, change)
      else Object.assign(image, locations.apply({ ...image, ...draft.columns }, change))
    }
    const bytes = bytesOf(draft.properties)
    if (bytes > MAX_PROPERTY_BYTES && bytes > bytesOf(Object.entries(image.properties))) {
      throw new TooLarge(`The properties of an image may have at most ${MAX_PROPERTY_BYTES} bytes together.`)
    }
    keepEncryption(before, draft.properties)
    const change = difference(before, draft)
    if (deps.config.strict_properties)
      checkFacts(Object.keys(change.properties), Object.fromEntries(draft.properties))
    await write(tx, id, change)
    const { owner, owner_domain = null } = change.columns
    if (owner !== undefined && before.lineage !== null) {
      if (before.lineage !== lineage) throw new Conflict(`Image ${id} has just become a version; try again.`)
      await moveLineage(tx, lineage, { owner, owner_domain })
    }
    await locations.write(tx, before)
    return (await findUnscoped(tx, id, { project: caller.project_id })) as Image
  })
}

/** The image in the making: what the operations have set so far. */
interface Draft {
  columns: Change['columns']
  properties: Map<string, string>
  tags?: string[]
}

const isBase = (name: string) => (settable as readonly string[]).includes(name) || name === 'tags'

function apply(deps: Deps, caller: Caller, image: Image, draft: Draft, change: PatchChange): void {
  const { op, name, value } = change
  if (op !== 'remove' && name === 'visibility') {
    if (value === 'public') requireOn(deps.policy, caller, 'publicize_image', image)
    if (value === 'community') requireOn(deps.policy, caller, 'communitize_image', image)
  }
  requireOn(deps.policy, caller, 'modify_image', image)
  if (isBase(name)) setBase(deps, caller, image, draft, change)
  else setProperty(deps, caller, draft, change)
}

function setBase(
  deps: Deps,
  caller: Caller,
  image: Image,
  draft: Draft,
  { op, name, value, legacy }: PatchChange,
): void {
  if (op === 'remove') throw new Forbidden(`Property ${name} may not be removed.`)
  if (op === 'add' && legacy) throw new Conflict(`Property ${name} already present.`)
  if (name === 'owner' && !caller.is_admin) throw new Forbidden("Owner can't be updated by non admin.")
  if (name === 'disk_format' || name === 'container_format') {
    if (image.status !== 'queued' && image.status !== 'importing') {
      throw new Forbidden(`Attribute ${name} can be only replaced for a queued image.`)
    }
  }
  if (name === 'tags') {
    const tags = [...new Set(value as string[])]
    checkCount(deps.config, 'image_tag_quota', tags.length)
    draft.tags = tags
    return
  }
  Object.assign(draft.columns, { [name]: value })
  if (name === 'owner') draft.columns.owner_domain = domainOf(caller, image, value as string | null)
}

/** The domain of an image's new owner, as far as the request tells it. */
function domainOf(caller: Caller, image: Image, owner: string | null): string | null {
  if (owner === image.owner) return image.owner_domain
  return owner === caller.project_id ? caller.project_domain_id : null
}

function setProperty(
  deps: Deps,
  caller: Caller,
  draft: Draft,
  { op, name, value, legacy }: PatchChange,
): void {
  const kept = draft.properties.has(name)
  // a property that the caller may not read is not there for them
  const present = kept && deps.protections.may(caller, 'read', name)
  if (op === 'add' && legacy && present) throw new Conflict(`Property ${name.slice(0, 100)} already present.`)
  if (op !== 'add' && !present) throw new Conflict(`Property ${name.slice(0, 100)} does not exist.`)
  if (op === 'remove') {
    requireProperty(deps, caller, 'delete', name)
    draft.properties.delete(name)
    return
  }
  requireProperty(deps, caller, present ? 'update' : 'create', name)
  // creating is no way to write over what the caller may not update; Glance fails with 500 here
  if (kept && !present) requireProperty(deps, caller, 'update', name)
  draft.properties.set(name, value as string)
  const count = [...draft.properties.keys()].filter(key => !isReserved(key)).length
  if (!kept) checkCount(deps.config, 'image_property_quota', count)
  if (bytesOf(draft.properties) > MAX_PROPERTY_BYTES) {
    throw new TooLarge(`The properties of an image may have at most ${MAX_PROPERTY_BYTES} bytes together.`)
  }
}

function difference(image: Image, draft: Draft): Change {
  const before = new Map(Object.entries(image.properties))
  const changed = [...draft.properties].filter(([name, value]) => before.get(name) !== value)
  return {
    columns: draft.columns,
    properties: Object.fromEntries(changed),
    removed: [...before.keys()].filter(name => !draft.properties.has(name)),
    ...(draft.tags && { tags: draft.tags }),
  }
}
