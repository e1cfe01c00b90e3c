import { NotFound } from '../../errors.js'
import type { Stores } from '../../stores/index.js'

/** What everybody may know of each store, and what only services may. Throws NotFound where there is a single one. */
export function listStores(stores: Stores) {
  if (!stores.multi) throw new NotFound('There is one store only, which has no name for clients.')
  return stores.names.map(id => {
    const { description, kind, weight } = stores.settings(id)
    return {
      store: {
        id,
        ...(description !== null && { description }),
        // Glance sends these as strings, and only when they hold
        ...(id === stores.defaultName && { default: 'true' }),
        ...(kind === 'http' && { 'read-only': 'true' }),
      },
      detail: () => ({ type: kind, weight, properties: stores.properties(id) }),
    }
  })
}
