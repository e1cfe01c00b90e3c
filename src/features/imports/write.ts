import { attempt } from '../../data/attempt.js'
import type * as blobs from '../../data/blobs.js'
import { holds } from '../../data/import-lock.js'
import * as tracking from '../../data/import-tracking.js'
import * as locations from '../../data/locations.js'
import * as staged from '../../data/staged.js'
import { type Learnt, writeCopy } from '../../data/write-copy.js'
import type { Deps } from '../../deps.js'
import { Conflict, Gone } from '../../errors.js'
import { judge } from '../../formats/index.js'
import type { Image } from '../../images/image.js'
import { findUnscoped, setByteFacts } from '../../images/repository.js'
import { move } from '../../images/status.js'
import { tell } from '../../queue/tasks.js'
import type { Source } from './methods/index.js'
import type { Run } from './run.js'

/** What a task says of its bytes. */
export const copied = (bytes: number) => `Copied ${Math.floor(bytes / 2 ** 20)} MiB`

/** Whether the image has its bytes already, and gets further copies of them. */
export const copying = (run: Pick<Run, 'method'>) => run.method === 'copy-image'

/** Writes every store; where not all must succeed, one that fails is noted and the others go on. */
export async function writeAll(run: Run, image: Image, source: Source): Promise<void> {
  let failure: unknown
  expect(run, source.size)
  for (const store of run.stores) {
    const present = image.locations.find(location => location.store === store)
    if (present) {
      // an earlier run of this task came that far: the targets had none when it was asked for
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
  if (copying(run)) return
  // Glance takes an empty list of stores too, and fails
  if (run.made.length === 0) throw new Conflict('The import names no store to write to.')
  await activate(run, run.deps.db)
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
          void tell(deps.db, run.task.id, copied(bytes)).catch(() => undefined)
        },
      })
      await deps.db.transaction().execute(async tx => {
        // further copies of what has passed once are let in with it
        if (run.made.length === 0) await write.hold(tx)
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
