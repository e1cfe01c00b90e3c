import type { Caller } from '../../../auth/caller.js'
import type { Deps } from '../../../deps.js'
import { Forbidden } from '../../../errors.js'
import { after } from '../../../http/pages.js'
import { demand, ownProject, targetOf } from '../access.js'
import { last, orderOf, pageLimit, visibilityOf } from '../paging.js'
import * as resourceTypes from '../resource-types/repository.js'
import { findUnscoped, isVisible, type Namespace, noNamespace } from './repository.js'

/** Keys that namespaces can be sorted by. */
export const sortKeys = [
  'namespace',
  'display_name',
  'description',
  'visibility',
  'protected',
  'owner',
  'created_at',
  'updated_at',
  'id',
]

export interface NamespacePage {
  namespaces: { namespace: Namespace; associations: resourceTypes.Association[] }[]
  /** Name of the last one, when the page was full. */
  next: string | null
}

/** One page of the namespaces that a caller may know of, with their associations. */
export async function list(deps: Deps, caller: Caller, query: URLSearchParams): Promise<NamespacePage> {
  const limit = pageLimit(query)
  const order = orderOf(query, sortKeys)
  const visibility = visibilityOf(query, ['public', 'private'])
  const types = last(query, 'resource_types')?.split(',')
  const target = ownProject(caller)
  demand(deps.policy, caller, 'get_metadef_namespaces', target)
  demand(deps.policy, caller, 'list_metadef_resource_types', target)
  const marker = await markerRow(deps, caller, query.get('marker'))

  let page = deps.db.selectFrom('metadef_namespaces as n').selectAll().limit(limit)
  if (!caller.is_admin) {
    page = page.where(eb =>
      eb.or([
        eb('n.visibility', '=', 'public'),
        ...(caller.project_id === null ? [] : [eb('n.owner', '=', caller.project_id)]),
      ]),
    )
  }
  if (visibility !== undefined) page = page.where('n.visibility', '=', visibility)
  if (types) {
    page = page.where('n.id', 'in', eb =>
      eb
        .selectFrom('metadef_associations as a')
        .innerJoin('metadef_resource_types as t', 't.id', 'a.resource_type_id')
        .select('a.namespace_id')
        .where('t.name', 'in', types.filter(name => !name.includes('\0')).concat('')),
    )
  }
  if (marker) page = page.where(eb => after(eb, order, marker, 'n'))
  for (const { key, direction } of order) page = page.orderBy(`n.${key as 'id'}`, direction)

  const rows = (await page.execute()).filter(row =>
    deps.policy.allows(caller, 'get_metadef_namespace', targetOf(row)),
  )
  const associations = await resourceTypes.listOf(
    deps.db,
    rows.map(row => row.id),
  )
  return {
    namespaces: rows.map(row => ({
      namespace: row,
      associations: associations.filter(one => one.namespace_id === row.id),
    })),
    next: rows.length > 0 && rows.length === limit ? rows.at(-1)!.namespace : null,
  }
}

/** The row of the marker: one that is not there is 404, one that the caller may not see 403, as Glance answers. */
async function markerRow(deps: Deps, caller: Caller, name: string | null): Promise<Namespace | undefined> {
  if (!name) return undefined
  const found = await findUnscoped(deps.db, name)
  if (!found) throw noNamespace(name)
  if (!isVisible(caller, found)) throw new Forbidden('The marker is a namespace that you may not see.')
  return found
}
