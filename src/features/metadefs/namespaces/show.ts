import type { Caller } from '../../../auth/caller.js'
import type { Deps } from '../../../deps.js'
import { readable } from '../change.js'
import { prefixed } from '../definition.js'
import * as objects from '../objects/repository.js'
import { view as objectView } from '../objects/view.js'
import * as properties from '../properties/repository.js'
import * as resourceTypes from '../resource-types/repository.js'
import { view as associationView } from '../resource-types/view.js'
import * as tags from '../tags/repository.js'
import type { Namespace } from './repository.js'
import type { Content } from './view.js'

/**
 * A namespace with everything in it. With a resource type, names of properties are as they are on such a resource:
 * with the association's prefix before them.
 */
export async function show(
  deps: Deps,
  caller: Caller,
  name: string,
  resourceType: string | undefined,
): Promise<{ namespace: Namespace; content: Content }> {
  const namespace = await readable(
    deps,
    caller,
    name,
    'get_metadef_namespace',
    'list_metadef_resource_types',
    'get_metadef_objects',
    'get_metadef_properties',
    'get_metadef_tags',
  )
  const { db } = deps
  const [associations, objectRows, propertyRows, tagRows] = await Promise.all([
    resourceTypes.listOf(db, [namespace.id]),
    objects.listOf(db, namespace.id),
    properties.listOf(db, namespace.id),
    tags.listOf(db, namespace.id, tags.newestFirst),
  ])
  const prefix = associations.find(one => one.name === resourceType)?.prefix ?? ''
  const shownObjects = objectRows.map(row => ({
    ...objectView(name, row),
    required: row.required.map(one => prefix + one),
    properties: prefixed(row.properties, prefix),
  }))
  const definitions = propertyRows.map(row => [prefix + row.name, row.definition] as const)
  return {
    namespace,
    content: {
      ...(associations.length > 0 && { resource_type_associations: associations.map(associationView) }),
      ...(definitions.length > 0 && { properties: Object.fromEntries(definitions) }),
      ...(shownObjects.length > 0 && { objects: shownObjects }),
      ...(tagRows.length > 0 && { tags: tagRows.map(row => ({ name: row.name })) }),
    },
  }
}
