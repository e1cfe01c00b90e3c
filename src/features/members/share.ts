import type { Caller } from '../../auth/caller.js'
import type { Database } from '../../db/connect.js'
import type { Deps } from '../../deps.js'
import { BadRequest, Conflict, NotFound } from '../../errors.js'
import { imageTarget, requireOn } from '../../images/access.js'
import type { Image, MemberStatus } from '../../images/image.js'
import { learnGroups, shareFor } from '../../images/reach.js'
import { find, findUnscoped } from '../../images/repository.js'
import { findShared } from '../../images/shared.js'
import { checkText } from '../../images/text.js'
import { checkCount } from '../../quota/of-image.js'
import * as members from './repository.js'

/** Sharing an image with other projects: who may see and change which membership, in Glance's order of checks. */

const noMember = (member: string) => new NotFound(`No member found with ID ${member.slice(0, 100)}`)

/** Whose memberships the caller may see: everyone's as owner or admin, else its own. */
const seen = (caller: Caller, image: Image) =>
  caller.is_admin || image.owner === caller.project_id ? undefined : caller.project_id

export async function list(deps: Deps, caller: Caller, id: string): Promise<members.Member[]> {
  const image = await findShared(deps, caller, id)
  requireOn(deps.policy, caller, 'get_members', image)
  // a list shows what each of its members shows alone
  if (!deps.policy.allows(caller, 'get_member', imageTarget(caller, image))) return []
  const only = seen(caller, image)
  const rows = await members.listOf(deps.db, id, only)
  if (only === undefined) return rows
  const own = await byShare(caller, image, rows[0])
  return own ? [own] : rows
}

/**
 * The membership of the caller's project where a share with a group or a domain stands for one: accepted, as it needs
 * no acceptance. Services that look here for a project's right to an image find it.
 */
async function byShare(
  caller: Caller,
  image: Image,
  row: members.Member | undefined,
): Promise<members.Member | undefined> {
  await learnGroups(caller, image)
  const share = shareFor(caller, image)
  if (!share) return undefined
  const at = new Date(share.created_at)
  const made = { image_id: image.id, member: caller.project_id!, created_at: at, updated_at: at }
  return { ...made, ...row, status: 'accepted' }
}

export async function show(deps: Deps, caller: Caller, id: string, member: string): Promise<members.Member> {
  const image = await find(deps, caller, id)
  if (image.visibility !== 'shared') throw noMember(member)
  requireOn(deps.policy, caller, 'get_member', image)
  return one(deps, caller, image, member)
}

async function one(deps: Deps, caller: Caller, image: Image, member: string): Promise<members.Member> {
  const only = seen(caller, image)
  if ((only !== undefined && only !== member) || member.includes('\0')) throw noMember(member)
  const [row] = await members.listOf(deps.db, image.id, member)
  const found = (only !== undefined && (await byShare(caller, image, row))) || row
  if (!found) throw noMember(member)
  return found
}

export async function add(deps: Deps, caller: Caller, id: string, member: unknown): Promise<members.Member> {
  checkMember(member)
  requireOn(deps.policy, caller, 'add_member', await findShared(deps, caller, id))
  return deps.db.transaction().execute(async tx => {
    const image = await findUnscoped(tx, id, { lock: true })
    if (!image) throw new NotFound(`No image found with ID ${id}`)
    return addTo(deps, tx, id, member, (await members.listOf(tx, id)).length)
  })
}

/** Throws BadRequest for what is no project's id. */
export function checkMember(member: unknown): asserts member is string {
  if (typeof member !== 'string' || member === '' || member.length > 255) {
    throw new BadRequest('member must be a project id of 1 to 255 characters.')
  }
  checkText(member, 'member')
}

/** Adds a member to an image that has so many. A full list is told before a duplicate, as Glance does. */
export async function addTo(
  { config }: Pick<Deps, 'config'>,
  tx: Database,
  id: string,
  member: string,
  present: number,
): Promise<members.Member> {
  checkCount(config, 'image_member_quota', present + 1)
  const added = await members.add(tx, id, member)
  if (!added) throw new Conflict(`${member} is a member of image ${id} already.`)
  return added
}

const answers: readonly string[] = ['pending', 'accepted', 'rejected']

export async function answer(
  deps: Deps,
  caller: Caller,
  id: string,
  member: string,
  status: unknown,
): Promise<members.Member> {
  if (status === undefined) throw new BadRequest('The request needs a status.')
  const image = await findShared(deps, caller, id)
  requireOn(deps.policy, caller, 'get_member', image)
  await one(deps, caller, image, member)
  requireOn(deps.policy, caller, 'modify_member', image)
  if (typeof status !== 'string' || !answers.includes(status)) {
    throw new BadRequest('status must be pending, accepted or rejected.')
  }
  const changed = await members.setStatus(deps.db, id, member, status as MemberStatus)
  if (!changed && member === caller.project_id && shareFor(caller, image))
    throw new Conflict('The image is shared with a group or a domain of yours, which needs no answer.')
  if (!changed) throw noMember(member)
  return changed
}

export async function remove(deps: Deps, caller: Caller, id: string, member: string): Promise<void> {
  const image = await findShared(deps, caller, id)
  requireOn(deps.policy, caller, 'get_member', image)
  await one(deps, caller, image, member)
  requireOn(deps.policy, caller, 'delete_member', image)
  if (!(await members.remove(deps.db, id, member))) throw noMember(member)
}
