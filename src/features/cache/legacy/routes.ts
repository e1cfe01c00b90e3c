import type { FastifyInstance, FastifyReply } from 'fastify'
import type { Caller } from '../../../auth/caller.js'
import type { Deps } from '../../../deps.js'
import { cacheFor } from '../access.js'
import { view } from '../view.js'

type ById = { Params: { image_id: string } }

/** Other verbs are 404; as Glance's documentation, ours does not show these paths any more. */
const legacy = { config: { allow: false }, schema: { hide: true } } as const

/**
 * The paths by which Glance's own tools managed its cache before /cache was there. They are there only with a cache;
 * where there is nothing to tell the answer is null.
 */
export function legacyRoutes(app: FastifyInstance, deps: Deps): void {
  const cacheOf = (caller: Caller) => cacheFor(deps, caller, 'manage_image_cache')
  const nothing = (reply: FastifyReply) => reply.header('content-type', 'application/json').send('null')

  app.get('/cached_images', legacy, async ({ caller }) => ({
    cached_images: (await cacheOf(caller).list()).map(view),
  }))
  app.delete('/cached_images', legacy, async ({ caller }) => ({
    num_deleted: await cacheOf(caller).evict('all'),
  }))
  app.delete<ById>('/cached_images/:image_id', legacy, async ({ caller, params }, reply) => {
    await cacheOf(caller).evict([params.image_id])
    return nothing(reply)
  })
  app.get('/queued_images', legacy, async ({ caller }) => ({
    queued_images: await cacheOf(caller).queue.list(),
  }))
  app.delete('/queued_images', legacy, async ({ caller }) => ({
    num_deleted: await cacheOf(caller).queue.remove('all'),
  }))
  app.put<ById>('/queued_images/:image_id', legacy, async ({ caller, params }, reply) => {
    await cacheOf(caller).queue.add(params.image_id)
    return nothing(reply)
  })
  app.delete<ById>('/queued_images/:image_id', legacy, async ({ caller, params }, reply) => {
    await cacheOf(caller).queue.remove([params.image_id])
    return nothing(reply)
  })
}
