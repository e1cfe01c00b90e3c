import type { FastifyInstance } from 'fastify'
import type { Deps } from '../deps.js'
import { baseUrl } from '../http/base-url.js'
import { pageLinks } from '../http/pages.js'
import { queryOf } from '../http/query.js'
import { schemaRoutes } from '../http/schema-routes.js'
import { optional, text } from '../http/schemas.js'
import { requireOn } from './access.js'
import { attributeChecker } from './check.js'
import { create } from './create.js'
import { list } from './list.js'
import { listQuery } from './list-query.js'
import { find } from './repository.js'
import { imageSchema, imagesSchema } from './schemas.js'
import { view } from './view.js'

type ById = { Params: { image_id: string } }

/** The image record: /v2/images. PATCH and DELETE are with the image's bytes, in data/. */
export function imageRoutes(app: FastifyInstance, deps: Deps): void {
  const check = attributeChecker(deps.config)
  const image = imageSchema(deps.config)
  const tags = ['images']
  schemaRoutes(app, { image, images: imagesSchema(deps.config) })

  app.get(
    '/images',
    {
      config: { body: 'ignore' },
      schema: {
        tags,
        summary: 'List images',
        description:
          'Shows the images that the caller owns, those that are public, and those shared with it and accepted. Any ' +
          'query parameter that is not named here filters by the property of that name.',
        querystring: optional(listQuery),
        response: { 200: imagesSchema(deps.config) },
      },
    },
    async request => {
      const query = queryOf(request)
      const { images, next } = await list(deps, request.caller, query)
      return {
        images: images.map(one => view(deps, request.caller, one)),
        ...pageLinks('/v2/images', query, next),
        schema: '/v2/schemas/images',
      }
    },
  )

  app.post<{ Body: Record<string, unknown> }>(
    '/images',
    {
      config: { body: 'object' },
      schema: {
        tags,
        summary: 'Create an image',
        description:
          'It is `queued` until it has bytes. Attributes that are not named in the schema are properties.',
        body: image,
        response: {
          201: { ...image, headers: { Location: text('Address of the image.') } },
        },
      },
    },
    async (request, reply) => {
      const made = await create(deps, request.caller, request.body, check)
      const methods = deps.config.import_methods
      if (methods.length > 0) reply.header('OpenStack-image-import-methods', methods.join(','))
      if (deps.stores.multi) reply.header('OpenStack-image-store-ids', deps.stores.names.join(','))
      return reply
        .code(201)
        .header('Location', `${baseUrl(deps, request)}/v2/images/${made.id}`)
        .send(view(deps, request.caller, made))
    },
  )

  app.get<ById>(
    '/images/:image_id',
    { schema: { tags, summary: 'Show an image', response: { 200: image } } },
    async request => {
      const found = await find(deps, request.caller, request.params.image_id)
      requireOn(deps.policy, request.caller, 'get_image', found)
      return view(deps, request.caller, found)
    },
  )
}
