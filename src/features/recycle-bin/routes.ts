import type { FastifyInstance } from 'fastify'
import { findBinned } from '../../data/bin.js'
import { destroy, requireInBin } from '../../data/destroy.js'
import { emptyBin } from '../../data/empty-bin.js'
import { restore } from '../../data/restore.js'
import type { Deps } from '../../deps.js'
import { abortSignal } from '../../http/abort.js'
import { pageLinks } from '../../http/pages.js'
import { queryOf } from '../../http/query.js'
import { done, optional, text } from '../../http/schemas.js'
import { listQuery } from '../../images/list-query.js'
import { imageSchema } from '../../images/schemas.js'
import { view as imageView } from '../../images/view.js'
import { list, ownerOf } from './list.js'
import { binnedSchema, view } from './view.js'

type ById = { Params: { image_id: string } }

const ownerQuery = {
  owner: text("Project whose bin is meant, for admins; the caller's own when not said, empty: of no owner."),
}
const { sort: _, sort_key: _key, sort_dir: _dir, member_status: _status, ...filters } = listQuery

/** Deleted images: see them, have them back, or have done with them. */
export function recycleBinRoutes(app: FastifyInstance, deps: Deps): void {
  const tags = ['recycle bin']
  const binned = binnedSchema(deps.config)

  app.get(
    '/recycle-bin',
    {
      config: { body: 'ignore' },
      schema: {
        tags,
        summary: 'List deleted images',
        description:
          "The caller's project's, last deleted first. They can be filtered as other images; hidden ones are among them.",
        querystring: optional({ ...filters, ...ownerQuery }),
        response: {
          200: {
            type: 'object',
            description: 'A page of the bin.',
            required: ['images'],
            properties: {
              images: { type: 'array', items: binned, description: 'Deleted images.' },
              next: { type: 'string', description: 'Path of the next page, when there may be one.' },
            },
          },
        },
      },
    },
    async request => {
      const query = queryOf(request)
      const { images, next } = await list(deps, request.caller, query)
      const links = pageLinks('/v2/recycle-bin', query, next)
      return {
        images: images.map(image => view(deps, request.caller, image)),
        ...(links.next !== undefined && { next: links.next }),
      }
    },
  )

  app.delete(
    '/recycle-bin',
    {
      schema: {
        tags,
        summary: 'Destroy all deleted images of a project',
        querystring: optional(ownerQuery),
        response: done,
      },
    },
    async (request, reply) => {
      const owner = ownerOf(request.caller, queryOf(request))
      await emptyBin(deps, request.caller, owner, abortSignal(reply))
      return reply.code(204).send()
    },
  )

  app.get<ById>(
    '/recycle-bin/:image_id',
    {
      schema: {
        tags,
        summary: 'Show a deleted image',
        response: { 200: binned },
      },
    },
    async ({ caller, params }) => {
      const image = await findBinned(deps.db, params.image_id, { project: caller.project_id })
      requireInBin(deps.policy, caller, 'get_recycle_bin', image, params.image_id)
      return view(deps, caller, image)
    },
  )

  app.delete<ById>(
    '/recycle-bin/:image_id',
    { schema: { tags, summary: 'Destroy a deleted image', response: done } },
    async ({ caller, params }, reply) => {
      await destroy(deps, caller, params.image_id)
      return reply.code(204).send()
    },
  )

  app.post<ById>(
    '/recycle-bin/:image_id/restore',
    {
      config: { errors: [413] },
      schema: {
        tags,
        summary: 'Restore a deleted image',
        description:
          "With its id, bytes, properties, tags and members. The limits of the image's project have to let it in; a " +
          'version comes back not in production.',
        response: { 200: imageSchema(deps.config) },
      },
    },
    async ({ caller, params }) => imageView(deps, caller, await restore(deps, caller, params.image_id)),
  )
}
