import type { Logger } from 'pino'

/** Ends transfers whose link has ended. */
export interface Watch {
  /** Has `end` called once when the link stops working; the result lets go of it. */
  follow(link: string, end: () => void): () => void
}

export interface WatchTimes {
  /** Milliseconds between two looks at what is due. */
  tick: number
  /** Milliseconds after which a link is asked about again. */
  askAfter: number
  /** Milliseconds for which a link counts as working without an answer. */
  patience: number
}

/**
 * Five seconds are promised: an end is seen after about two, and a question that gets no answer (no database, say)
 * ends the transfers after four and a half, as nobody knows then. They can be taken up again where they broke off.
 */
const times: WatchTimes = { tick: 1000, askAfter: 1500, patience: 3500 }

interface Followed {
  followers: Set<() => void>
  /** When the last answer that it works was asked for. */
  sure: number
  asking: boolean
}

/**
 * Asks again and again whether the links of running transfers still work: once for each link, however many transfers
 * it has. It asks and is not told, so an end counts whichever replica brought it about.
 *
 * @param stands whether a link works; throws when that can't be told
 */
export function openWatch(
  stands: (link: string) => Promise<boolean>,
  log: Logger,
  { tick, askAfter, patience }: WatchTimes = times,
): Watch {
  const followed = new Map<string, Followed>()
  let timer: NodeJS.Timeout | undefined

  const end = (link: string, { followers }: Followed) => {
    followed.delete(link)
    log.info({ link, transfers: followers.size }, 'a link ended while it was used')
    for (const stop of followers) stop()
  }

  async function ask(link: string, entry: Followed): Promise<void> {
    const began = performance.now()
    entry.asking = true
    try {
      if (await stands(link)) entry.sure = began
      else if (followed.get(link) === entry) end(link, entry)
    } catch (err) {
      log.warn({ err, link }, 'it could not be told whether a link still works')
    } finally {
      entry.asking = false
    }
  }

  const look = () => {
    for (const [link, entry] of followed) {
      const age = performance.now() - entry.sure
      if (age > patience) end(link, entry)
      else if (age > askAfter && !entry.asking) void ask(link, entry)
    }
    if (followed.size > 0) return
    clearInterval(timer)
    timer = undefined
  }

  return {
    follow(link, stop) {
      const entry = followed.get(link) ?? { followers: new Set(), sure: performance.now(), asking: false }
      // each follower is one of its own, whatever function it is
      const follower = () => stop()
      entry.followers.add(follower)
      followed.set(link, entry)
      timer ??= setInterval(look, tick).unref()
      return () => {
        entry.followers.delete(follower)
        if (entry.followers.size === 0 && followed.get(link) === entry) followed.delete(link)
      }
    },
  }
}
