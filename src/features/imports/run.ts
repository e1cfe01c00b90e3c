import { attempt } from '../../data/attempt.js'
import * as blobs from '../../data/blobs.js'
import { erase } from '../../data/erase.js'
import { holds, unlock } from '../../data/import-lock.js'
import * as tracking from '../../data/import-tracking.js'
import * as locations from '../../data/locations.js'
import * as staged from '../../data/staged.js'
import { type Learnt, writeCopy } from '../../data/write-copy.js'
import type { Deps } from '../../deps.js'
import { Conflict, Gone } from '../../errors.js'
import { judge } from '../../formats/index.js'
import type { Image } from '../../images/image.js'
import { findUnscoped, setByteFacts, update } from '../../images/repository.js'
import { move } from '../../images/status.js'
import type { TaskRunner } from '../../queue/run-task.js'
import { type Task, tell } from '../../queue/tasks.js'
import { openQuota, type Quota, toMiB } from '../../quota/check.js'
import { unseal } from '../../secrets.js'
import { openSource, type Source } from './methods/index.js'
import type { ImportRequest } from './request.js'
import type { Secret } from './start.js'
import { applySteps } from './steps/index.js'
import { inject } from './steps/inject.js'

/** The job of an import: the image's bytes into each target store, one after the other. */
export function importRunner(deps: Deps): TaskRunner {
  return async (task, signal) => {
    const input = task.input as unknown as { image_id: string; import_req: ImportRequest; backend: string[] }
    const secret = JSON.parse(unseal(deps.config.secret_key ?? '', task.secret ?? '')) as Secret
    const run: Run = {
      deps,
      task,
      signal,
      id: input.image_id,
      stores: input.backend,
      method: input.import_req.method.name,
      mustSucceed: input.import_req.all_stores_must_succeed ?? true,
      made: [],
    }
    try {
      const image = await begin(run)
      run.original = { disk_format: image.disk_format, container_format: image.container_format }
      await using source = await openSource(deps, image, input.import_req.method, secret, signal)
      if (copying(run)) await writeAll(run, image, source)
      else {
        await inject(deps, run.id, secret.roles ?? [])
        await using prepared = await applySteps(deps, image, task.id, source, signal)
        await writeAll(run, image, prepared)
      }
      await end(run)
      return { result: { image_id: run.id } }
    } catch (error) {
      // a process that stops leaves everything to the run that follows
      if (!signal.aborted) await giveUp(run, error)
      throw error
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
  /** Formats before a step changed them. */
  original?: Pick<Image, 'disk_format' | 'container_format'>
  /** Copies that this run has added. */
  made: blobs.BlobName[]
}

const copying = (run: Run) => run.method === 'copy-image'

/** The image as the run found it, now importing; a run that follows a dead one goes on where that began. */
async function begin(run: Run): Promise<Image> {
  const { deps, id } = run
  const from = run.method === 'glance-direct' ? 'uploading' : 'queued'
  const quota = await openQuota(deps, run.task.owner)
  await deps.db.transaction().execute(async tx => {
    const image = await findUnscoped(tx, id, { lock: true })
    if (!image) throw new Gone(`Image ${id} was deleted before its import began.`)
    if (!holds(image, run.task.id)) throw new Conflict('The import lost its lock on the image.')
    if (
      !copying(run) &&
      image.status !== 'importing' &&
      !(await move(tx, id, from, 'importing', keep(image)))
    ) {
      throw new Conflict(`The image is ${image.status} and can't be imported.`)
    }
    if (from === 'queued' && !copying(run) && image.status !== 'importing') await locations.dropLeft(tx, id)
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
  if (!image) throw new Gone(`Image ${id} was deleted during its import.`)
  return image
}

/** Writes every store; where not all must succeed, one that fails is noted and the others go on. */
async function writeAll(run: Run, image: Image, source: Source): Promise<void> {
  let failure: unknown
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
        ...(!copying(run) && { declared: formatsOf(image) }),
        judge: found => check(run, image, found),
        onProgress: bytes => {
          if (Date.now() - told < 10_000) return
          told = Date.now()
          void tell(deps.db, run.task.id, `Copied ${Math.floor(bytes / 2 ** 20)} MiB`).catch(() => undefined)
        },
      })
      await deps.db.transaction().execute(async tx => {
        if (!(await blobs.settle(tx, blob, learnt.size)))
          throw new Gone('The copy was given up while it was made.')
        await addCopy(run, tx, blob, learnt)
      })
      write.finish()
    } catch (error) {
      await write.undo()
      throw error
    }
  }
  run.made.push(blob)
  source.copied?.(blob)
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
      throw new Conflict('The bytes that were copied are different from those of the image.')
    }
    if (image.checksum !== null && checksum !== image.checksum) {
      throw new Conflict('The bytes that were copied are different from those of the image.')
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
  if (!image) throw new Gone(`Image ${id} was deleted during its import.`)
  if (!holds(image, run.task.id)) throw new Conflict('The import lost its lock on the image.')
  await locations.add(tx, id, blob)
  await tracking.succeeded(tx, id, blob.store)
  if (copying(run) || image.status === 'active') return
  const { virtual_size } = judge(facts, { ...formatsOf(image), size: learnt.size })
  await setByteFacts(tx, id, { ...learnt, virtual_size })
  if (!run.mustSucceed) await activate(run, tx)
}

async function end(run: Run): Promise<void> {
  const leftovers = await run.deps.db.transaction().execute(async tx => {
    await unlock(tx, run.id, run.task.id)
    return copying(run) ? [] : staged.discard(tx, run.id)
  })
  await erase(run.deps, leftovers)
}

/** Removes what the run has added: no copy of a failed import stays. */
async function undoCopies(run: Run): Promise<void> {
  if (run.made.length === 0) return
  await run.deps.db.transaction().execute(async tx => {
    for (const blob of run.made) {
      await locations.remove(tx, run.id, blob)
      await blobs.doom(tx, blob)
    }
  })
  await erase(run.deps, run.made)
}

/** Failure: the image waits for bytes again (a copied one stays active), with the reason in its task. */
async function giveUp(run: Run, error: unknown): Promise<void> {
  const { deps, id } = run
  deps.log.warn({ err: error, image: id, task: run.task.id }, 'an import failed')
  await undoCopies(run)
  const leftovers = await deps.db.transaction().execute(async tx => {
    const image = await findUnscoped(tx, id, { lock: true })
    if (!image || !holds(image, run.task.id)) return []
    await tracking.failed(tx, id, run.stores)
    await unlock(tx, id, run.task.id)
    if (copying(run)) return []
    if (run.original) await update(tx, id, { columns: run.original, properties: {}, removed: [] })
    await move(tx, id, 'importing', 'queued', { checksum: null, os_hash_algo: null, os_hash_value: null })
    return staged.discard(tx, id)
  })
  await erase(deps, leftovers)
}
