import { randomBytes, randomUUID } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Database } from '../db/connect.js'
import type { Deps } from '../deps.js'
import { Conflict, Gone } from '../errors.js'
import { failureOf, uploadFailureOf } from '../http/failure.js'
import { lockRow } from '../images/repository.js'
import { move, notAllowed } from '../images/status.js'
import type { Followed } from '../queue/followed.js'
import * as transfers from '../queue/transfers.js'
import { type Quota, toMiB } from '../quota/check.js'
import type { LimitName } from '../quota/limits.js'
import { newKey } from '../stores/store.js'
import * as blobs from './blobs.js'
import { erase } from './erase.js'
import * as locations from './locations.js'

/** Seconds between two signs of life of a running write. */
const RENEWAL = 5
/** Milliseconds for which who failed waits for the removal of what was written. */
const ERASING = 10_000

/** One attempt to write an image's bytes into a store: its entry in the ledger and its end, whichever it is. */
export interface Attempt {
  blob: blobs.BlobName
  /** Aborts when the caller's signal does, and with Gone when the image went away or the transfer was cancelled. */
  signal: AbortSignal
  /** How far it is, where the attempt is all that brings the image its bytes. */
  transfer: Followed | undefined
  /**
   * First in the caller's transaction, before it holds the image's row: throws TooLarge for bytes whose number nobody had
   * announced when the project went past its limit while they came in. So of many such at once only one overshoots.
   */
  hold(tx: Database): Promise<void>
  /**
   * In the caller's transaction, which holds the image's row: the object is complete and about to be named. False when
   * it was given up meanwhile.
   */
  settle(tx: Database, size: number): Promise<boolean>
  /** Ends the signs of life: a transaction of the caller's has settled the object. */
  finish(): void
  /**
   * Gives the object up, queues the image again if the attempt had moved it, notes why, and removes what there is of the
   * object; nothing of that when it was settled after all. Never rejects: what can't be done now is the reaper's.
   */
  undo(error?: unknown): Promise<void>
}

export interface AttemptOptions {
  signal?: AbortSignal
  /** The state of the queued image while its bytes come. Without one the image stays as it is. */
  during?: 'saving' | 'uploading' | 'importing'
  /** The task that it is part of. */
  task?: string
  /** The limit that the bytes count against; those announced are reserved until the attempt ends. */
  room?: { quota: Quota; name: LimitName; expected: number | undefined } | undefined
}

/**
 * Enters a new object in the ledger and keeps its lease renewed until it ends. With `during` the image moves in the
 * same transaction, so that of many attempts on one image only one begins; the others are a Conflict.
 */
export async function attempt(
  deps: Deps,
  imageId: string,
  store: string,
  { signal, during, task, room }: AttemptOptions = {},
): Promise<Attempt> {
  const blob = { store, key: newKey(imageId, randomBytes(8).toString('hex')) }
  const name = { image_id: imageId, id: task ?? randomUUID() }
  const kind = task === undefined ? 'upload' : 'import'
  await deps.db.transaction().execute(async tx => {
    await room?.quota.turn(tx)
    if (room) await room.quota.check(tx, room.name, toMiB(room.expected))
    const { project = null } = room?.quota ?? {}
    await blobs.begin(tx, blob, imageId, { project, reserved: room?.expected ?? 0 })
    if (during && !(await move(tx, imageId, 'queued', during))) throw new Conflict(notAllowed(during, during))
    if (during) await locations.dropLeft(tx, imageId)
    if (during) await room?.quota.check(tx, 'image_count_uploading', 0)
    if (during)
      await transfers.begin(tx, { ...name, kind, task_id: task ?? null, bytes_total: room?.expected ?? null })
  })
  const transfer = during && deps.transfers.follow(name, room?.expected)
  const gone = new AbortController()
  const timer = keepRenewed(deps, blob, () =>
    gone.abort(new Gone(`Image ${imageId} was deleted or given up while its bytes came in.`)),
  )
  const finish = () => {
    clearInterval(timer)
    transfer?.end()
  }
  const signals = [signal, gone.signal, transfer?.signal].filter(one => one !== undefined)
  return {
    blob,
    signal: AbortSignal.any(signals),
    transfer,
    async hold(tx) {
      if (room && room.expected === undefined) await room.quota.check(tx, room.name, 0)
    },
    async settle(tx, size) {
      if (transfer) await transfers.succeed(tx, name, size)
      return blobs.settle(tx, blob, size)
    },
    finish,
    async undo(error = new Gone('The write was given up.')) {
      finish()
      const failure =
        kind === 'upload' ? uploadFailureOf(error, { stopping: deps.stopping.aborted }) : failureOf(error)
      try {
        const kept = await deps.db.transaction().execute(async tx => {
          await lockRow(tx, imageId)
          const settled = await giveUp(tx, blob, imageId, during)
          if (transfer && !settled) await transfers.fail(tx, name, failure, transfer.bytes)
          return settled
        })
        // a store that hangs does not hold up the answer; what it has left when the process ends is the reaper's
        if (!kept) await Promise.race([erase(deps, [blob]), sleep(ERASING, undefined, { ref: false })])
      } catch (err) {
        deps.log.warn({ err, image: imageId, ...blob }, 'a failed write could not be undone yet')
      }
    },
  }
}

/** Renews a lease until the timer is cleared; `lost` is called when it is gone. */
function keepRenewed(deps: Deps, blob: blobs.BlobName, lost: () => void): NodeJS.Timeout {
  let asking = false
  return setInterval(async () => {
    if (asking) return
    asking = true
    try {
      if (!(await blobs.renew(deps.db, blob))) lost()
    } catch (err) {
      deps.log.warn({ err, ...blob }, 'the lease of a write could not be renewed')
    } finally {
      asking = false
    }
  }, RENEWAL * 1000)
}

/**
 * Whether the object was settled after all: a commit whose answer was lost on the way looks like a failure. If not,
 * the object is doomed, and the image queued again unless the reaper did so before: then its state is another's.
 */
async function giveUp(
  tx: Database,
  blob: blobs.BlobName,
  imageId: string,
  during: AttemptOptions['during'],
): Promise<boolean> {
  const state = await blobs.giveUp(tx, blob)
  if (state === 'writing' && during) await move(tx, imageId, during, 'queued')
  return state === 'stored'
}
