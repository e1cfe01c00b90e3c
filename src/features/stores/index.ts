import type { FastifyInstance } from 'fastify'
import { removeCopy } from '../../data/remove-copy.js'
import type { Deps } from '../../deps.js'
import type { Feature } from '../../feature.js'
import { done } from '../../http/schemas.js'

function routes(app: FastifyInstance, deps: Deps): void {
  app.delete<{ Params: { store_id: string; image_id: string } }>(
    '/stores/:store_id/:image_id',
    { schema: { tags: ['image data'], summary: "Remove a store's copy of an image", response: done } },
    async ({ caller, params }, reply) => {
      await removeCopy(deps, caller, params.store_id, params.image_id)
      return reply.code(204).send()
    },
  )
}

/** What a store holds of an image. The list of stores is with the rest of what clients can learn, in info. */
export const stores: Feature = { name: 'stores', routes }
