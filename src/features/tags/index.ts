import type { FastifyInstance } from 'fastify'
import type { Deps } from '../../deps.js'
import type { Feature } from '../../feature.js'
import { done } from '../../http/schemas.js'
import { changeTag } from '../../images/change-tag.js'

type ByTag = { Params: { image_id: string; tag: string } }

function routes(app: FastifyInstance, deps: Deps): void {
  const url = '/images/:image_id/tags/:tag'
  app.put<ByTag>(
    url,
    { schema: { tags: ['tags'], summary: 'Add a tag', response: done } },
    async ({ caller, params }, reply) => {
      await changeTag(deps, caller, params.image_id, params.tag, 'add')
      return reply.code(204).send()
    },
  )
  app.delete<ByTag>(
    url,
    { schema: { tags: ['tags'], summary: 'Remove a tag', response: done } },
    async ({ caller, params }, reply) => {
      await changeTag(deps, caller, params.image_id, params.tag, 'remove')
      return reply.code(204).send()
    },
  )
}

export const tags: Feature = { name: 'tags', routes }
