import type { FastifyInstance } from 'fastify'
import type { Caller } from '../../auth/caller.js'
import type { Deps } from '../../deps.js'
import { BadRequest, Conflict, MethodNotAllowed, NotFound } from '../../errors.js'
import { done, optional, text } from '../../http/schemas.js'
import { noImage } from '../../images/access.js'
import type { Image } from '../../images/image.js'
import { find } from '../../images/repository.js'
import { cacheFor } from './access.js'
import { entrySchema, view } from './view.js'

type ById = { Params: { image_id: string } }

/** What can be cleared at once, by the values of the header that chooses. */
const targets: Record<string, readonly ('cache' | 'queue')[]> = {
  '': ['cache', 'queue'],
  cache: ['cache'],
  queue: ['queue'],
}
const TARGET = 'x-image-cache-clear-target'

/** The cache of the machine that answers: each has one of its own. */
export function cacheRoutes(app: FastifyInstance, deps: Deps): void {
  const tags = ['cache']

  app.get(
    '/cache',
    {
      schema: {
        tags,
        summary: 'List cached and queued images',
        response: {
          200: {
            type: 'object',
            description: 'What this server has, and what it is about to fetch.',
            properties: {
              cached_images: { type: 'array', items: entrySchema },
              queued_images: { type: 'array', items: { type: 'string' } },
            },
          },
        },
      },
    },
    async ({ caller }) => {
      const cache = cacheFor(deps, caller, 'cache_list')
      // in this order, and what is there is queued no more: an image on its way is in one of the two lists
      const queued = await cache.queue.list()
      const entries = await cache.list()
      const present = new Set(entries.map(({ image_id }) => image_id))
      return { cached_images: entries.map(view), queued_images: queued.filter(id => !present.has(id)) }
    },
  )

  app.delete(
    '/cache',
    {
      schema: {
        tags,
        summary: 'Clear the cache and its queue',
        headers: optional({ [TARGET]: text('`cache` or `queue` to clear only that.') }),
        response: done,
      },
    },
    async ({ caller, headers }, reply) => {
      const cache = cacheFor(deps, caller, 'cache_delete')
      const wanted = targets[String(headers[TARGET] ?? '').toLowerCase()]
      if (!wanted) throw new BadRequest(`${TARGET} must be cache, queue or empty.`)
      if (wanted.includes('cache')) await cache.evict('all')
      if (wanted.includes('queue')) await cache.queue.remove('all')
      return reply.code(204).send()
    },
  )

  app.put<ById>(
    '/cache/:image_id',
    {
      config: { allow: 'DELETE, PUT' },
      schema: {
        tags,
        summary: 'Queue an image for the cache',
        response: { 202: { type: 'null', description: 'It will be fetched in the background' } },
      },
    },
    async ({ caller, params }, reply) => {
      const image = await find(deps, caller, params.image_id)
      const cache = cacheFor(deps, caller, 'cache_image', image)
      if (image.status !== 'active') throw new BadRequest('Only active images can be cached.')
      await cache.queue.add(image.id)
      return reply.code(202).send()
    },
  )

  app.delete<ById>(
    '/cache/:image_id',
    { schema: { tags, summary: 'Take an image out of the cache and its queue', response: done } },
    async ({ caller, params }, reply) => {
      const id = params.image_id
      const image = await findCached(deps, caller, id)
      const cache = cacheFor(deps, caller, 'cache_delete', image)
      await cache.evict([id])
      await cache.queue.remove([id])
      return reply.code(204).send()
    },
  )

  app.get<ById>(
    '/cache/nodes/:image_id',
    {
      config: { errors: [409] },
      schema: {
        tags,
        summary: 'List the servers that have an image cached',
        response: { 200: { type: 'array', items: { type: 'string' }, description: 'Their addresses' } },
      },
    },
    async ({ caller }) => {
      cacheFor(deps, caller, 'list_cached_nodes')
      throw new Conflict('Each server knows its own cache only; there is no common list.')
    },
  )

  app.post(
    '/cache/clean',
    {
      schema: {
        tags,
        summary: 'Remove what was left incomplete in the cache',
        response: { 200: { type: 'null', description: 'Done' } },
      },
    },
    async ({ caller }, reply) => {
      await cacheFor(deps, caller, 'cache_clean').clean()
      // an empty page, as Glance calls it
      return reply.code(200).header('content-type', 'text/html; charset=UTF-8').send()
    },
  )

  app.post(
    '/cache/prune',
    {
      schema: {
        tags,
        summary: 'Bring the cache within its bounds',
        response: {
          200: {
            type: 'object',
            description: 'What was taken out.',
            properties: {
              total_files_pruned: { type: 'integer', description: 'Images.' },
              total_bytes_pruned: { type: 'integer', description: 'Their bytes.' },
            },
          },
        },
      },
    },
    async ({ caller }) => {
      const { files, bytes } = await cacheFor(deps, caller, 'cache_prune').prune()
      return { total_files_pruned: files, total_bytes_pruned: bytes }
    },
  )

  // as with Glance these two are never taken for ids, whatever the verb
  for (const url of ['/cache/clean', '/cache/prune'])
    app.route({
      method: ['PUT', 'DELETE'],
      url,
      config: { unlisted: true, body: 'ignore' },
      schema: { hide: true },
      handler: async ({ method }) => {
        throw new MethodNotAllowed(`The method ${method} is not allowed here; allowed: POST.`, {
          headers: { allow: 'POST' },
        })
      },
    })
}

/** The image; undefined when there is none for the caller but the cache has it still. Throws NotFound for any other. */
async function findCached(deps: Deps, caller: Caller, id: string): Promise<Image | undefined> {
  try {
    return await find(deps, caller, id)
  } catch (err) {
    if (!(err instanceof NotFound) || !deps.cache) throw err
    const [entries, queued] = await Promise.all([deps.cache.list(), deps.cache.queue.list()])
    if (!queued.includes(id) && !entries.some(({ image_id }) => image_id === id)) throw noImage(id)
    return undefined
  }
}
