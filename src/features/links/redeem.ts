import { type Caller, nobody } from '../../auth/caller.js'
import { findDownloadable } from '../../data/download.js'
import type { Deps } from '../../deps.js'
import { Forbidden, NotFound } from '../../errors.js'
import { requireOn } from '../../images/access.js'
import type { Image } from '../../images/image.js'
import * as links from './repository.js'
import { hashOf } from './secret.js'

/** A link that works now, and its image. */
export interface Redeemed {
  link: links.Link
  image: Image
}

/** The one answer for what is no link, was one, or does not work now: they can't be told apart. */
const noLink = () => new NotFound('There is no such link, or it has ended.')

/** The image behind a link's secret. Throws NotFound, Unavailable. */
export async function redeem(deps: Deps, secret: string): Promise<Redeemed> {
  return open(deps, await links.find(deps.pool, { hash: hashOf(secret) }))
}

/** Whether a link still works. Throws when that can't be told now. */
export async function stands(deps: Deps, id: string): Promise<boolean> {
  try {
    await open(deps, await links.find(deps.pool, { id }))
    return true
  } catch (err) {
    if (err instanceof NotFound) return false
    throw err
  }
}

/** Asks anew, as at an ordinary download, whether the maker may have the bytes. Admins, too, link to active images only. */
async function open(deps: Deps, link: links.Link | undefined): Promise<Redeemed> {
  // ids that another way of signing in gave out may be other people's now
  if (link === undefined || link.auth !== deps.auth.mode) throw noLink()
  const maker = await deps.auth.recall(makerOf(link))
  if (maker === null) throw noLink()
  try {
    const image = await findDownloadable(deps, maker, link.image_id)
    requireOn(deps.policy, maker, 'get_image', image)
    if (image.status !== 'active' || image.size === null) throw noLink()
    return { link, image }
  } catch (err) {
    if (err instanceof NotFound || err instanceof Forbidden) throw noLink()
    throw err
  }
}

/** The maker as he was kept with the link. */
const makerOf = (link: links.Link): Caller => ({
  ...nobody,
  user_id: link.user_id,
  user_domain_id: link.user_domain_id,
  project_id: link.project_id,
  project_domain_id: link.project_domain_id,
  roles: link.roles,
  groups: link.groups,
  ...(!link.is_admin_project && { is_admin_project: false }),
  ...(link.federated && { federated: true as const }),
})
