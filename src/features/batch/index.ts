import type { FastifyInstance } from 'fastify'
import type { Deps } from '../../deps.js'
import type { Feature } from '../../feature.js'
import { runBatch } from './run.js'
import { batchSchema, checkBatch, resultsSchema } from './schemas.js'

function routes(app: FastifyInstance, deps: Deps): void {
  app.post(
    '/batch',
    {
      config: { body: 'object' },
      schema: {
        tags: ['batch'],
        summary: 'Do the same with many images',
        description:
          'Each image is checked and changed as by the request for it alone, and has an answer of its own: one that is ' +
          'refused keeps none of the others. The versions in production are deleted after all others.',
        body: batchSchema,
        response: { 200: resultsSchema },
      },
    },
    async ({ body, caller }) => {
      checkBatch(body)
      return { results: await runBatch(deps, caller, body.action, body.images) }
    },
  )
}

/** Many images at once, over the core's stories. */
export const batch: Feature = { name: 'batch', routes }
