import { randomUUID } from 'node:crypto'
import type { Static } from '@sinclair/typebox'
import { askGroups, type Caller } from '../../auth/caller.js'
import type { Deps } from '../../deps.js'
import { BadRequest, Conflict, Forbidden, NotFound, TooLarge } from '../../errors.js'
import { limitOf, pageLinks } from '../../http/pages.js'
import { checker } from '../../http/validation.js'
import { imageTarget, noImage, requireOn } from '../../images/access.js'
import { type Image, MAX_SHARES } from '../../images/image.js'
import { findUnscoped } from '../../images/repository.js'
import { findShared } from '../../images/shared.js'
import { checkText } from '../../images/text.js'
import * as shares from './repository.js'
import { NewShare } from './schemas.js'

/** Sharing an image with a group of users or with a domain; who sees it by that is in images/visibility.ts. */

const checkBody = checker(NewShare)

export async function add(deps: Deps, caller: Caller, id: string, body: unknown): Promise<shares.ShareRow> {
  checkBody(body)
  const { kind, target } = body as Static<typeof NewShare>
  checkText(target, 'target')
  const image = await findShared(deps, caller, id)
  if (kind === 'domain') requireOn(deps.policy, caller, 'add_domain_share', image)
  else await requireGroup(deps, caller, image, target)
  return deps.db.transaction().execute(async tx => {
    if (!(await findUnscoped(tx, id, { lock: true }))) throw noImage(id)
    const made = await shares.add(tx, {
      id: randomUUID(),
      image_id: id,
      kind,
      target,
      created_by: caller.user_id,
    })
    if (!made) throw new Conflict(`Image ${id} is shared with the ${kind} ${target} already.`)
    if ((await shares.count(tx, id)) > MAX_SHARES)
      throw new TooLarge(`An image may be shared with at most ${MAX_SHARES} groups and domains.`)
    return made
  })
}

/** Throws Forbidden unless the caller may share with this group: nobody pushes images into strangers' lists. */
async function requireGroup(deps: Deps, caller: Caller, image: Image, group: string): Promise<void> {
  const allows = (in_group: boolean) =>
    deps.policy.allows(caller, 'add_group_share', { ...imageTarget(caller, image), in_group })
  // who may share with any group need not be asked about
  if (allows(false)) return
  const in_group = (await askGroups(caller)).includes(group)
  if (allows(in_group)) return
  requireOn(deps.policy, caller, 'get_image', image)
  throw new Forbidden(
    in_group ? 'You may not share this image.' : 'You may share images only with groups that you belong to.',
  )
}

export async function list(
  deps: Deps,
  caller: Caller,
  id: string,
  query: URLSearchParams,
): Promise<{ shares: shares.ShareRow[]; next?: string }> {
  const limit = limitOf(query)
  const marker = query.getAll('marker').at(-1)
  requireOn(deps.policy, caller, 'get_shares', await findShared(deps, caller, id))
  if (marker !== undefined && !(await known(deps, id, marker)))
    throw new BadRequest('The marker is no share of this image.')
  if (limit === 0) return { shares: [] }
  const rows = await shares.page(deps.db, id, { marker, limit: limit + 1 })
  const shown = rows.slice(0, limit)
  const last = rows.length > limit ? shown.at(-1)!.id : null
  const { next } = pageLinks(`/v2/images/${id}/shares`, query, last)
  return { shares: shown, ...(next !== undefined && { next }) }
}

export async function remove(deps: Deps, caller: Caller, id: string, shareId: string): Promise<void> {
  requireOn(deps.policy, caller, 'delete_share', await findShared(deps, caller, id))
  if (!(await known(deps, id, shareId)) || !(await shares.remove(deps.db, id, shareId)))
    throw new NotFound(`No share found with ID ${shareId.slice(0, 100)}`)
}

const known = async ({ db }: Deps, imageId: string, id: string) =>
  id.length <= 36 && !id.includes('\0') && (await shares.find(db, imageId, id)) !== undefined
