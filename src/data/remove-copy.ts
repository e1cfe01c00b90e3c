import type { Caller } from '../auth/caller.js'
import type { Deps } from '../deps.js'
import { Conflict, Forbidden, NotFound } from '../errors.js'
import { noImage, requireOn } from '../images/access.js'
import { find, findUnscoped, touch } from '../images/repository.js'
import { erase } from './erase.js'
import * as locations from './locations.js'

/** Takes the copy of an image away that one store holds, in Glance's order of checks. The last copy stays. */
export async function removeCopy(deps: Deps, caller: Caller, store: string, id: string): Promise<void> {
  const { stores } = deps
  if (!stores.multi) throw new NotFound('There is one store only, which has no name for clients.')
  if (!stores.names.includes(store)) throw new Conflict(`There is no store ${store.slice(0, 100)}.`)
  const seen = await find(deps, caller, id)
  requireOn(deps.policy, caller, 'get_image_location', seen)
  requireOn(deps.policy, caller, 'delete_image_location', seen)

  const doomed = await deps.db.transaction().execute(async tx => {
    const image = await findUnscoped(tx, id, { lock: true })
    if (!image) throw noImage(id)
    if (image.status !== 'active') {
      throw new Conflict(`The image is ${image.status}: only of an active one a store's copy can be removed.`)
    }
    if (image.locations.length === 1) {
      throw new Forbidden('This is the only copy of the image. Delete the image instead.')
    }
    const location = image.locations.find(one => one.store === store)
    if (!location) throw new NotFound(`Image ${id} is not stored in store ${store}.`)
    await touch(tx, id)
    return locations.drop(tx, location)
  })
  await erase(deps, doomed)
}
