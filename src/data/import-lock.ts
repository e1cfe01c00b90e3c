import { sql } from 'kysely'
import type { Database } from '../db/connect.js'
import { Conflict } from '../errors.js'
import type { Image } from '../images/image.js'
import { claimProperty, removeProperties } from '../images/repository.js'
import { endTask, findTask } from '../queue/tasks.js'
import { untrack } from './import-tracking.js'

/** An image's import lock: a property that holds the id of the task, as clients of Glance know it. */
const LOCK = 'os_glance_import_task'

/** Minutes without a sign of life after which a lock can be broken; twice that for a task that still waits. */
const STALE = 60

/** Takes the lock for a task, breaking one that is stale. Throws Conflict. Needs the image's row locked. */
export async function lock(tx: Database, image: Image, task: string): Promise<void> {
  const holder = image.properties[LOCK]
  if (holder !== undefined) await breakStale(tx, image.id, holder)
  if (!(await claimProperty(tx, image.id, LOCK, task))) throw new Conflict('Image has active task')
}

async function breakStale(tx: Database, imageId: string, holder: string): Promise<void> {
  const task = await findTask(tx, holder)
  if (task) {
    const minutes = (task.status === 'pending' ? 2 : 1) * STALE
    const { stale } = await tx
      .selectFrom('tasks')
      .select(sql<boolean>`updated_at < now() - make_interval(mins => ${minutes})`.as('stale'))
      .where('id', '=', holder)
      .executeTakeFirstOrThrow()
    // an ended one gave the lock back, unless the image was in the recycle bin then
    const ended = task.status === 'success' || task.status === 'failure'
    if (!stale && !ended) throw new Conflict('Image has active task')
    await endTask(tx, holder, 'failure', { message: 'Expired lock preempted' })
    const { backend } = task.input as { backend?: string[] }
    // a task that adds a location writes to no store
    if (backend) await untrack(tx, imageId, backend)
  }
  await removeProperties(tx, imageId, [LOCK])
}

/** The task that holds the lock. */
export const holder = (image: Image): string | undefined => image.properties[LOCK]

/** Whether the task still holds the lock. */
export const holds = (image: Image, task: string) => image.properties[LOCK] === task

/** Gives the lock back, if it is still the task's. */
export async function unlock(db: Database, imageId: string, task: string): Promise<void> {
  await removeProperties(db, imageId, [LOCK], task)
}
