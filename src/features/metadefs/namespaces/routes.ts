import type { FastifyInstance } from 'fastify'
import type { Deps } from '../../../deps.js'
import { baseUrl } from '../../../http/base-url.js'
import { pageLinks } from '../../../http/pages.js'
import { queryOf } from '../../../http/query.js'
import { optional, pageQuery, text } from '../../../http/schemas.js'
import { checkDefaults, type GivenNamespace, namespaceBody } from '../bodies.js'
import { change, refuseProtected } from '../change.js'
import { definitionsOf } from '../definition.js'
import { last, visibilityOf } from '../paging.js'
import { view as associationView } from '../resource-types/view.js'
import { documents, inlined } from '../schemas.js'
import { attributesOf, create } from './create.js'
import { list, sortKeys } from './list.js'
import * as namespaces from './repository.js'
import { show } from './show.js'
import { view } from './view.js'

type ByName = { Params: { namespace: string } }
type WithBody = { Body: Record<string, unknown> }

/** What was sent, with its definitions as they are kept. */
const echo = (given: GivenNamespace) => ({
  ...given,
  ...(given.properties && { properties: definitionsOf(given.properties) }),
  ...(given.objects && {
    objects: given.objects.map(one => ({
      ...one,
      ...(one.properties && { properties: definitionsOf(one.properties) }),
    })),
  }),
})

export function namespaceRoutes(app: FastifyInstance, deps: Deps): void {
  const tags = ['metadefs']
  const url = '/metadefs/namespaces'
  const one = inlined(documents.namespace)

  app.get(
    url,
    {
      config: { body: 'ignore' },
      schema: {
        tags,
        summary: 'List namespaces',
        querystring: optional({
          ...pageQuery(sortKeys),
          visibility: { type: 'string', enum: ['public', 'private'], description: 'Visibility.' },
          resource_types: text('Resource types with commas: namespaces that are for one of them.'),
        }),
        response: { 200: inlined(documents.namespaces) },
      },
    },
    async request => {
      const query = queryOf(request)
      // in the links each parameter stands once, as in Glance's
      const once = new URLSearchParams([...new Map(query)])
      const page = await list(deps, request.caller, query)
      return {
        namespaces: page.namespaces.map(({ namespace, associations }) =>
          view(
            namespace,
            associations.length > 0 ? { resource_type_associations: associations.map(associationView) } : {},
          ),
        ),
        ...pageLinks(`/v2${url}`, once, page.next),
        schema: '/v2/schemas/metadefs/namespaces',
      }
    },
  )

  app.post<WithBody>(
    url,
    {
      config: { body: 'object' },
      schema: { tags, summary: 'Create a namespace', body: one, response: { 201: one } },
    },
    async (request, reply) => {
      const given = namespaceBody(request.body)
      checkAllDefaults(given)
      const made = await create(deps, request.caller, given)
      // a colon needs no escape in a path, and most names have some
      const name = encodeURIComponent(made.namespace).replaceAll('%3A', ':')
      return reply
        .code(201)
        .header('Location', `${baseUrl(deps, request)}/v2${url}/${name}`)
        .send(view(made, echo(given)))
    },
  )

  app.get<ByName>(
    `${url}/:namespace`,
    {
      schema: {
        tags,
        summary: 'Show a namespace with everything in it',
        description: "With resource_type, names of properties have the prefix of that type's association.",
        querystring: optional({ resource_type: text('A resource type that the namespace is for.') }),
        response: { 200: one },
      },
    },
    async request => {
      const query = queryOf(request)
      visibilityOf(query, ['public', 'private'])
      const resourceType = last(query, 'resource_type')
      const { namespace, content } = await show(deps, request.caller, request.params.namespace, resourceType)
      return view(namespace, content)
    },
  )

  app.put<ByName & WithBody>(
    `${url}/:namespace`,
    {
      config: { body: 'object' },
      schema: {
        tags,
        summary: 'Change a namespace',
        description: 'What is left out is cleared, or set to its default. What is in it stays as it is.',
        body: one,
        response: { 200: one },
      },
    },
    async ({ caller, params, body }) => {
      const given = namespaceBody(body)
      checkAllDefaults(given)
      const owner = given.owner || caller.project_id || ''
      const attributes = attributesOf({ ...given, owner }, owner)
      const rules = ['modify_metadef_namespace']
      return view(
        await change(deps, caller, params.namespace, rules, (tx, namespace) =>
          namespaces.change(tx, namespace.id, attributes),
        ),
      )
    },
  )

  app.delete<ByName>(
    `${url}/:namespace`,
    { schema: { tags, summary: 'Delete a namespace with everything in it' } },
    async ({ caller, params }, reply) => {
      await change(deps, caller, params.namespace, ['delete_metadef_namespace'], async (tx, namespace) => {
        refuseProtected(namespace)
        await namespaces.remove(tx, namespace.id)
      })
      return reply.code(204).send()
    },
  )
}

function checkAllDefaults(given: GivenNamespace): void {
  checkDefaults(given.properties)
  for (const object of given.objects ?? []) checkDefaults(object.properties)
}
