import type { Logger } from 'pino'
import type { Database } from '../db/connect.js'
import { Gone } from '../errors.js'
import { look, report, type TransferName } from './transfers.js'

/** Milliseconds between two looks at whether the transfers of this process are still wanted. */
const LOOK = 500
/** Looks for each report of how far they are. */
const LOOKS_PER_REPORT = 2

/** A transfer that runs in this process. */
export interface Followed {
  /** Aborts with Gone soon after the transfer was cancelled or its image deleted, wherever that happened. */
  signal: AbortSignal
  /** Bytes that have come so far. Cheap: it only notes the number. */
  moved(bytes: number): void
  /** Bytes that will have come in the end; null while nobody knows. */
  expect(bytes: number | null): void
  /** Bytes that have come, as `moved` was told last. */
  readonly bytes: number
  /** It has ended, one way or the other. */
  end(): void
}

/** The transfers of this process. */
export interface FollowedTransfers {
  /** Follows a transfer that has its row. */
  follow(name: TransferName, expected?: number | null): Followed
  /** Looks at once, as this process knows that some have been ended; those of others look soon. */
  look(): Promise<void>
  close(): void
}

interface Entry extends TransferName {
  controller: AbortController
  done: number
  total: number | null
  /** Bytes per second, averaged over some seconds. */
  speed: number
  reported: { bytes: number; at: number }
}

/**
 * Follows the transfers of this process: all of them in one statement for each look and one for each report, none while
 * there are none. The rows are looked at instead of being told of by the database, so that a lost message or a pool of
 * connections in between can not make a cancelled transfer run on; twice a second costs nothing beside the bytes.
 */
export function followTransfers(db: Database, log: Logger): FollowedTransfers {
  const entries = new Map<string, Entry>()
  let timer: NodeJS.Timeout | undefined
  let asking = false
  let looks = 0

  async function lookNow(): Promise<void> {
    const asked = [...entries.values()]
    if (asked.length === 0) return
    const rows = new Map(
      (await look(db, [...new Set(asked.map(one => one.image_id))])).map(row => [row.id, row]),
    )
    for (const entry of asked) {
      const row = rows.get(entry.id)
      if (!row?.wanted) entry.controller.abort(ended(entry.image_id, row?.code))
    }
  }

  async function tick(): Promise<void> {
    if (asking) return
    asking = true
    try {
      if (looks++ % LOOKS_PER_REPORT === 0 && entries.size > 0) {
        await report(db, [...entries.values()].map(reportOf))
      }
      await lookNow()
    } catch (err) {
      log.warn({ err }, 'running transfers could not be looked at')
    } finally {
      asking = false
    }
  }

  return {
    follow({ image_id, id }, expected = null) {
      const controller = new AbortController()
      const entry: Entry = {
        image_id,
        id,
        controller,
        done: 0,
        total: expected,
        speed: 0,
        reported: { bytes: 0, at: performance.now() },
      }
      entries.set(id, entry)
      timer ??= setInterval(tick, LOOK).unref()
      return {
        signal: controller.signal,
        moved: bytes => {
          entry.done = bytes
        },
        expect: bytes => {
          entry.total = bytes
        },
        get bytes() {
          return entry.done
        },
        end() {
          if (entries.get(id) === entry) entries.delete(id)
          if (entries.size > 0) return
          clearInterval(timer)
          timer = undefined
        },
      }
    },
    look: () => lookNow().catch(err => log.warn({ err }, 'running transfers could not be looked at')),
    close() {
      clearInterval(timer)
      timer = undefined
    },
  }
}

/** Weight of the newest second in the speed. */
const NEWEST = 0.3

function reportOf(entry: Entry) {
  const now = performance.now()
  const { bytes, at } = entry.reported
  const speed = ((entry.done - bytes) / Math.max(1, now - at)) * 1000
  entry.speed = bytes === 0 ? speed : entry.speed + NEWEST * (speed - entry.speed)
  entry.reported = { bytes: entry.done, at: now }
  const { image_id, id, done, total } = entry
  // a source may send more than it announced, until somebody notices
  return {
    image_id,
    id,
    bytes_done: done,
    bytes_total: total === null ? null : Math.max(total, done),
    bytes_per_second: Math.max(0, Math.round(entry.speed)),
  }
}

const ended = (imageId: string, code: string | null | undefined) =>
  code === 'cancelled'
    ? new Gone('The transfer was cancelled.', { code })
    : new Gone(`Image ${imageId} was deleted or given up while its bytes came in.`, { code: 'image_deleted' })
