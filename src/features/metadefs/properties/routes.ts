import type { FastifyInstance } from 'fastify'
import type { Deps } from '../../../deps.js'
import { NotFound } from '../../../errors.js'
import { queryOf } from '../../../http/query.js'
import { optional, text } from '../../../http/schemas.js'
import { demand, targetOf } from '../access.js'
import { propertyBody } from '../bodies.js'
import { change, readable, refuseProtected } from '../change.js'
import { type Definition, definitionOf } from '../definition.js'
import type { Namespace } from '../namespaces/repository.js'
import { last } from '../paging.js'
import * as resourceTypes from '../resource-types/repository.js'
import { documents, inlined } from '../schemas.js'
import * as properties from './repository.js'

type InNamespace = { Params: { namespace: string } }
type ByName = { Params: { namespace: string; property: string } }
type WithBody = { Body: Record<string, unknown> }

const noProperty = (name: string) => new NotFound(`Could not find property ${name.slice(0, 100)}`)

/** A property by itself has its name in it, whatever the definition says. */
const view = (name: string, { name: _, ...rest }: Definition) => ({ name, ...rest })

export function propertyRoutes(app: FastifyInstance, deps: Deps): void {
  const tags = ['metadefs']
  const url = '/metadefs/namespaces/:namespace/properties'
  const one = inlined(documents.property)

  app.get<InNamespace>(
    url,
    {
      schema: {
        tags,
        summary: "List a namespace's properties",
        response: { 200: inlined(documents.properties) },
      },
    },
    async ({ caller, params }) => {
      const namespace = await readable(deps, caller, params.namespace, 'get_metadef_properties')
      const rows = await properties.listOf(deps.db, namespace.id)
      return { properties: Object.fromEntries(rows.map(row => [row.name, row.definition])) }
    },
  )

  app.post<InNamespace & WithBody>(
    url,
    {
      config: { body: 'object' },
      schema: { tags, summary: 'Create a property', body: one, response: { 201: one } },
    },
    async ({ caller, params, body }, reply) => {
      const given = propertyBody(body)
      const definition = definitionOf(given)
      await change(deps, caller, params.namespace, ['add_metadef_property'], (tx, namespace) =>
        properties.add(tx, namespace.id, Object.fromEntries([[given.name, definition]])),
      )
      return reply.code(201).send(view(given.name, definition))
    },
  )

  app.delete<InNamespace>(
    url,
    { schema: { tags, summary: "Delete a namespace's properties" } },
    async ({ caller, params }, reply) => {
      await change(deps, caller, params.namespace, ['delete_metadef_namespace'], async (tx, namespace) => {
        refuseProtected(namespace)
        await properties.removeAll(tx, namespace.id)
      })
      return reply.code(204).send()
    },
  )

  app.get<ByName>(
    `${url}/:property`,
    {
      config: { body: 'ignore' },
      schema: {
        tags,
        summary: 'Show a property',
        description: "With resource_type the name has the prefix of that type's association before it.",
        querystring: optional({ resource_type: text('A resource type that the namespace is for.') }),
        response: { 200: one },
      },
    },
    async request => {
      const { caller, params } = request
      const resourceType = last(queryOf(request), 'resource_type')
      const namespace = await readable(deps, caller, params.namespace, 'get_metadef_property')
      let name = params.property
      if (resourceType) {
        demand(deps.policy, caller, 'get_metadef_resource_type', targetOf(namespace))
        name = await withoutPrefix(deps, namespace, resourceType, name)
      }
      const found = await properties.find(deps.db, namespace.id, name)
      if (!found) throw noProperty(name)
      return view(found.name, found.definition)
    },
  )

  app.put<ByName & WithBody>(
    `${url}/:property`,
    {
      config: { body: 'object' },
      schema: { tags, summary: 'Change a property', body: one, response: { 200: one } },
    },
    async ({ caller, params, body }) => {
      const given = propertyBody(body)
      const definition = definitionOf(given)
      await change(deps, caller, params.namespace, ['modify_metadef_property'], async (tx, namespace) => {
        const found = await properties.find(tx, namespace.id, params.property)
        if (!found) throw noProperty(params.property)
        await properties.change(tx, found.id, given.name, definition)
      })
      return view(given.name, definition)
    },
  )

  app.delete<ByName>(
    `${url}/:property`,
    { schema: { tags, summary: 'Delete a property' } },
    async ({ caller, params }, reply) => {
      await change(deps, caller, params.namespace, ['remove_metadef_property'], async (tx, namespace) => {
        const found = await properties.find(tx, namespace.id, params.property)
        if (!found) throw noProperty(params.property)
        refuseProtected(namespace)
        await properties.remove(tx, found.id)
      })
      return reply.code(204).send()
    },
  )
}

/** The name that a property has in its namespace, of the name that it has on a resource of the type. */
async function withoutPrefix(
  deps: Deps,
  namespace: Namespace,
  resourceType: string,
  name: string,
): Promise<string> {
  const found = await resourceTypes.find(deps.db, namespace.id, resourceType)
  if (!found) throw new NotFound(`The namespace has no resource type ${resourceType.slice(0, 100)}.`)
  if (!found.prefix || !name.startsWith(found.prefix)) {
    throw new NotFound(`The property must start with the resource type's prefix, which is ${found.prefix}.`)
  }
  return name.slice(found.prefix.length)
}
