import type { Caller } from '../auth/caller.js'
import type { Database } from '../db/connect.js'
import type { Deps } from '../deps.js'
import { Conflict } from '../errors.js'
import { noImage, requireOn } from '../images/access.js'
import type { Image } from '../images/image.js'
import { find, findUnscoped } from '../images/repository.js'
import { move } from '../images/status.js'
import { endTask, findTask, type Task } from '../queue/tasks.js'
import * as transfers from '../queue/transfers.js'
import * as blobs from './blobs.js'
import { erase } from './erase.js'
import { holder, unlock } from './import-lock.js'
import * as tracking from './import-tracking.js'
import { takeBack } from './import-undo.js'
import * as locations from './locations.js'
import * as staged from './staged.js'

const failure = { code: 'cancelled', message: 'The transfer was cancelled.' } as const

/**
 * Ends what brings bytes to an image, at whatever step it is. One transaction takes everything back, so that the image
 * can be used again at once and whoever still writes loses; the process that does so hears of it within half a second
 * and stops. An image that has bytes (it is being copied) stays active with the copies that it had before.
 */
export async function cancel(deps: Deps, caller: Caller, id: string): Promise<void> {
  const seen = await find(deps, caller, id)
  requireOn(deps.policy, caller, 'cancel', seen)
  const doomed = await deps.db.transaction().execute(async tx => {
    const image = await findUnscoped(tx, id, { project: caller.project_id, lock: true })
    if (!image) throw noImage(id)
    const running = await transfers.findRunning(tx, id)
    if (!running) throw new Conflict('Nothing brings bytes to the image, so there is nothing to cancel.')
    const task = running.task_id === null ? undefined : await findTask(tx, running.task_id)
    await blobs.doomWriting(tx, id)
    const left = await takeCopies(tx, image, task)
    await restore(tx, image, task)
    await transfers.fail(tx, running, failure)
    if (task) await endTask(tx, task.id, 'failure', failure)
    return left
  })
  await deps.transfers.look()
  await erase(deps, doomed)
}

/** Removes what has been stored already: what was staged, and the copies that the task has made. */
async function takeCopies(tx: Database, image: Image, task: Task | undefined): Promise<blobs.BlobName[]> {
  const doomed = hasBytes(image) ? [] : await staged.discard(tx, image.id)
  const { backend = [] } = (task?.input ?? {}) as { backend?: string[] }
  const made = hasBytes(image)
    ? image.locations.filter(({ store }) => backend.includes(store))
    : image.locations
  // the copies that it had may have been removed meanwhile
  if (hasBytes(image) && made.length === image.locations.length) return doomed
  for (const location of made) doomed.push(...(await locations.drop(tx, location)))
  return doomed
}

/** The image as it was before, waiting for bytes unless it has some. */
async function restore(tx: Database, image: Image, task: Task | undefined): Promise<void> {
  const { id, status } = image
  if (task && holder(image) === task.id) {
    const { backend } = task.input as { backend?: string[] }
    if (backend) await tracking.failed(tx, id, backend)
    await unlock(tx, id, task.id)
  }
  if (hasBytes(image)) return
  await takeBack(tx, id, task)
  if (status === 'queued') return
  const digests = status === 'importing' ? { checksum: null, os_hash_algo: null, os_hash_value: null } : {}
  await move(tx, id, status, 'queued', digests)
}

const hasBytes = ({ status }: Image) => status === 'active' || status === 'deactivated'
