import type { Caller } from '../../auth/caller.js'
import { checkWeb, isWeb, webStore } from '../../data/external-place.js'
import { lock } from '../../data/import-lock.js'
import { isDigest } from '../../data/validation-data.js'
import type { Deps } from '../../deps.js'
import { BadRequest, Conflict, Forbidden } from '../../errors.js'
import { maskUri } from '../../fetch/guard.js'
import { noImage, requireOn } from '../../images/access.js'
import type { Image } from '../../images/image.js'
import { find, findUnscoped } from '../../images/repository.js'
import { addTask } from '../../queue/tasks.js'
import { begin } from '../../queue/transfers.js'
import type { NewLocation } from './schemas.js'

export interface Add {
  id: string
  given: NewLocation
  request_id: string
}

/** Accepts the place of a queued image's bytes: Glance's checks in its order, then the lock, the task and its job. */
export async function addLocation(deps: Deps, caller: Caller, { id, given, request_id }: Add): Promise<void> {
  const { url, validation_data } = given
  const image = await find(deps, caller, id)
  checkStatus(image)
  requireOn(deps.policy, caller, 'add_image_location', image)
  if (!isService(caller) && !(url.startsWith('http') && webStore(deps) !== undefined)) {
    throw new Forbidden(
      'Only services may name a place that is not on a web server, or without an http store.',
    )
  }
  if (validation_data && !isDigest(validation_data.os_hash_algo, validation_data.os_hash_value)) {
    throw new BadRequest(`os_hash_value must be a ${validation_data.os_hash_algo} in hex.`)
  }
  if (isWeb(url)) checkWeb(deps, url)

  await deps.db.transaction().execute(async tx => {
    const locked = await findUnscoped(tx, id, { lock: true })
    if (!locked) throw noImage(id)
    checkStatus(locked)
    const task = await addTask(tx, {
      type: 'location_import',
      owner: caller.project_id,
      image_id: id,
      request_id,
      user_id: caller.user_id,
      input: { image_id: id, loc_url: masked(url), validation_data: validation_data ?? {} },
    })
    await lock(tx, locked, task)
    await begin(tx, { image_id: id, id: task, kind: 'import', task_id: task })
  })
}

function checkStatus({ status }: Image): void {
  if (status !== 'queued') throw new Conflict(`A location can not be added while the image is ${status}.`)
}

/** Whether a service is calling, with its own token or behind a user's. */
const isService = ({ roles, service_roles }: Caller) =>
  roles.includes('service') || service_roles.includes('service')

/** What the task shows; only of URLs that no store here takes can there be a password to hide. */
const masked = (url: string) => (URL.canParse(url) ? maskUri(new URL(url), url) : url)
