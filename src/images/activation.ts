import type { Caller } from '../auth/caller.js'
import type { Deps } from '../deps.js'
import { Forbidden } from '../errors.js'
import { requireOn } from './access.js'
import type { Status } from './image.js'
import { find } from './repository.js'
import { move, notAllowed } from './status.js'

/** Withdraws an image's bytes from everyone but admins. A wrong state is 403, as with Glance. */
export const deactivate = (deps: Deps, caller: Caller, id: string) =>
  act(deps, caller, id, 'deactivate', 'active', 'deactivated')

/** Gives the bytes of a deactivated image back. A wrong state is 403, as with Glance. */
export const reactivate = (deps: Deps, caller: Caller, id: string) =>
  act(deps, caller, id, 'reactivate', 'deactivated', 'active')

async function act(
  deps: Deps,
  caller: Caller,
  id: string,
  rule: string,
  from: Status,
  to: Status,
): Promise<void> {
  const image = await find(deps, caller, id)
  requireOn(deps.policy, caller, rule, image)
  // as with Glance, no policy opens this to other projects
  if (!caller.is_admin && image.owner !== caller.project_id)
    throw new Forbidden(`Only the owner of an image and admins may ${rule} it.`)
  if (image.status === to) return
  if (image.status === from && (await move(deps.db, id, from, to))) return
  // somebody else may have been faster with the very same
  const { status } = await find(deps, caller, id)
  if (status !== to) throw new Forbidden(notAllowed(status, to))
}
