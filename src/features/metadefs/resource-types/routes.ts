import type { FastifyInstance } from 'fastify'
import type { Deps } from '../../../deps.js'
import { NotFound } from '../../../errors.js'
import { text } from '../../../http/schemas.js'
import { demand, ownProject, targetOf } from '../access.js'
import { associationBody } from '../bodies.js'
import { change, readable, refuseProtected } from '../change.js'
import { documents } from '../schemas.js'
import { present, times } from '../view.js'
import * as resourceTypes from './repository.js'
import { view } from './view.js'

type InNamespace = { Params: { namespace: string } }
type ByName = { Params: { namespace: string; resource_type: string } }

const allTypesSchema = {
  type: 'object',
  properties: {
    resource_types: {
      type: 'array',
      items: {
        type: 'object',
        properties: {
          name: text('Such as `OS::Glance::Image`.'),
          created_at: text('When it was first associated.'),
          updated_at: text('When it was last changed.'),
        },
      },
    },
  },
}

export function resourceTypeRoutes(app: FastifyInstance, deps: Deps): void {
  const tags = ['metadefs']
  const url = '/metadefs/namespaces/:namespace/resource_types'
  const one = documents.resource_type

  app.get(
    '/metadefs/resource_types',
    { schema: { tags, summary: 'List the resource types', response: { 200: allTypesSchema } } },
    async ({ caller }) => {
      demand(deps.policy, caller, 'list_metadef_resource_types', ownProject(caller))
      const types = await resourceTypes.listTypes(deps.db)
      return { resource_types: types.map(type => present({ name: type.name, ...times(type) })) }
    },
  )

  app.get<InNamespace>(
    url,
    {
      schema: {
        tags,
        summary: "List a namespace's resource types",
        response: { 200: documents.resource_types },
      },
    },
    async ({ caller, params }) => {
      const namespace = await readable(deps, caller, params.namespace, 'list_metadef_resource_types')
      const shown = deps.policy.allows(caller, 'get_metadef_resource_type', targetOf(namespace))
      const rows = shown ? await resourceTypes.listOf(deps.db, [namespace.id]) : []
      return { resource_type_associations: rows.map(view) }
    },
  )

  app.post<InNamespace & { Body: Record<string, unknown> }>(
    url,
    {
      config: { body: 'object' },
      schema: { tags, summary: 'Associate a resource type', body: one, response: { 201: one } },
    },
    async ({ caller, params, body }, reply) => {
      const given = associationBody(body)
      const rules = ['add_metadef_resource_type_association']
      const [row] = await change(deps, caller, params.namespace, rules, (tx, namespace) =>
        resourceTypes.add(tx, namespace.id, [given]),
      )
      return reply.code(201).send(view(row!))
    },
  )

  app.delete<ByName>(
    `${url}/:resource_type`,
    { schema: { tags, summary: "End a resource type's association" } },
    async ({ caller, params }, reply) => {
      const rules = ['remove_metadef_resource_type_association']
      await change(deps, caller, params.namespace, rules, async (tx, namespace) => {
        const found = await resourceTypes.find(tx, namespace.id, params.resource_type)
        if (!found) {
          throw new NotFound(`The namespace has no resource type ${params.resource_type.slice(0, 100)}.`)
        }
        refuseProtected(namespace)
        await resourceTypes.remove(tx, found.id)
      })
      return reply.code(204).send()
    },
  )
}
