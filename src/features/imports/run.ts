import { attempt } from '../../data/attempt.js'
import * as blobs from '../../data/blobs.js'
import { erase } from '../../data/erase.js'
import { holds, unlock } from '../../data/import-lock.js'
import * as tracking from '../../data/import-tracking.js'
import { noteFormats, takeBack } from '../../data/import-undo.js'
import * as locations from '../../data/locations.js'
import * as staged from '../../data/staged.js'
import { type Learnt, writeCopy } from '../../data/write-copy.js'
import type { Deps } from '../../deps.js'
import { Conflict, Gone } from '../../errors.js'
import { judge } from '../../formats/index.js'
import { failureOf } from '../../http/failure.js'
import type { Image } from '../../images/image.js'
import { findUnscoped, lockRow, setByteFacts } from '../../images/repository.js'
import { move } from '../../images/status.js'
import type { Followed } from '../../queue/followed.js'
import type { TaskRunner } from '../../queue/run-task.js'
import { endTask, findTask, type Task, tell } from '../../queue/tasks.js'
import * as transfers from '../../queue/transfers.js'
import { openQuota, type Quota, toMiB } from '../../quota/check.js'
import { unseal } from '../../secrets.js'
import { openSource, type Source } from './methods/index.js'
import type { ImportRequest } from './request.js'
import type { Secret } from './start.js'
import { applySteps } from './steps/index.js'
import { inject } from './steps/inject.js'

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

