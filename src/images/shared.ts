import type { Caller } from '../auth/caller.js'
import type { Deps } from '../deps.js'
import { Forbidden } from '../errors.js'
import { requireOn } from './access.js'
import type { Image } from './image.js'
import { find } from './repository.js'

/** An image that the caller may know of, if it is one that can be shared with others: whatever the rest of them say. */
export async function findShared(deps: Deps, caller: Caller, id: string): Promise<Image> {
  const image = await find(deps, caller, id)
  if (image.visibility !== 'shared') {
    requireOn(deps.policy, caller, 'get_image', image)
    // its beginning is what is looked for in Glance's refusal
    throw new Forbidden('Only shared images have members, or shares with groups and domains.')
  }
  return image
}
