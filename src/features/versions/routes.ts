import type { FastifyInstance } from 'fastify'
import type { Deps } from '../../deps.js'
import { baseUrl } from '../../http/base-url.js'
import { pageLinks } from '../../http/pages.js'
import { queryOf } from '../../http/query.js'
import { optional, text } from '../../http/schemas.js'
import { add } from './add.js'
import { findOfLineage, findVersion, whichOf } from './find.js'
import { history, listVersions } from './list.js'
import { promote, rollback } from './promote.js'
import * as schemas from './schemas.js'
import * as view from './view.js'

type OfImage = { Params: { image_id: string } }
type ByVersion = { Params: { image_id: string; version: string } }

const tags = ['lineages']
export const page = {
  limit: { type: 'integer', minimum: 0, description: 'Rows of the page: 25 when not said, 1000 at most.' },
  marker: text('What `next` of the page before says.'),
}
const one = { 200: { ...schemas.Version, description: 'The version' } }

/** The versions of an image, by the id of any of them. */
export function versionRoutes(app: FastifyInstance, deps: Deps): void {
  app.post<OfImage>(
    '/images/:image_id/versions',
    {
      config: { body: 'object' },
      schema: {
        tags,
        summary: 'Add a version',
        description:
          'Makes a queued image with the attributes, properties, tags and members of this one, or takes an image that ' +
          'is there. The first one makes this image version 1, in production if it is active.',
        body: schemas.NewVersion,
        response: {
          201: {
            ...schemas.Version,
            description: 'The new version',
            headers: { Location: text('Address of the version.') },
          },
        },
      },
    },
    async (request, reply) => {
      const wish = schemas.newVersionOf(request.body)
      const made = await add(deps, request.caller, request.params.image_id, wish)
      return reply
        .code(201)
        .header('Location', `${baseUrl(deps, request)}/v2/images/${made.id}/versions/${made.version}`)
        .send(view.version(made))
    },
  )

  app.get<OfImage>(
    '/images/:image_id/versions',
    {
      schema: {
        tags,
        summary: 'List the versions of an image',
        querystring: optional(page),
        response: { 200: { ...schemas.Versions, description: 'A page of versions' } },
      },
    },
    async request => {
      const query = queryOf(request)
      const { image_id } = request.params
      const found = await listVersions(deps, request.caller, image_id, query)
      const { next } = pageLinks(`/v2/images/${image_id}/versions`, query, textOf(found.next))
      return { ...found, versions: found.versions.map(view.version), next }
    },
  )

  app.get<ByVersion>(
    '/images/:image_id/versions/:version',
    { schema: { tags, summary: 'Show a version', response: one } },
    async ({ caller, params }) => {
      const { lineage } = await findOfLineage(deps, caller, params.image_id)
      return view.version(await findVersion(deps, caller, lineage, whichOf(params.version)))
    },
  )

  app.put<OfImage>(
    '/images/:image_id/versions/production',
    {
      config: { body: 'object' },
      schema: {
        tags,
        summary: 'Put a version in production',
        description:
          'In place of the one that is, at once. Only an active one; a public or community one only by those ' +
          'who may make an image so.',
        body: schemas.Promote,
        response: one,
      },
    },
    async ({ caller, params, body }) =>
      view.version(await promote(deps, caller, params.image_id, schemas.promoteOf(body))),
  )

  app.post<OfImage>(
    '/images/:image_id/versions/rollback',
    {
      config: { body: 'ignore' },
      schema: {
        tags,
        summary: 'Put the version before back in production',
        description:
          'The one that was in production before this one and is still active; again, the one before that.',
        response: one,
      },
    },
    async ({ caller, params }) => view.version(await rollback(deps, caller, params.image_id)),
  )

  app.get<OfImage>(
    '/images/:image_id/versions/history',
    {
      schema: {
        tags,
        summary: 'List what was in production when',
        querystring: optional(page),
        response: { 200: { ...schemas.History, description: 'A page of changes' } },
      },
    },
    async request => {
      const query = queryOf(request)
      const { image_id } = request.params
      const found = await history(deps, request.caller, image_id, query)
      const { next } = pageLinks(`/v2/images/${image_id}/versions/history`, query, textOf(found.next))
      return { history: found.history.map(view.promotion), next }
    },
  )
}

const textOf = (marker: number | null) => (marker === null ? null : String(marker))
