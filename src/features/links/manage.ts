import type { Caller } from '../../auth/caller.js'
import type { Deps } from '../../deps.js'
import { NotFound } from '../../errors.js'
import { limitOf, pageLinks } from '../../http/pages.js'
import { imageTarget, requireOn } from '../../images/access.js'
import type { Image } from '../../images/image.js'
import { find } from '../../images/repository.js'
import * as links from './repository.js'

/** What rules see: the image, and whose link it is; without it, a check that asks for it fails. */
const targetOf = (caller: Caller, image: Image, link_user_id: string | null) => ({
  ...imageTarget(caller, image),
  ...(link_user_id !== null && { link_user_id }),
})

/** Whether a rule lets the caller at somebody's links; null: at all of them. */
const may = (deps: Deps, caller: Caller, rule: string, image: Image, maker: string | null) =>
  deps.policy.allows(caller, rule, targetOf(caller, image, maker))

async function visible(deps: Deps, caller: Caller, id: string): Promise<Image> {
  const image = await find(deps, caller, id)
  requireOn(deps.policy, caller, 'get_image', image)
  return image
}

/** A page of an image's live links: all, or the caller's own. Throws NotFound, Forbidden, BadRequest. */
export async function list(
  deps: Deps,
  caller: Caller,
  id: string,
  query: URLSearchParams,
): Promise<{ links: links.Link[]; next: string | null }> {
  const image = await visible(deps, caller, id)
  const all = may(deps, caller, 'get_links', image, null)
  if (!all) deps.policy.require(caller, 'get_links', targetOf(caller, image, caller.user_id))
  const limit = limitOf(query)
  const page = await links.list(deps.db, id, {
    limit,
    marker: query.get('marker'),
    ...(!all && { user: caller.user_id }),
  })
  const last = limit > 0 && page.length === limit ? page.at(-1)!.id : null
  const next = pageLinks(`/v2/images/${id}/links`, query, last).next ?? null
  return { links: page, next }
}

/** Revokes a link. Throws NotFound for one that the caller does not see, Forbidden for one that he only sees. */
export async function revoke(deps: Deps, caller: Caller, id: string, linkId: string): Promise<void> {
  const image = await visible(deps, caller, id)
  const link = linkId.includes('\0') ? undefined : await links.find(deps.pool, { id: linkId })
  if (link?.image_id !== id || !may(deps, caller, 'get_links', image, link.user_id))
    throw new NotFound(`Image ${id} has no link ${linkId.slice(0, 100)}.`)
  deps.policy.require(caller, 'delete_link', targetOf(caller, image, link.user_id))
  await links.remove(deps.db, linkId)
  deps.log.info({ link: linkId, image: id, user: caller.user_id }, 'a link was revoked')
}
