import { prefetch } from '../../data/download.js'
import type { Deps } from '../../deps.js'
import { NotFound } from '../../errors.js'
import { findUnscoped } from '../../images/repository.js'
import type { ImageCache } from '../../stores/cached.js'

/** Seconds between two rounds. */
const EVERY = 60

/** What happens to a cache without being asked for by a client: it fetches what is queued, and tidies up. */
export interface Background {
  start(): void
  /** Resolves when nothing of it runs any more. */
  stop(): Promise<void>
}

/** Fetches and tidies at the start, and then every minute; what is queued is looked at as soon as it is. */
export function keepInOrder(deps: Deps, cache: ImageCache): Background {
  const stopping = new AbortController()
  let timer: NodeJS.Timeout | undefined
  let running: Promise<void> = Promise.resolve()
  const round = (work: () => Promise<void>) => {
    running = running.then(work).catch(err => {
      if (!stopping.signal.aborted) deps.log.warn({ err }, 'the image cache could not be kept in order')
    })
  }
  const onQueued = () => round(() => fetchQueued(deps, cache, stopping.signal))
  return {
    start() {
      const all = () => {
        round(() => tidy(deps, cache))
        onQueued()
      }
      all()
      timer = setInterval(all, EVERY * 1000)
      timer.unref()
      cache.queue.onAdded(onQueued)
    },
    async stop() {
      clearInterval(timer)
      stopping.abort()
      cache.queue.onAdded(null)
      await cache.close()
      await running
    },
  }
}

/** Fetches queued images one by one. One that a store does not give now stays queued for the next round. */
export async function fetchQueued(deps: Deps, cache: ImageCache, stopping?: AbortSignal): Promise<void> {
  for (const id of await cache.queue.list()) {
    if (stopping?.aborted) return
    try {
      const image = await findUnscoped(deps.db, id)
      const outcome = image && (await prefetch(deps, image))
      if (outcome === 'elsewhere') continue
      if (outcome === 'refused') deps.log.warn({ image: id }, 'a queued image was not taken into the cache')
    } catch (err) {
      deps.log.warn({ err, image: id }, 'a queued image could not be fetched into the cache')
      if (!(err instanceof NotFound)) continue
    }
    if (!stopping?.aborted) await cache.queue.remove([id])
  }
}

/** Takes out what is too much, what belongs to nothing, and images that were deleted by way of another machine. */
export async function tidy(deps: Deps, cache: ImageCache): Promise<void> {
  const ids = [...new Set((await cache.list()).map(({ image_id }) => image_id))]
  if (ids.length > 0) {
    const rows = await deps.db
      .selectFrom('images')
      .select('id')
      .where('id', 'in', ids)
      .where('deleted_at', 'is', null)
      .execute()
    const there = new Set(rows.map(({ id }) => id))
    await cache.evict(ids.filter(id => !there.has(id)))
  }
  await cache.prune()
  await cache.clean()
}
