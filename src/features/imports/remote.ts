import type { Caller } from '../../auth/caller.js'
import { holder, holds } from '../../data/import-lock.js'
import { noteProperties } from '../../data/import-undo.js'
import type { Deps } from '../../deps.js'
import { Gone } from '../../errors.js'
import { checkFacts } from '../../images/facts.js'
import { type Image, isReserved } from '../../images/image.js'
import { findUnscoped, update } from '../../images/repository.js'

/** Properties that come along from another Glance, by their beginnings: Glance's extra_properties. */
const prefixes = ['hw_', 'trait:', 'os_distro', 'os_secure_boot', 'os_type']

/**
 * Takes formats and properties over from an image of another region; the task notes what takes them back. Properties
 * that protection keeps the caller from setting stay behind, or another region would be the way around it.
 * Throws BadRequest where facts about the guest are held to known values and these, with what the image has, are not.
 */
export async function fillFromRemote(
  deps: Deps,
  caller: Caller,
  image: Image,
  remote: Record<string, unknown>,
): Promise<void> {
  const text = (name: 'disk_format' | 'container_format', known: readonly string[]) =>
    typeof remote[name] === 'string' && known.includes(remote[name]) ? { [name]: remote[name] } : {}
  const columns = {
    ...text('disk_format', deps.config.disk_formats),
    ...text('container_format', deps.config.container_formats),
  }
  const properties = Object.fromEntries(
    Object.entries(remote).filter(
      (entry): entry is [string, string] =>
        typeof entry[1] === 'string' &&
        !isReserved(entry[0]) &&
        prefixes.some(prefix => entry[0].startsWith(prefix)) &&
        deps.protections.may(
          caller,
          Object.hasOwn(image.properties, entry[0]) ? 'update' : 'create',
          entry[0],
        ),
    ),
  )
  await deps.db.transaction().execute(async tx => {
    const current = await findUnscoped(tx, image.id, { lock: true })
    const task = holder(image)
    if (!current || !task || !holds(current, task)) throw new Gone('The import lost its lock on the image.')
    if (deps.config.strict_properties) {
      checkFacts(Object.keys(properties), { ...current.properties, ...properties })
    }
    await noteProperties(tx, task, {
      properties: Object.fromEntries(
        Object.entries(current.properties).filter(([name]) => Object.hasOwn(properties, name)),
      ),
      removed: Object.keys(properties).filter(name => !Object.hasOwn(current.properties, name)),
    })
    await update(tx, image.id, { columns, properties, removed: [] })
  })
  Object.assign(image, columns)
}
