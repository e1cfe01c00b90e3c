import * as blobs from '../../data/blobs.js'
import { erase } from '../../data/erase.js'
import { holds, unlock } from '../../data/import-lock.js'
import * as tracking from '../../data/import-tracking.js'
import { noteFormats, takeBack } from '../../data/import-undo.js'
import * as locations from '../../data/locations.js'
import { refuseSigned } from '../../data/signed.js'
import * as staged from '../../data/staged.js'
import type { Deps } from '../../deps.js'
import { Conflict, Gone } from '../../errors.js'
import { failureOf } from '../../http/failure.js'
import type { Image } from '../../images/image.js'
import { findUnscoped, lockRow } from '../../images/repository.js'
import { move } from '../../images/status.js'
import type { Followed } from '../../queue/followed.js'
import type { TaskRunner } from '../../queue/run-task.js'
import { endTask, findTask, type Task } from '../../queue/tasks.js'
import * as transfers from '../../queue/transfers.js'
import { openQuota, type Quota, toMiB } from '../../quota/check.js'
import { unseal } from '../../secrets.js'
import { openSource } from './methods/index.js'
import type { ImportRequest } from './request.js'
import type { Secret } from './start.js'
import { applySteps } from './steps/index.js'
import { inject } from './steps/inject.js'
import { copied, copying, writeAll } from './write.js'

/** The job of an import: the image's bytes into each target store, one after the other. */
export function importRunner(deps: Deps): TaskRunner {
  return async (task, stopping) => {
    const input = task.input as unknown as { image_id: string; import_req: ImportRequest; backend: string[] }
    const transfer = deps.transfers.follow({ image_id: input.image_id, id: task.id })
    // every step hears of a cancellation, and of the image's end
    const signal = AbortSignal.any([stopping, transfer.signal])
    const run: Run = {
      deps,
      task,
      signal,
      transfer,
      moved: 0,
      id: input.image_id,
      stores: input.backend,
      method: input.import_req.method.name,
      mustSucceed: input.import_req.all_stores_must_succeed ?? true,
      made: [],
    }
    try {
      const secret = JSON.parse(unseal(deps.config.secret_key ?? '', task.secret ?? '')) as Secret
      const image = await begin(run)
      await using source = await openSource(deps, image, input.import_req.method, secret, signal)
      if (copying(run)) await writeAll(run, image, source)
      else {
        await inject(deps, run.id, secret.roles ?? [])
        await using prepared = await applySteps(deps, image, task.id, source, signal, transfer.moved)
        run.moved = transfer.bytes
        await writeAll(run, image, prepared)
      }
      return await end(run)
    } catch (error) {
      // streams and child processes have words of their own for being told to end
      const reason = transfer.signal.aborted ? transfer.signal.reason : error
      // a process that stops leaves everything to the run that follows
      if (!stopping.aborted) await giveUp(run, reason)
      throw reason
    } finally {
      transfer.end()
    }
  }
}

/** One run of an import's task. */
export interface Run {
  deps: Deps
  task: Task
  signal: AbortSignal
  id: string
  stores: readonly string[]
  method: string
  mustSucceed: boolean
  /** Limits of the project that asked. */
  quota?: Quota
  transfer: Followed
  /** Bytes that earlier steps have moved. */
  moved: number
  /** The store that could not be written, where all of them had to be. */
  broken?: string
  /** Copies that this run has added. */
  made: blobs.BlobName[]
}

const nameOf = (run: Run) => ({ image_id: run.id, id: run.task.id })

