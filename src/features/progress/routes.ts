import type { FastifyInstance } from 'fastify'
import type { Deps } from '../../deps.js'
import { openEventStream, wantsEvents } from '../../http/event-stream.js'
import { queryOf } from '../../http/query.js'
import { optional, text } from '../../http/schemas.js'
import { phaseNames } from './phase.js'
import { Progress, ProgressList } from './schemas.js'
import { list, show } from './show.js'
import { openStreams } from './stream.js'

export function routes(app: FastifyInstance, deps: Deps): void {
  const tags = ['image data']
  const stream = openStreams(deps)

  app.get<{ Params: { image_id: string } }>(
    '/images/:image_id/progress',
    {
      config: { errors: [429] },
      schema: {
        tags,
        summary: 'Show how far an upload or import is',
        description:
          'The same on every server. With `Accept: text/event-stream` each change comes as an event whose data is the ' +
          'same object, until it is over; a stream ends after 15 minutes in any case.',
        response: {
          200: {
            description: 'How far it is, or why it failed',
            content: {
              'application/json': { schema: Progress },
              'text/event-stream': { schema: { type: 'string' } },
            },
          },
        },
      },
    },
    async (request, reply) => {
      const { caller, params } = request
      const progress = await show(deps, caller, params.image_id)
      if (!wantsEvents(request, reply)) return progress
      await stream(caller, params.image_id, progress, () => openEventStream(reply))
      return reply
    },
  )

  app.get(
    '/progress',
    {
      schema: {
        tags,
        summary: "Show how far all of a project's uploads and imports are",
        querystring: optional({
          phase: { type: 'string', enum: phaseNames, description: 'Only images in this phase.' },
          limit: {
            type: 'integer',
            minimum: 0,
            description: 'Rows of the page: 25 when not said, 1000 at most.',
          },
          marker: text('The last id of the page before.'),
        }),
        response: { 200: ProgressList },
      },
    },
    async request => list(deps, request.caller, queryOf(request)),
  )
}
