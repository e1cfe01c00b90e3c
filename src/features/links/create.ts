import { randomUUID } from 'node:crypto'
import { askGroups, type Caller, knownGroups } from '../../auth/caller.js'
import { findDownloadable } from '../../data/download.js'
import type { Deps } from '../../deps.js'
import { Conflict, TooLarge } from '../../errors.js'
import { noImage, requireOn } from '../../images/access.js'
import type { Image } from '../../images/image.js'
import { findUnscoped } from '../../images/repository.js'
import { checkText } from '../../images/text.js'
import { presign, publicCopies } from './presign.js'
import * as links from './repository.js'
import { DAY, type NewLink } from './schemas.js'
import { hashOf, newSecret } from './secret.js'

/**
 * Live links that one project may have to an image. Counted for each project, so that none can use up what others
 * have to an image that many see.
 */
export const MAX_LINKS = 1000

export interface Made {
  /** Null for a presigned URL, which nobody can revoke. */
  id: string | null
  /** The secret of a link; or the presigned URL. */
  secret: string
  expires_at: Date
}

/** Makes a link to the bytes of an image that the caller may download. Throws NotFound, Forbidden, Conflict, TooLarge. */
export async function create(deps: Deps, caller: Caller, id: string, wishes: NewLink): Promise<Made> {
  const { expires_in = DAY, filename = null, direct = false } = wishes
  if (filename !== null) checkText(filename, 'filename')
  const image = await findDownloadable(deps, caller, id)
  requireOn(deps.policy, caller, direct ? 'create_direct_link' : 'create_link', image)
  if (image.status !== 'active' || image.size === null)
    throw new Conflict(`Only an active image can be linked to; image ${id} is ${image.status}.`)
  if (direct) return createDirect(deps, caller, image, expires_in, filename)

  const secret = newSecret()
  const groups = await groupsThatMatter(caller, image)
  const link = await deps.db.transaction().execute(async tx => {
    // the lock makes links one after another, and none for an image that is just being deleted
    if (!(await findUnscoped(tx, id, { lock: true }))) throw noImage(id)
    if ((await links.count(tx, id, caller.project_id)) >= MAX_LINKS)
      throw new TooLarge(`A project may have at most ${MAX_LINKS} live links to an image; revoke some.`)
    return links.insert(tx, {
      id: randomUUID(),
      image_id: id,
      secret_hash: hashOf(secret),
      filename,
      auth: deps.auth.mode,
      ...kept(caller, groups),
      expires_in,
    })
  })
  deps.log.info({ link: link.id, image: id, user: caller.user_id }, 'a link was made')
  return { id: link.id, secret, expires_at: link.expires_at }
}

/** What a link keeps of its maker: what rules look at and can be asked about later; no service's word for him. */
const kept = ({ roles, ...caller }: Caller, groups: readonly string[]) => ({
  user_id: caller.user_id,
  user_domain_id: caller.user_domain_id,
  project_id: caller.project_id,
  project_domain_id: caller.project_domain_id,
  is_admin_project: caller.is_admin_project ?? true,
  federated: caller.federated ?? false,
  roles: [...roles],
  groups: [...groups],
})

/** Groups that have to be asked for are, where the image is shared with any. */
const groupsThatMatter = (caller: Caller, { shares }: Image) =>
  shares?.some(({ kind }) => kind === 'group') ? askGroups(caller) : knownGroups(caller)

async function createDirect(
  deps: Deps,
  caller: Caller,
  image: Image,
  seconds: number,
  filename: string | null,
): Promise<Made> {
  const [copy] = publicCopies(deps, image)
  if (!copy) throw new Conflict(`No store that has image ${image.id} has a public endpoint.`)
  const secret = await presign(copy, image, filename, seconds)
  deps.log.info({ image: image.id, user: caller.user_id, seconds }, 'a direct link was made')
  return { id: null, secret, expires_at: new Date(Date.now() + seconds * 1000) }
}
