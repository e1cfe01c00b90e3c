import type { FastifyInstance } from 'fastify'
import type { Deps } from '../../deps.js'
import type { Feature } from '../../feature.js'
import { schemaRoutes } from '../../http/schema-routes.js'
import { time } from '../../images/view.js'
import { addMany } from './batch.js'
import type { Member } from './repository.js'
import { Batch, BatchResults, memberSchema, membersSchema } from './schemas.js'
import * as share from './share.js'

type OfImage = { Params: { image_id: string } }
type ById = { Params: { image_id: string; member_id: string } }

const view = (member: Member) => ({
  member_id: member.member,
  image_id: member.image_id,
  status: member.status,
  created_at: time(member.created_at),
  updated_at: time(member.updated_at),
  schema: '/v2/schemas/member',
})

function routes(app: FastifyInstance, deps: Deps): void {
  schemaRoutes(app, { member: memberSchema, members: membersSchema })
  const tags = ['members']
  const one = { 200: memberSchema }

  app.get<OfImage>(
    '/images/:image_id/members',
    {
      schema: {
        tags,
        summary: 'List the projects an image is shared with',
        response: { 200: membersSchema },
      },
    },
    async request => ({
      members: (await share.list(deps, request.caller, request.params.image_id)).map(view),
      schema: '/v2/schemas/members',
    }),
  )

  // 200, not 201: gophercloud accepts nothing else
  app.post<OfImage & { Body: { member?: unknown } }>(
    '/images/:image_id/members',
    {
      config: { body: 'object' },
      schema: {
        tags,
        summary: 'Share an image with a project',
        body: {
          type: 'object',
          required: ['member'],
          properties: { member: { type: 'string', maxLength: 255 } },
        },
        response: one,
      },
    },
    async request =>
      view(await share.add(deps, request.caller, request.params.image_id, request.body.member)),
  )

  // the other methods there mean a member called batch
  app.post<OfImage>(
    '/images/:image_id/members/batch',
    {
      config: { body: 'object', unlisted: true },
      schema: {
        tags,
        summary: 'Share an image with many projects',
        description: 'Each project has an answer of its own: one that is refused keeps none of the others.',
        body: Batch,
        response: { 200: BatchResults },
      },
    },
    async ({ caller, params, body }) => addMany(deps, caller, params.image_id, body),
  )

  app.get<ById>(
    '/images/:image_id/members/:member_id',
    { schema: { tags, summary: 'Show a membership', response: one } },
    async ({ caller, params }) => view(await share.show(deps, caller, params.image_id, params.member_id)),
  )

  app.put<ById & { Body: { status?: unknown } }>(
    '/images/:image_id/members/:member_id',
    {
      config: { body: 'object' },
      schema: {
        tags,
        summary: 'Accept or reject a shared image',
        body: {
          type: 'object',
          required: ['status'],
          properties: { status: memberSchema.properties.status },
        },
        response: one,
      },
    },
    async ({ caller, params, body }) =>
      view(await share.answer(deps, caller, params.image_id, params.member_id, body.status)),
  )

  app.delete<ById>(
    '/images/:image_id/members/:member_id',
    { schema: { tags, summary: 'Stop sharing an image with a project' } },
    async ({ caller, params }, reply) => {
      await share.remove(deps, caller, params.image_id, params.member_id)
      return reply.code(204).send()
    },
  )
}

export const members: Feature = { name: 'members', routes }
