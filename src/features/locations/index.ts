import type { FastifyInstance } from 'fastify'
import type { Deps } from '../../deps.js'
import type { Feature } from '../../feature.js'
import { taskRequestId } from '../../http/request-id.js'
import { requireOn } from '../../images/access.js'
import { find } from '../../images/repository.js'
import { locationsOf } from '../../images/view.js'
import { addLocation } from './add.js'
import { locationRunner } from './run.js'
import { locationsSchema, newLocationSchema, parseLocation } from './schemas.js'

type ById = { Params: { image_id: string } }

function routes(app: FastifyInstance, deps: Deps): void {
  const tags = ['image data']
  const url = '/images/:image_id/locations'

  app.post<ById & { Body: Record<string, unknown> }>(
    url,
    {
      // Glance's list has no GET, which it answers all the same
      config: { body: 'object', allow: 'POST' },
      schema: {
        tags,
        summary: 'Add the place of the bytes to a queued image',
        body: newLocationSchema,
        response: { 202: { type: 'null', description: 'A task adds it' } },
      },
    },
    async (request, reply) => {
      const { body, caller, params } = request
      const given = parseLocation(body)
      await addLocation(deps, caller, { id: params.image_id, given, request_id: taskRequestId(request) })
      return reply.code(202).send()
    },
  )

  app.get<ById>(
    url,
    {
      config: { allow: 'POST' },
      schema: { tags, summary: "List the places of an image's bytes", response: { 200: locationsSchema } },
    },
    async ({ caller, params }) => {
      const image = await find(deps, caller, params.image_id)
      requireOn(deps.policy, caller, 'fetch_image_location', image)
      return locationsOf(deps, image)
    },
  )
}

/** Locations as services set and read them. The way of PATCH is with the image's data, in data/. */
export const locations: Feature = {
  name: 'locations',
  routes,
  tasks: { location_import: locationRunner },
}
