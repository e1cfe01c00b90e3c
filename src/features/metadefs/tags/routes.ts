import type { FastifyInstance } from 'fastify'
import type { Deps } from '../../../deps.js'
import { NotFound } from '../../../errors.js'
import { queryOf } from '../../../http/query.js'
import { optional, pageQuery, text } from '../../../http/schemas.js'
import { tagBody, tagsBody } from '../bodies.js'
import { change, readable, refuseProtected } from '../change.js'
import { orderOf, plainLimit, visibilityOf } from '../paging.js'
import { documents } from '../schemas.js'
import { present, times } from '../view.js'
import * as repository from './repository.js'

type InNamespace = { Params: { namespace: string } }
type ByName = { Params: { namespace: string; tag: string } }
type WithBody = { Body: Record<string, unknown> }

const noTag = (name: string) => new NotFound(`Could not find metadata tag ${name.slice(0, 100)}`)
const view = (tag: repository.Tag) => present({ name: tag.name, ...times(tag) })
const names = (tags: readonly { name: string }[]) => ({ tags: tags.map(({ name }) => ({ name })) })

/** What Python takes for true in a header. */
const isTrue = (text: string) => ['1', 't', 'true', 'on', 'y', 'yes'].includes(text.trim().toLowerCase())

export function tagRoutes(app: FastifyInstance, deps: Deps): void {
  const tags = ['metadefs']
  const url = '/metadefs/namespaces/:namespace/tags'
  const one = documents.tag
  const list = documents.tags

  app.get<InNamespace>(
    url,
    {
      config: { body: 'ignore' },
      schema: {
        tags,
        summary: "List a namespace's tags",
        querystring: optional(pageQuery(['created_at', 'id', 'name', 'updated_at'])),
        response: { 200: list },
      },
    },
    async request => {
      const { caller, params } = request
      const query = queryOf(request)
      const order = orderOf(query, ['name', 'created_at', 'updated_at', 'id'])
      visibilityOf(query, ['public', 'private', 'shared'])
      const limit = plainLimit(query.get('limit') || null, 0)
      const namespace = await readable(deps, caller, params.namespace, 'get_metadef_tags')
      const markerName = query.get('marker')
      const marker = markerName ? await repository.find(deps.db, namespace.id, markerName) : undefined
      if (markerName && !marker) throw noTag(markerName)
      return names(await repository.listOf(deps.db, namespace.id, { order, limit, marker }))
    },
  )

  app.post<InNamespace & WithBody>(
    url,
    {
      config: { body: 'object' },
      schema: {
        tags,
        summary: 'Create tags',
        description: 'They take the place of all that were there, unless X-Openstack-Append is true.',
        headers: optional({
          'x-openstack-append': text('Whether the tags are added to those that are there.'),
        }),
        body: list,
        response: { 201: list },
      },
    },
    async ({ caller, params, body, headers }, reply) => {
      const given = tagsBody(body)
      const append = isTrue(String(headers['x-openstack-append'] ?? ''))
      await change(deps, caller, params.namespace, ['add_metadef_tags'], async (tx, namespace) => {
        if (given.length === 0) return
        if (!append) await repository.removeAll(tx, namespace.id)
        await repository.add(tx, namespace.id, given)
      })
      return reply.code(201).send(names(given))
    },
  )

  app.delete<InNamespace>(
    url,
    { schema: { tags, summary: "Delete a namespace's tags" } },
    async ({ caller, params }, reply) => {
      const rules = ['delete_metadef_namespace', 'delete_metadef_tags']
      await change(deps, caller, params.namespace, rules, async (tx, namespace) => {
        refuseProtected(namespace)
        await repository.removeAll(tx, namespace.id)
      })
      return reply.code(204).send()
    },
  )

  app.get<ByName>(
    `${url}/:tag`,
    { schema: { tags, summary: 'Show a tag', response: { 200: one } } },
    async ({ caller, params }) => {
      const namespace = await readable(deps, caller, params.namespace, 'get_metadef_tag')
      const found = await repository.find(deps.db, namespace.id, params.tag)
      if (!found) throw noTag(params.tag)
      return view(found)
    },
  )

  app.post<ByName>(
    `${url}/:tag`,
    { schema: { tags, summary: 'Create a tag', response: { 201: one } } },
    async ({ caller, params }, reply) => {
      // to Glance a slash in a path is one however it is written, so there is no such address
      if (params.tag.includes('/')) throw new NotFound('The resource could not be found.')
      await readable(deps, caller, params.namespace)
      const given = tagBody({ name: params.tag })
      const [row] = await change(deps, caller, params.namespace, ['add_metadef_tag'], (tx, namespace) =>
        repository.add(tx, namespace.id, [given]),
      )
      return reply.code(201).send(view(row!))
    },
  )

  app.put<ByName & WithBody>(
    `${url}/:tag`,
    {
      config: { body: 'object' },
      schema: { tags, summary: 'Rename a tag', body: one, response: { 200: one } },
    },
    async ({ caller, params, body }) => {
      const given = tagBody(body)
      const rules = ['modify_metadef_tag']
      const row = await change(deps, caller, params.namespace, rules, async (tx, namespace) => {
        const found = await repository.find(tx, namespace.id, params.tag)
        if (!found) throw noTag(params.tag)
        return repository.rename(tx, found.id, given.name)
      })
      return view(row)
    },
  )

  app.delete<ByName>(
    `${url}/:tag`,
    { schema: { tags, summary: 'Delete a tag' } },
    async ({ caller, params }, reply) => {
      await change(deps, caller, params.namespace, ['delete_metadef_tag'], async (tx, namespace) => {
        const found = await repository.find(tx, namespace.id, params.tag)
        if (!found) throw noTag(params.tag)
        refuseProtected(namespace)
        await repository.remove(tx, found.id)
      })
      return reply.code(204).send()
    },
  )
}
