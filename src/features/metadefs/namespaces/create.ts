import type { Caller } from '../../../auth/caller.js'
import type { Database } from '../../../db/connect.js'
import type { Deps } from '../../../deps.js'
import { demand, ownProject } from '../access.js'
import type { GivenNamespace } from '../bodies.js'
import { definitionsOf } from '../definition.js'
import * as objects from '../objects/repository.js'
import * as properties from '../properties/repository.js'
import * as resourceTypes from '../resource-types/repository.js'
import * as tags from '../tags/repository.js'
import { type Attributes, add, type Namespace } from './repository.js'

/** The attributes with their defaults: private, unprotected, of the given project. */
export const attributesOf = (given: GivenNamespace, project: string): Attributes => ({
  namespace: given.namespace,
  display_name: given.display_name ?? null,
  description: given.description ?? null,
  visibility: given.visibility ?? 'private',
  protected: given.protected ?? false,
  owner: given.owner ?? project,
})

/** Creates a namespace with everything in it, or nothing of it. */
export async function create(deps: Deps, caller: Caller, given: GivenNamespace): Promise<Namespace> {
  const target = ownProject(caller)
  const rules = ['add_metadef_namespace']
  if (given.resource_type_associations?.length) rules.push('add_metadef_resource_type_association')
  if (given.objects?.length) rules.push('add_metadef_object')
  if (Object.keys(given.properties ?? {}).length > 0) rules.push('add_metadef_property')
  if (given.tags?.length) rules.push('add_metadef_tag')
  for (const rule of rules) demand(deps.policy, caller, rule, target)
  return deps.db.transaction().execute(tx => addWhole(tx, given, caller.project_id ?? ''))
}

/** Adds a namespace and its content. `loaded`: from a file, as something that nobody has changed. Throws Conflict. */
export async function addWhole(
  tx: Database,
  given: GivenNamespace,
  project: string,
  options: { loaded?: boolean } = {},
): Promise<Namespace> {
  const namespace = await add(tx, attributesOf(given, project), options)
  await resourceTypes.add(tx, namespace.id, given.resource_type_associations ?? [], options)
  await objects.add(tx, namespace.id, given.objects ?? [], options)
  await tags.add(tx, namespace.id, given.tags ?? [], options)
  await properties.add(tx, namespace.id, definitionsOf(given.properties), options)
  return namespace
}