interface Run {
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
const copying = (run: Run) => run.method === 'copy-image'

/** The image as the run found it, now importing; a run that follows a dead one goes on where that began. */
async function begin(run: Run): Promise<Image> {
  const { deps, id } = run
  const from = run.method === 'glance-direct' ? 'uploading' : 'queued'
  const quota = await openQuota(deps, run.task.owner)
  await deps.db.transaction().execute(async tx => {
    const image = await findUnscoped(tx, id, { lock: true })
    if (!image) throw new Gone(`Image ${id} was deleted before its import began.`, { code: 'image_deleted' })
    if (!holds(image, run.task.id)) throw new Conflict('The import lost its lock on the image.')
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
    else await quota.check(tx, 'image_stage_total', 0)
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

/** Writes every store; where not all must succeed, one that fails is noted and the others go on. */
async function writeAll(run: Run, image: Image, source: Source): Promise<void> {
  let failure: unknown
  expect(run, source.size)
  for (const store of run.stores) {
    const present = image.locations.find(location => location.store === store)
    if (present && !copying(run)) {
      // an earlier run of this task came that far
      run.made.push({ store, key: present.key })
      continue
    }
    try {
      await writeOne(run, image, source, store)
    } catch (error) {
      if (run.mustSucceed && !run.signal.aborted) run.broken = store
      if (run.mustSucceed || run.signal.aborted) throw error
      failure = error
      run.deps.log.warn({ err: error, image: run.id, store }, 'an import could not write one of its stores')
      await run.deps.db.transaction().execute(tx => tracking.failed(tx, run.id, [store]))
    }
  }
  if (failure !== undefined && run.made.length === 0) throw failure
  if (!copying(run)) await activate(run, run.deps.db)
}

/** The image has its bytes. */
async function activate({ id }: Run, db: Deps['db']): Promise<void> {
  const image = await findUnscoped(db, id)
  if (image?.status === 'active') return
  if (!(await move(db, id, 'importing', 'active'))) throw new Gone(`Image ${id} changed during its import.`)
}

/** One store: adopts bytes that lie there already, else copies them there; then the location and what was learnt. */
async function writeOne(run: Run, image: Image, source: Source, store: string): Promise<void> {
  const { deps, id } = run
  const adopted = source.adoptable?.store === store ? source.adoptable : undefined
  let blob: blobs.BlobName
  let learnt: Learnt
  if (adopted) {
    blob = { store: adopted.store, key: adopted.key }
    learnt = adopted.learnt
    check(run, image, learnt)
    await deps.db.transaction().execute(async tx => {
      // the image's row first, as deleting it does
      await addCopy(run, tx, blob, learnt)
      await staged.forget(tx, id)
    })
    source.adopted()
  } else {
    // copies of staged bytes were admitted with them
    const room =
      run.quota && (run.method === 'web-download' || run.method === 'glance-download')
        ? ({ quota: run.quota, name: 'image_size_total', expected: source.size } as const)
        : undefined
    const write = await attempt(deps, id, store, { signal: run.signal, room })
    blob = write.blob
    let told = Date.now()
    try {
      learnt = await writeCopy(deps, write, () => source.open(), {
        expected: source.size,
        checksums: source.checksums,
        watched: source.watched,
        ...(!copying(run) && { declared: formatsOf(image) }),
        judge: found => check(run, image, found),
        onProgress: bytes => {
          run.transfer.moved(run.moved + bytes)
          if (Date.now() - told < 10_000) return
          told = Date.now()
          void tell(deps.db, run.task.id, `Copied ${Math.floor(bytes / 2 ** 20)} MiB`).catch(() => undefined)
        },
      })
      await deps.db.transaction().execute(async tx => {
        await addCopy(run, tx, blob, learnt)
        if (!(await write.settle(tx, learnt.size))) throw new Gone('The copy was given up while it was made.')
      })
      write.finish()
    } catch (error) {
      await write.undo(error)
      throw error
    }
  }
  run.made.push(blob)
  source.copied?.(blob)
  run.moved += learnt.size
  expect(run, learnt.size)
}

/** What will have been moved when all stores that are left have got that many bytes. */
function expect(run: Run, size: number | undefined): void {
  const left = run.stores.length - run.made.length
  run.transfer.moved(run.moved)
  run.transfer.expect(size === undefined ? null : run.moved + left * size)
}

/** Whether the bytes may become the image's: the declared format, safety, and the digests that a copy must repeat. */
function check(run: Run, image: Image, { facts, size, checksum, os_hash_algo, os_hash_value }: Learnt): void {
  if (copying(run)) {
    // bytes at a location may have been vouched for by another algorithm
    if (
      image.os_hash_value !== null &&
      image.os_hash_algo === os_hash_algo &&
      os_hash_value !== image.os_hash_value
    ) {
      throw new Conflict('The bytes that were copied are different from those of the image.', {
        code: 'checksum_mismatch',
      })
    }
    if (image.checksum !== null && checksum !== image.checksum) {
      throw new Conflict('The bytes that were copied are different from those of the image.', {
        code: 'checksum_mismatch',
      })
    }
    return
  }
  judge(facts, { ...formatsOf(image), size })
}

const formatsOf = (image: Image) => ({
  disk_format: image.disk_format ?? '',
  container_format: image.container_format ?? '',
})

/** Names the copy on the image, which is active with its first copy where not all of them must succeed. */
async function addCopy(
  run: Run,
  tx: Deps['db'],
  blob: blobs.BlobName,
  { facts, ...learnt }: Learnt,
): Promise<void> {
  const { id } = run
  const image = await findUnscoped(tx, id, { lock: true })
  if (!image) throw new Gone(`Image ${id} was deleted during its import.`, { code: 'image_deleted' })
  if (!holds(image, run.task.id)) throw new Conflict('The import lost its lock on the image.')
  await locations.add(tx, id, blob)
  await tracking.succeeded(tx, id, blob.store)
  if (copying(run) || image.status === 'active') return
  const { virtual_size } = judge(facts, { ...formatsOf(image), size: learnt.size })
  await setByteFacts(tx, id, { ...learnt, virtual_size })
  if (!run.mustSucceed) await activate(run, tx)
}

/** Success: told by the image, its progress and its task at the same moment. */
async function end(run: Run): Promise<{ result: object }> {
  const outcome = { result: { image_id: run.id } }
  const leftovers = await run.deps.db.transaction().execute(async tx => {
    await lockRow(tx, run.id)
    await unlock(tx, run.id, run.task.id)
    await transfers.succeed(tx, nameOf(run), run.moved)
    await endTask(tx, run.task.id, 'success', outcome)
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
    await tracking.failed(tx, id, run.broken === undefined ? run.stores : [run.broken])
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
