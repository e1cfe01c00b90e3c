import type { FastifyInstance } from 'fastify'
import type { Deps } from '../../../deps.js'
import { NotFound } from '../../../errors.js'
import { queryOf } from '../../../http/query.js'
import { optional, pageQuery } from '../../../http/schemas.js'
import { targetOf } from '../access.js'
import { type GivenObject, objectBody } from '../bodies.js'
import { change, readable, refuseProtected } from '../change.js'
import { directionOf, plainLimit, visibilityOf } from '../paging.js'
import { documents, inlined } from '../schemas.js'
import * as objects from './repository.js'
import { view } from './view.js'

type InNamespace = { Params: { namespace: string } }
type ByName = { Params: { namespace: string; object: string } }
type WithBody = { Body: Record<string, unknown> }

const noObject = (name: string) => new NotFound(`Could not find metadata object ${name.slice(0, 100)}`)

/** The answer to a write shows the lists that were sent, unlike a read, where they are there even when empty. */
const echo = (namespace: string, row: objects.MetadefObject, given: GivenObject) => {
  const { required, properties, ...rest } = view(namespace, row)
  return {
    name: rest.name,
    ...(given.required && { required }),
    ...(rest.description !== undefined && { description: rest.description }),
    ...(given.properties && { properties }),
    ...rest,
  }
}

export function objectRoutes(app: FastifyInstance, deps: Deps): void {
  const tags = ['metadefs']
  const url = '/metadefs/namespaces/:namespace/objects'
  const one = inlined(documents.object)

  app.get<InNamespace>(
    url,
    {
      config: { body: 'ignore' },
      schema: {
        tags,
        summary: "List a namespace's objects",
        description: 'limit, marker and the order are checked and change nothing, as with Glance.',
        querystring: optional(pageQuery(['created_at'])),
        response: { 200: inlined(documents.objects) },
      },
    },
    async request => {
      const { caller, params } = request
      const query = queryOf(request)
      directionOf(query)
      visibilityOf(query, ['public', 'private', 'shared'])
      plainLimit(query.get('limit'), 1)
      const namespace = await readable(deps, caller, params.namespace, 'get_metadef_objects')
      const shown = deps.policy.allows(caller, 'get_metadef_object', targetOf(namespace))
      const rows = shown ? await objects.listOf(deps.db, namespace.id) : []
      // without a slash at its beginning: Glance's spelling
      return {
        objects: rows.map(row => view(namespace.namespace, row)),
        schema: 'v2/schemas/metadefs/objects',
      }
    },
  )

  app.post<InNamespace & WithBody>(
    url,
    {
      config: { body: 'object' },
      schema: { tags, summary: 'Create an object', body: one, response: { 201: one } },
    },
    async ({ caller, params, body }, reply) => {
      const given = objectBody(body, { change: false })
      const [row] = await change(deps, caller, params.namespace, ['add_metadef_object'], (tx, namespace) =>
        objects.add(tx, namespace.id, [given]),
      )
      return reply.code(201).send(echo(params.namespace, row!, given))
    },
  )

  app.delete<InNamespace>(
    url,
    { schema: { tags, summary: "Delete a namespace's objects" } },
    async ({ caller, params }, reply) => {
      await change(deps, caller, params.namespace, ['delete_metadef_namespace'], async (tx, namespace) => {
        refuseProtected(namespace)
        await objects.removeAll(tx, namespace.id)
      })
      return reply.code(204).send()
    },
  )

  app.get<ByName>(
    `${url}/:object`,
    { schema: { tags, summary: 'Show an object', response: { 200: one } } },
    async ({ caller, params }) => {
      const namespace = await readable(deps, caller, params.namespace, 'get_metadef_object')
      const found = await objects.find(deps.db, namespace.id, params.object)
      if (!found) throw noObject(params.object)
      return view(namespace.namespace, found)
    },
  )

  app.put<ByName & WithBody>(
    `${url}/:object`,
    {
      config: { body: 'object' },
      schema: { tags, summary: 'Change an object', body: one, response: { 200: one } },
    },
    async ({ caller, params, body }) => {
      const given = objectBody(body, { change: true })
      const rules = ['modify_metadef_object']
      const row = await change(deps, caller, params.namespace, rules, async (tx, namespace) => {
        const found = await objects.find(tx, namespace.id, params.object)
        if (!found) throw noObject(params.object)
        return objects.change(tx, found.id, given)
      })
      return echo(params.namespace, row, given)
    },
  )

  app.delete<ByName>(
    `${url}/:object`,
    { schema: { tags, summary: 'Delete an object' } },
    async ({ caller, params }, reply) => {
      await change(deps, caller, params.namespace, ['delete_metadef_object'], async (tx, namespace) => {
        const found = await objects.find(tx, namespace.id, params.object)
        if (!found) throw noObject(params.object)
        refuseProtected(namespace)
        await objects.remove(tx, found.id)
      })
      return reply.code(204).send()
    },
  )
}
