import type { FastifyInstance } from 'fastify'
import type { Deps } from '../../../deps.js'
import { pageLinks } from '../../../http/pages.js'
import { queryOf } from '../../../http/query.js'
import { optional, text } from '../../../http/schemas.js'
import { imageSchema } from '../../../images/schemas.js'
import { view as imageView } from '../../../images/view.js'
import { page } from '../routes.js'
import * as schemas from '../schemas.js'
import * as view from '../view.js'
import { imageOf, list, show } from './lineages.js'

type ById = { Params: { lineage_id: string } }

const tags = ['lineages']

/** Lineages by their own ids, which stay the same whatever is in production. */
export function lineageRoutes(app: FastifyInstance, deps: Deps): void {
  app.get(
    '/lineages',
    {
      config: { body: 'ignore' },
      schema: {
        tags,
        summary: 'List lineages',
        description: "Those whose version in production the caller's list of images shows.",
        querystring: optional({
          ...page,
          name: text('Exact name of the version in production.'),
          owner: text('Project that owns it.'),
        }),
        response: { 200: { ...schemas.Lineages, description: 'A page of lineages' } },
      },
    },
    async request => {
      const query = queryOf(request)
      const found = await list(deps, request.caller, query)
      const { next } = pageLinks('/v2/lineages', query, found.next)
      return { lineages: found.heads.map(({ image, began }) => view.lineage(image, began)), next }
    },
  )

  app.get<ById>(
    '/lineages/:lineage_id',
    {
      schema: {
        tags,
        summary: 'Show a lineage',
        response: { 200: { ...schemas.Lineage, description: 'The lineage' } },
      },
    },
    async ({ caller, params }) => {
      const { image, began } = await show(deps, caller, params.lineage_id)
      return view.lineage(image, began)
    },
  )

  app.get<ById>(
    '/lineages/:lineage_id/image',
    {
      schema: {
        tags,
        summary: 'Show the image in production',
        description:
          'For those who look up the image to use: the address stays, the image changes with promotions.',
        response: { 200: imageSchema(deps.config) },
      },
    },
    async ({ caller, params }) => imageView(deps, caller, await imageOf(deps, caller, params.lineage_id)),
  )
}
