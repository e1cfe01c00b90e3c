import { setTimeout as sleep } from 'node:timers/promises'
import { checkPlace, isWeb, measure } from '../../data/external-place.js'
import { holds, unlock } from '../../data/import-lock.js'
import * as locations from '../../data/locations.js'
import type { Deps } from '../../deps.js'
import { Conflict, Gone } from '../../errors.js'
import { failureOf } from '../../http/failure.js'
import { HASH_ALGORITHM, type Image } from '../../images/image.js'
import { findUnscoped, lockRow, setHashes } from '../../images/repository.js'
import { move } from '../../images/status.js'
import type { Followed } from '../../queue/followed.js'
import type { TaskRunner } from '../../queue/run-task.js'
import { endTask, type Task } from '../../queue/tasks.js'
import * as transfers from '../../queue/transfers.js'
import { type Digests, digestsOf } from './digests.js'
import type { NewLocation } from './schemas.js'

/** Times that reading for the hashes is tried, as Glance's http_retries. */
const TRIES = 3
/** Milliseconds before the second try; twice that before the third. */
const PAUSE = 500

interface Run {
  deps: Deps
  task: Task
  id: string
  url: string
  expected: NewLocation['validation_data']
  signal: AbortSignal
  transfer: Followed
}

const nameOf = (run: Run) => ({ image_id: run.id, id: run.task.id })

/**
 * The job behind a new location. With hashes to hold it to, the bytes are read before the image is active. Without, it is
 * active at once and its hashes follow. Where hashes are not computed, those that
 * were given are believed. A run that follows a dead one goes on where that ended.
 */
export function locationRunner(deps: Deps): TaskRunner {
  return async (task, stopping) => {
    const { image_id, loc_url, validation_data } = task.input as unknown as {
      image_id: string
      loc_url: string
      validation_data: Partial<NonNullable<NewLocation['validation_data']>>
    }
    const expected =
      validation_data.os_hash_value === undefined ? undefined : (validation_data as Run['expected'])
    const transfer = deps.transfers.follow({ image_id, id: task.id })
    const signal = AbortSignal.any([stopping, transfer.signal])
    const run: Run = { deps, task, id: image_id, url: loc_url, expected, signal, transfer }
    try {
      await begin(run)
      if (deps.config.do_secure_hash) await (expected ? verify(run, expected) : describeLater(run))
      return await end(run)
    } catch (error) {
      const reason = transfer.signal.aborted ? transfer.signal.reason : error
      // a process that stops leaves everything to the run that follows
      if (!stopping.aborted) await giveUp(run, reason)
      throw reason
    } finally {
      transfer.end()
    }
  }
}

/** Adds the location, and with it moves the image on. */
async function begin(run: Run): Promise<void> {
  const { deps, id, url, expected, signal } = run
  if ((await current(run)).status !== 'queued') return
  const place = checkPlace(deps, url)
  const size = await measure(deps, url, signal)
  await deps.db.transaction().execute(async tx => {
    const image = await findUnscoped(tx, id, { lock: true })
    if (!image || !holds(image, run.task.id)) throw gone()
    for (const name of ['disk_format', 'container_format'] as const) {
      if (image[name] === null) throw new Conflict(`${name} must be set before the image gets a location.`)
    }
    const verifying = deps.config.do_secure_hash && expected !== undefined
    // the algorithm alone tells that a hash is on its way, as in Glance
    const believed = !deps.config.do_secure_hash
      ? { ...expected }
      : verifying
        ? {}
        : { os_hash_algo: HASH_ALGORITHM }
    const moved = await move(tx, id, 'queued', verifying ? 'importing' : 'active', { size, ...believed })
    if (!moved) throw new Conflict(`The image is ${image.status} and can't be given a location.`)
    await locations.dropLeft(tx, id)
    await locations.addExternal(tx, id, place)
    if (!verifying) await transfers.becomeHashing(tx, nameOf(run))
  })
}

async function end(run: Run): Promise<{ result: object }> {
  const { deps, id, task } = run
  const outcome = { result: { image_id: id } }
  await deps.db.transaction().execute(async tx => {
    await lockRow(tx, id)
    await unlock(tx, id, task.id)
    await transfers.succeed(tx, nameOf(run))
    await endTask(tx, task.id, 'success', outcome)
  })
  return outcome
}

/** The image as it is, while it is this task's. */
async function current({ deps, id, task }: Run): Promise<Image> {
  const image = await findUnscoped(deps.db, id)
  if (!image || !holds(image, task.id)) throw gone()
  return image
}

const gone = () => new Gone('The image was deleted, or its lock went to another task.')

/** Reads the bytes and lets the image be active if they hash to what was promised. */
async function verify(run: Run, expected: NonNullable<Run['expected']>): Promise<void> {
  const { deps, id } = run
  if ((await current(run)).status === 'active') return
  const digests = await retrying(run, expected.os_hash_algo)
  if (digests.os_hash_value !== expected.os_hash_value) {
    throw new Conflict(
      `The bytes at the location do not hash to os_hash_value by ${expected.os_hash_algo}.`,
      {
        code: 'checksum_mismatch',
      },
    )
  }
  if (!(await move(deps.db, id, 'importing', 'active', digests))) throw gone()
}

/** Reads the bytes of an image that is active already. It stays so without hashes when they can't be read. */
async function describeLater(run: Run): Promise<void> {
  const { deps, id } = run
  if ((await current(run)).os_hash_value !== null) return
  try {
    const digests = await retrying(run)
    await setHashes(deps.db, id, digests)
  } catch (error) {
    if (run.signal.aborted || error instanceof Gone) throw error
    deps.log.warn({ err: error, image: id }, 'the bytes at a location could not be hashed')
    await setHashes(deps.db, id, { checksum: null, os_hash_algo: null, os_hash_value: null })
  }
}

/** The digests, tried again after failures of the other side. */
async function retrying(run: Run, algorithm?: string): Promise<Digests> {
  for (let tries = 1; ; tries++) {
    try {
      return await digestsOf(run.deps, await current(run), run, algorithm)
    } catch (error) {
      if (run.signal.aborted || error instanceof Gone || tries === TRIES) throw error
      await sleep(PAUSE * tries, undefined, { signal: run.signal })
    }
  }
}

/**
 * Failure: the image waits for bytes again. A place on a web server stays with it and says which one failed, as with
 * Glance; it counts for nothing, and goes when the image gets bytes or another place. Any other goes at once.
 */
async function giveUp(run: Run, error: unknown): Promise<void> {
  const { deps, id, task } = run
  deps.log.warn({ err: error, image: id, task: task.id }, 'a location could not be added')
  await deps.db.transaction().execute(async tx => {
    const image = await findUnscoped(tx, id, { lock: true })
    await transfers.fail(tx, nameOf(run), failureOf(error), run.transfer.bytes)
    if (!image || !holds(image, task.id)) return
    await unlock(tx, id, task.id)
    await endTask(tx, task.id, 'failure', failureOf(error))
    if (image.status !== 'importing') return
    for (const location of image.locations) {
      if (location.url === null || !isWeb(location.url)) await locations.drop(tx, location)
    }
    await move(tx, id, 'importing', 'queued', { checksum: null, os_hash_algo: null, os_hash_value: null })
  })
}
