import type { FastifyInstance } from 'fastify'
import type { Deps } from '../../deps.js'
import { queryOf } from '../../http/query.js'
import { done, optional, text } from '../../http/schemas.js'
import { time } from '../../images/view.js'
import { list } from './list.js'
import { MAX_CONSUMERS, register, unregister } from './register.js'
import type { Consumer } from './repository.js'
import { ConsumerList, ConsumerRecord, Registration } from './schemas.js'

type OfImage = { Params: { image_id: string } }
type ById = { Params: { image_id: string; consumer_id: string } }

const view = ({ consumer_id, created_at, updated_at, expires_at, ...consumer }: Consumer) => ({
  id: consumer_id,
  ...consumer,
  created_at: time(created_at),
  updated_at: time(updated_at),
  expires_at: expires_at && time(expires_at),
})

export function routes(app: FastifyInstance, deps: Deps): void {
  const tags = ['consumers']

  app.get<OfImage>(
    '/images/:image_id/consumers',
    {
      schema: {
        tags,
        summary: 'List who uses an image',
        querystring: optional({
          limit: {
            type: 'integer',
            minimum: 0,
            description: 'Rows of the page: 25 when not said, 1000 at most.',
          },
          marker: text('The last id of the page before.'),
        }),
        response: { 200: ConsumerList },
      },
    },
    async request => {
      const { consumers, ...rest } = await list(
        deps,
        request.caller,
        request.params.image_id,
        queryOf(request),
      )
      return { consumers: consumers.map(view), ...rest }
    },
  )

  app.put<ById>(
    '/images/:image_id/consumers/:consumer_id',
    {
      config: { body: 'object', errors: [413] },
      schema: {
        tags,
        summary: 'Say that something uses an image',
        description:
          'While a consumer is registered, deleting the image is refused. Registering it again changes what is said ' +
          "of it. Refused when the image is not active, or used as often as its launch defaults' max_concurrent_use " +
          `says, or ${MAX_CONSUMERS} times.`,
        body: Registration,
        response: { 200: ConsumerRecord, 201: ConsumerRecord },
      },
    },
    async ({ caller, params, body }, reply) => {
      const { consumer, made } = await register(deps, caller, params.image_id, params.consumer_id, body)
      return reply.code(made ? 201 : 200).send(view(consumer))
    },
  )

  app.delete<ById>(
    '/images/:image_id/consumers/:consumer_id',
    { schema: { tags, summary: 'Say that something uses an image no longer', response: done } },
    async ({ caller, params }, reply) => {
      await unregister(deps, caller, params.image_id, params.consumer_id)
      return reply.code(204).send()
    },
  )
}
