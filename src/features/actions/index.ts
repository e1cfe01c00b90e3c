import type { FastifyInstance } from 'fastify'
import { cancel } from '../../data/cancel.js'
import type { Deps } from '../../deps.js'
import type { Feature } from '../../feature.js'
import { done } from '../../http/schemas.js'
import { deactivate, reactivate } from '../../images/activation.js'

function routes(app: FastifyInstance, deps: Deps): void {
  for (const [action, run] of Object.entries({ deactivate, reactivate })) {
    app.post<{ Params: { image_id: string } }>(
      `/images/:image_id/actions/${action}`,
      {
        schema: {
          tags: ['images'],
          summary: `${action === 'deactivate' ? 'Deactivate' : 'Reactivate'} an image`,
          description: 'The bytes of a deactivated image are given to admins only.',
          response: done,
        },
      },
      async ({ caller, params }, reply) => {
        await run(deps, caller, params.image_id)
        return reply.code(204).send()
      },
    )
  }

  app.post<{ Params: { image_id: string } }>(
    '/images/:image_id/actions/cancel',
    {
      schema: {
        tags: ['image data'],
        summary: 'Cancel an upload or import',
        description:
          'An addition to Glance: ends what brings bytes to the image, at whatever step it is, on any server. The image ' +
          'is queued again, a request that is cut answers 410, and nothing is left in the stores. An image that is ' +
          'being copied stays active, with the copies that it had before. 409 when nothing runs.',
        response: done,
      },
      config: { errors: [409] },
    },
    async ({ caller, params }, reply) => {
      await cancel(deps, caller, params.image_id)
      return reply.code(204).send()
    },
  )
}

export const actions: Feature = {
  name: 'actions',
  routes,
  policies: {
    cancel: {
      check: 'rule:modify_image',
      description: 'Cancel an upload or import of an image.',
    },
  },
}
