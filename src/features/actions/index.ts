import type { FastifyInstance } from 'fastify'
import type { Caller } from '../../auth/caller.js'
import { cancel } from '../../data/cancel.js'
import type { Deps } from '../../deps.js'
import { Forbidden } from '../../errors.js'
import type { Feature } from '../../feature.js'
import { done } from '../../http/schemas.js'
import { requireOn } from '../../images/access.js'
import type { Status } from '../../images/image.js'
import { find } from '../../images/repository.js'
import { move, notAllowed } from '../../images/status.js'

/** Withdraws an image's bytes from everyone but admins, and gives them back. A wrong state is 403, as with Glance. */
async function act(
  deps: Deps,
  caller: Caller,
  id: string,
  rule: string,
  from: Status,
  to: Status,
): Promise<void> {
  const image = await find(deps, caller, id)
  requireOn(deps.policy, caller, rule, image)
  if (image.status === to) return
  if (image.status === from && (await move(deps.db, id, from, to))) return
  // somebody else may have been faster with the very same
  const { status } = await find(deps, caller, id)
  if (status !== to) throw new Forbidden(notAllowed(status, to))
}

function routes(app: FastifyInstance, deps: Deps): void {
  const steps = { deactivate: ['active', 'deactivated'], reactivate: ['deactivated', 'active'] } as const
  for (const [action, [from, to]] of Object.entries(steps)) {
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
        await act(deps, caller, params.image_id, action, from, to)
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
