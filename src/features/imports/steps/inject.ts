import type { Deps } from '../../../deps.js'
import { checkFacts } from '../../../images/facts.js'
import { isReserved } from '../../../images/image.js'
import { findUnscoped, setProperties } from '../../../images/repository.js'

/** Role whose imports are left as they are: Glance's ignore_user_roles. */
const EXEMPT = 'admin'

/** Gives an imported image the operator's properties, `name=value` each. */
export async function inject(deps: Deps, imageId: string, roles: readonly string[]): Promise<void> {
  if (roles.includes(EXEMPT)) return
  const properties = deps.config.import_inject
    .map(text => [text.slice(0, text.indexOf('=')), text.slice(text.indexOf('=') + 1)] as const)
    .filter(([name]) => name !== '' && !isReserved(name))
  const given = Object.fromEntries(properties)
  await deps.db.transaction().execute(async tx => {
    if (deps.config.strict_properties) {
      const image = await findUnscoped(tx, imageId, { lock: true })
      checkFacts(Object.keys(given), { ...image?.properties, ...given })
    }
    await setProperties(tx, imageId, given)
  })
}