/** The image as the run found it, now importing; a run that follows a dead one goes on where that began. */
async function begin(run: Run): Promise<Image> {
  const { deps, id } = run
  const from = run.method === 'glance-direct' ? 'uploading' : 'queued'
  const quota = await openQuota(deps, run.task.owner)
  await deps.db.transaction().execute(async tx => {
    await quota.turn(tx)
    const image = await findUnscoped(tx, id, { lock: true })
    if (!image) throw new Gone(`Image ${id} was deleted before its import began.`, { code: 'image_deleted' })
    if (!holds(image, run.task.id)) throw new Conflict('The import lost its lock on the image.')
    if (!copying(run)) refuseSigned(image)
    if (
      !copying(run) &&
      image.status !== 'importing' &&
      !(await move(tx, id, from, 'importing', keep(image)))
    ) {
      throw new Conflict(`The image is ${image.status} and can't be imported.`)
    }
    if (from === 'queued' && !copying(run) && image.status !== 'importing') await locations.dropLeft(tx, id)
    await noteFormats(tx, run.task.id, image)
    await transfers.begin(tx, { ...nameOf(run), kind: 'import', task_id: run.task.id })
    await tracking.track(tx, id, run.stores)
    if (from === 'uploading') await quota.check(tx, 'image_size_total', toMiB(image.size ?? 0))
    // Glance stages what it copies, and so asks for room for it
    else await quota.check(tx, 'image_stage_total', copying(run) ? toMiB(image.size ?? 0) : 0)
    await quota.check(tx, 'image_count_uploading', 0)
  })
  run.quota = quota
  return current(run)
}

/** Staged bytes have a size already. */
const keep = (image: Image) => ({ size: image.size })

async function current({ deps, id }: Run): Promise<Image> {
  const image = await findUnscoped(deps.db, id)
  if (!image) throw new Gone(`Image ${id} was deleted during its import.`, { code: 'image_deleted' })
  return image
}

/** Success: told by the image, its progress and its task at the same moment. */
async function end(run: Run): Promise<{ result: object }> {
  const outcome = { result: { image_id: run.id } }
  const leftovers = await run.deps.db.transaction().execute(async tx => {
    await lockRow(tx, run.id)
    const size = (await findUnscoped(tx, run.id))?.size ?? 0
    await unlock(tx, run.id, run.task.id)
    await transfers.succeed(tx, nameOf(run), run.moved)
    // Glance tells it from the first byte on, and leaves it there
    const message = size > 0 ? { message: copied(size) } : {}
    await endTask(tx, run.task.id, 'success', { ...outcome, ...message })
    return copying(run) ? [] : staged.discard(tx, run.id)
  })
  await erase(run.deps, leftovers)
  return outcome
}

/** Removes what the run has added: no copy of a failed import stays, unless it is by them that the image is active. */
async function undoCopies(run: Run, image: Image, tx: Deps['db']): Promise<blobs.BlobName[]> {
  if (!copying(run) && image.status !== 'importing') return []
  for (const blob of run.made) {
    await locations.remove(tx, run.id, blob)
    await blobs.doom(tx, blob)
  }
  return run.made
}

/**
 * Failure: the image waits for bytes again (a copied one stays active), with the reason in its task. Who took the lock
 * away has done all that.
 */
async function giveUp(run: Run, error: unknown): Promise<void> {
  const { deps, id } = run
  deps.log.warn({ err: error, image: id, task: run.task.id }, 'an import failed')
  const leftovers = await deps.db.transaction().execute(async tx => {
    const image = await findUnscoped(tx, id, { lock: true })
    await transfers.fail(tx, nameOf(run), failureOf(error), run.transfer.bytes)
    if (!image || !holds(image, run.task.id)) return []
    await tracking.untrack(tx, id, run.stores)
    // Glance's conversion names them all when it takes itself back
    const converted = deps.config.import_convert_to !== null && !copying(run)
    await tracking.failed(tx, id, run.broken === undefined || converted ? run.stores : [run.broken])
    await unlock(tx, id, run.task.id)
    const copies = await undoCopies(run, image, tx)
    const task = await findTask(tx, run.task.id)
    await endTask(tx, run.task.id, 'failure', failureOf(error))
    // still uploading when the beginning was refused; what another upload brings is not the import's
    const own = image.status === 'uploading' && run.method === 'glance-direct'
    if (copying(run) || (image.status !== 'importing' && !own)) return copies
    await takeBack(tx, id, task)
    const reset = { checksum: null, os_hash_algo: null, os_hash_value: null }
    await move(tx, id, image.status, 'queued', reset)
    return [...copies, ...(await staged.discard(tx, id))]
  })
  await erase(deps, leftovers)
}
