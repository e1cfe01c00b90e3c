import type { Caller } from '../../auth/caller.js'
import type { Deps } from '../../deps.js'
import { NotFound } from '../../errors.js'
import { imageTarget } from '../../images/access.js'
import type { Image } from '../../images/image.js'
import type { ImageCache } from '../../stores/cached.js'

/** The cache, for whom the rule permits it. Throws Forbidden, then NotFound when there is none. */
export function cacheFor(deps: Deps, caller: Caller, rule: string, image?: Image): ImageCache {
  deps.policy.require(caller, rule, image ? imageTarget(caller, image) : {})
  if (!deps.cache) throw new NotFound('This server has no image cache.')
  return deps.cache
}
