import { BadRequest, Conflict } from '../../errors.js'
import type { Stores } from '../../stores/index.js'
import type { ImportRequest } from './request.js'

/**
 * The stores an import writes to: named in the body, or in the header, all of them, or the default one. Naming them
 * twice is 400, an unknown one 409, as Glance answers. With a single store all of this is ignored.
 */
export function targetStores(stores: Stores, request: ImportRequest, header: string | undefined): string[] {
  if (!stores.multi) return [stores.defaultName]
  if (request.all_stores) {
    if (request.stores !== undefined || header !== undefined) {
      throw new BadRequest("all_stores can't be used with stores or the X-Image-Meta-Store header.")
    }
    return stores.names.filter(name => stores.settings(name).kind !== 'http')
  }
  const asked = listed(request.stores)
  // openstacksdk sends both, the same: no reason to refuse it
  const same = asked?.length === 1 && asked[0] === header
  if (asked && header !== undefined && !same) {
    throw new BadRequest("stores can't be used with the X-Image-Meta-Store header.")
  }
  const names = asked ?? [header ?? stores.defaultName]
  for (const name of names) {
    if (!stores.names.includes(name) || stores.settings(name).kind === 'http') {
      throw new Conflict(`There is no store ${name.slice(0, 100)} to import to.`)
    }
  }
  return [...new Set(names)]
}

/** What is no list of names names no store: a Conflict as for an unknown one. */
function listed(asked: unknown): string[] | undefined {
  if (asked === undefined) return undefined
  if (Array.isArray(asked) && asked.every(store => typeof store === 'string')) return asked
  throw new Conflict("'stores' must be an array of store ids.")
}
