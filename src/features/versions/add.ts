import type { Caller } from '../../auth/caller.js'
import type { Database } from '../../db/connect.js'
import type { Deps } from '../../deps.js'
import { Conflict } from '../../errors.js'
import { noImage, requireOn } from '../../images/access.js'
import type { Image } from '../../images/image.js'
import { find, findUnscoped } from '../../images/repository.js'
import { place, putInProduction } from '../../images/versions.js'
import { isVisible } from '../../images/visibility.js'
import { openQuota } from '../../quota/check.js'
import { copy } from './copy.js'
import * as lineages from './repository.js'

export interface NewVersion {
  comment: string
  /** An image that is to become the version; a new one is made when not said. */
  image_id?: string
}

/**
 * Adds a version: a queued copy of the image, or another image of the same owner. The first one makes the image itself
 * version 1, in production if it is active. Returns the version's image.
 */
export async function add(deps: Deps, caller: Caller, id: string, wish: NewVersion): Promise<Image> {
  const seen = await find(deps, caller, id)
  requireOn(deps.policy, caller, 'get_image', seen)
  requireOn(deps.policy, caller, 'add_version', seen)
  if (wish.image_id !== undefined) {
    requireOn(deps.policy, caller, 'add_version', await find(deps, caller, wish.image_id))
  }
  const quota = await openQuota(deps, seen.owner)
  let { lineage } = seen
  for (;;) {
    const done = await deps.db.transaction().execute(async tx => {
      // limits, lineage, images: the order in which everybody locks
      if (wish.image_id === undefined) await quota.check(tx, 'image_count_total', 1)
      if (lineage !== null) await lineages.lock(tx, lineage)
      const [from, adopted] = await lockImages(deps, caller, tx, [id, wish.image_id ?? id])
      requireOn(deps.policy, caller, 'add_version', from)
      // somebody else has added its first version: once more, with its lineage locked
      if (from.lineage !== lineage) return { moved: from.lineage }
      if (wish.image_id !== undefined) mayBecome(deps, caller, from, adopted)
      const into = lineage ?? (await begin(tx, caller, from))
      const spot = { lineage: into, version: await lineages.nextVersion(tx, into), comment: wish.comment }
      const made = wish.image_id ?? (await copy(deps, caller, tx, from, spot))
      if (wish.image_id !== undefined && !(await place(tx, made, spot))) throw taken(made)
      return { image: (await findUnscoped(tx, made, { project: caller.project_id })) as Image }
    })
    if ('image' in done) return done.image as Image
    lineage = done.moved
  }
}

/** Locks images in the order of their ids, as everybody does, and gives them in the order asked for. */
async function lockImages(
  deps: Deps,
  caller: Caller,
  tx: Database,
  ids: [string, string],
): Promise<[Image, Image]> {
  const found = new Map<string, Image>()
  for (const id of [...new Set(ids)].sort()) {
    const image = await findUnscoped(tx, id, { project: caller.project_id, lock: true })
    if (!image || !isVisible(deps.policy, caller, image)) throw noImage(id)
    found.set(id, image)
  }
  return [found.get(ids[0]) as Image, found.get(ids[1]) as Image]
}

const taken = (id: string) => new Conflict(`Image ${id} is a version already.`)

/** Whether an image may become a version of another. */
function mayBecome(deps: Deps, caller: Caller, from: Image, adopted: Image): void {
  requireOn(deps.policy, caller, 'add_version', adopted)
  if (adopted.id === from.id) throw new Conflict('An image cannot become a version of itself.')
  if (adopted.lineage !== null) throw taken(adopted.id)
  if (adopted.owner !== from.owner) {
    throw new Conflict(`Image ${adopted.id} has another owner than the other versions.`)
  }
  if (adopted.status !== 'active') {
    throw new Conflict(`Image ${adopted.id} is ${adopted.status}; only an active one can become a version.`)
  }
}

/** Makes an image version 1 of a lineage of its own, in production if it is active. */
async function begin(tx: Database, caller: Caller, image: Image): Promise<string> {
  const lineage = await lineages.create(tx, caller.user_id)
  const version = await lineages.nextVersion(tx, lineage)
  await place(tx, image.id, { lineage, version, comment: null })
  if (image.status === 'active' && (await putInProduction(tx, { id: image.id, lineage }))) {
    await lineages.record(tx, {
      lineage,
      from_version: null,
      to_version: version,
      promoted_by: caller.user_id,
      comment: null,
    })
  }
  return lineage
}
