import { setTimeout as sleep } from 'node:timers/promises'
import { isDeepStrictEqual } from 'node:util'
import type { Static } from '@sinclair/typebox'
import type { Caller } from '../../auth/caller.js'
import type { Deps } from '../../deps.js'
import { HttpError, TooManyRequests } from '../../errors.js'
import type { EventStream } from '../../http/event-stream.js'
import type { Progress } from './schemas.js'
import { show } from './show.js'

/** Bounds of the streams of one serving process. */
export interface StreamBounds {
  /** Streams at once, and those of one project among them. */
  most: number
  mostOfProject: number
  /** Seconds between two looks, between signs of life, and until a stream ends in any case. */
  look: number
  beat: number
  life: number
}

export const bounds: StreamBounds = { most: 200, mostOfProject: 40, look: 1, beat: 15, life: 900 }

/** Phases that a transfer ends in; one who waits in `making` waits for the bytes to come. */
const ended: ReadonlySet<string> = new Set(['available', 'failed', 'deleted'])

/** Streams of progress: as many as may be at once. */
export function openStreams(deps: Deps, { most, mostOfProject, look, beat, life }: StreamBounds = bounds) {
  const open = new Map<string | null, number>()
  let all = 0

  const count = (project: string | null, change: 1 | -1) => {
    const left = (open.get(project) ?? 0) + change
    all += change
    if (left > 0) open.set(project, left)
    else open.delete(project)
  }

  /** Tells the client each change, until it is over, the client or the server goes, or its time is up. */
  async function follow(
    events: EventStream,
    caller: Caller,
    id: string,
    first: Static<typeof Progress>,
  ): Promise<void> {
    const over = new AbortController()
    const stop = () => over.abort()
    const timer = setTimeout(stop, life * 1000).unref()
    for (const signal of [events.closed, deps.stopping])
      signal.addEventListener('abort', stop, { once: true })
    if (events.closed.aborted || deps.stopping.aborted) stop()
    try {
      events.send(first)
      let told = first
      let at = performance.now()
      while (!over.signal.aborted && !ended.has(told.phase)) {
        await sleep(look * 1000, undefined, { signal: over.signal, ref: false }).catch(() => undefined)
        if (over.signal.aborted) break
        const now = await show(deps, caller, id)
        if (!isDeepStrictEqual(now, told)) events.send(now)
        else if (performance.now() - at < beat * 1000) continue
        else events.beat()
        told = now
        at = performance.now()
      }
    } finally {
      clearTimeout(timer)
      for (const signal of [events.closed, deps.stopping]) signal.removeEventListener('abort', stop)
    }
  }

  /** Throws when there are too many already, before anything is sent. */
  return async (
    caller: Caller,
    id: string,
    first: Static<typeof Progress>,
    begin: () => EventStream,
  ): Promise<void> => {
    const { project_id } = caller
    if (all >= most || (open.get(project_id) ?? 0) >= mostOfProject) {
      throw new TooManyRequests('Too many streams of progress are open; ask again and again instead.', {
        headers: { 'retry-after': '10' },
      })
    }
    count(project_id, 1)
    const events = begin()
    try {
      await follow(events, caller, id, first)
    } catch (err) {
      // an image that is gone ends its stream, as does a caller who may not know of it any more
      if (!(err instanceof HttpError)) deps.log.warn({ err, image: id }, 'a stream of progress broke off')
    } finally {
      count(project_id, -1)
      events.end()
    }
  }
}
