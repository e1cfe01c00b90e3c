import type { Caller } from '../auth/caller.js'
import type { Deps } from '../deps.js'
import { BadRequest, NotFound } from '../errors.js'
import { checkCount } from '../quota/of-image.js'
import { noImage, requireOn } from './access.js'
import { learnGroupsFor } from './reach.js'
import { addTags, findUnscoped, removeTag, touch } from './repository.js'
import { checkText } from './text.js'
import { isVisible } from './visibility.js'

/** Adds or removes one tag, by itself, so that two who change tags at once both get their way. */
export async function changeTag(
  deps: Deps,
  caller: Caller,
  id: string,
  tag: string,
  verb: 'add' | 'remove',
): Promise<void> {
  if (tag.includes('/')) throw new NotFound('The resource could not be found.')
  if (verb === 'add') {
    checkText(tag, 'A tag')
    if (tag.length > 255) throw new BadRequest('A tag may have at most 255 characters.')
  }
  if (id.length > 36 || id.includes('\0')) throw noImage(id)
  await learnGroupsFor(deps, caller, id)
  await deps.db.transaction().execute(async tx => {
    const image = await findUnscoped(tx, id, { project: caller.project_id, lock: true })
    if (!image || !isVisible(deps.policy, caller, image)) throw noImage(id)
    requireOn(deps.policy, caller, 'modify_image', image)
    if (verb === 'remove') {
      if (tag.includes('\0') || !(await removeTag(tx, id, tag)))
        throw new NotFound('The image has no such tag.')
    } else {
      if (!image.tags.includes(tag)) checkCount(deps.config, 'image_tag_quota', image.tags.length + 1)
      await addTags(tx, id, [tag])
    }
    await touch(tx, id)
  })
}
