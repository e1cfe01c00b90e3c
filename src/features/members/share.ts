import type { Caller } from '../../auth/caller.js'
import type { Deps } from '../../deps.js'
import { BadRequest, Forbidden, NotFound, TooLarge } from '../../errors.js'
import { requireOn } from '../../images/access.js'
import { type Image, MAX_MEMBERS, type MemberStatus } from '../../images/image.js'
import { find, findUnscoped } from '../../images/repository.js'
import { checkText } from '../../images/text.js'
import * as members from './repository.js'

/** Sharing an image with other projects: who may see and change which membership, in Glance's order of checks. */

const noMember = (member: string) => new NotFound(`No member found with ID ${member.slice(0, 100)}`)

/** The image, if the caller sees it and it is one that has members. */
async function shared(deps: Deps, caller: Caller, id: string): Promise<Image> {
  const image = await find(deps, caller, id)
  if (image.visibility !== 'shared') {
    requireOn(deps.policy, caller, 'get_image', image)
    throw new Forbidden('Only shared images have members.')
  }
  return image
}

/** Whose memberships the caller may see: everyone's as owner or admin, else its own. */
const seen = (caller: Caller, image: Image) =>
  caller.is_admin || image.owner === caller.project_id ? undefined : caller.project_id

export async function list(deps: Deps, caller: Caller, id: string): Promise<members.Member[]> {
  const image = await shared(deps, caller, id)
  requireOn(deps.policy, caller, 'get_members', image)
  return members.listOf(deps.db, id, seen(caller, image))
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
  const [found] = await members.listOf(deps.db, image.id, member)
  if (!found) throw noMember(member)
  return found
}

export async function add(deps: Deps, caller: Caller, id: string, member: unknown): Promise<members.Member> {
  if (typeof member !== 'string' || member === '' || member.length > 255) {
    throw new BadRequest('member must be a project id of 1 to 255 characters.')
  }
  checkText(member, 'member')
  requireOn(deps.policy, caller, 'add_member', await shared(deps, caller, id))
  return deps.db.transaction().execute(async tx => {
    const image = await findUnscoped(tx, id, { lock: true })
    if (!image) throw new NotFound(`No image found with ID ${id}`)
    const present = await members.listOf(tx, id)
    if (present.length >= MAX_MEMBERS) throw new TooLarge(`An image may have at most ${MAX_MEMBERS} members.`)
    return members.add(tx, id, member)
  })
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
  const image = await shared(deps, caller, id)
  requireOn(deps.policy, caller, 'get_member', image)
  await one(deps, caller, image, member)
  requireOn(deps.policy, caller, 'modify_member', image)
  if (typeof status !== 'string' || !answers.includes(status)) {
    throw new BadRequest('status must be pending, accepted or rejected.')
  }
  const changed = await members.setStatus(deps.db, id, member, status as MemberStatus)
  if (!changed) throw noMember(member)
  return changed
}

export async function remove(deps: Deps, caller: Caller, id: string, member: string): Promise<void> {
  const image = await shared(deps, caller, id)
  requireOn(deps.policy, caller, 'get_member', image)
  await one(deps, caller, image, member)
  requireOn(deps.policy, caller, 'delete_member', image)
  if (!(await members.remove(deps.db, id, member))) throw noMember(member)
}
