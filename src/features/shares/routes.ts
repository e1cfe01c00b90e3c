import type { FastifyInstance } from 'fastify'
import type { Deps } from '../../deps.js'
import { queryOf } from '../../http/query.js'
import { done, optional, text } from '../../http/schemas.js'
import { time } from '../../images/view.js'
import type { ShareRow } from './repository.js'
import { NewShare, ShareList, ShareRecord } from './schemas.js'
import * as share from './share.js'

type OfImage = { Params: { image_id: string } }
type ById = { Params: { image_id: string; share_id: string } }

const view = ({ created_at, ...row }: ShareRow) => ({ ...row, created_at: time(created_at) })

export function routes(app: FastifyInstance, deps: Deps): void {
  const tags = ['shares']

  app.get<OfImage>(
    '/images/:image_id/shares',
    {
      schema: {
        tags,
        summary: 'List the groups and domains an image is shared with',
        querystring: optional({
          limit: {
            type: 'integer',
            minimum: 0,
            description: 'Rows of the page: 25 when not said, 1000 at most.',
          },
          marker: text('Id of the last share of the page before.'),
        }),
        response: { 200: ShareList },
      },
    },
    async request => {
      const { shares, ...rest } = await share.list(
        deps,
        request.caller,
        request.params.image_id,
        queryOf(request),
      )
      return { shares: shares.map(view), ...rest }
    },
  )

  app.post<OfImage>(
    '/images/:image_id/shares',
    {
      config: { body: 'object' },
      schema: {
        tags,
        summary: 'Share an image with a group or a domain',
        description:
          'Only for images of visibility `shared`. Recipients have it in their lists at once, as if their project had ' +
          'accepted it.',
        body: NewShare,
        response: { 201: ShareRecord },
      },
    },
    async ({ caller, params, body }, reply) =>
      reply.code(201).send(view(await share.add(deps, caller, params.image_id, body))),
  )

  app.delete<ById>(
    '/images/:image_id/shares/:share_id',
    { schema: { tags, summary: 'End sharing an image with a group or a domain', response: done } },
    async ({ caller, params }, reply) => {
      await share.remove(deps, caller, params.image_id, params.share_id)
      return reply.code(204).send()
    },
  )
}
