import { randomUUID } from 'node:crypto'
import { type Selectable, sql } from 'kysely'
import type { Database } from '../db/connect.js'
import type { Tasks } from '../db/schema.js'
import { addJob } from './queue.js'

/**
 * Tasks, and the only writer of their table: what is to be done, by whom it is being done, and how it ended. A run
 * holds its task by a lease; a task whose lease ran out died with its process and is taken by another.
 */

export type Task = Selectable<Tasks>
export type TaskType = 'import' | 'api_image_import' | 'location_import'

/** Seconds after which a task that was not renewed counts as orphaned. */
export const LEASE = 30
/** Seconds between two signs of life. */
export const RENEWAL = 5
/** Hours for which an ended task is kept, as Glance's task_time_to_live. */
const KEPT = 48

export interface NewTask {
  type: TaskType
  owner: string | null
  image_id: string | null
  request_id: string
  user_id: string | null
  /** What Glance's tasks API shows; holds no secret. */
  input: object
  /** Encrypted text that only the job reads. */
  secret?: string | null
}

/** Adds a task and wakes a worker when the transaction commits. Returns its id. */
export async function addTask(tx: Database, task: NewTask): Promise<string> {
  const id = randomUUID()
  await tx
    .insertInto('tasks')
    .values({ ...task, id, input: JSON.stringify(task.input) })
    .execute()
  await addJob(tx, 'task', { id })
  return id
}

export async function findTask(db: Database, id: string): Promise<Task | undefined> {
  return db
    .selectFrom('tasks')
    .selectAll()
    .where('id', '=', id)
    .where('deleted_at', 'is', null)
    .executeTakeFirst()
}

/** Takes a task for a run; undefined when it has ended or somebody else holds it. */
export async function takeTask(db: Database, id: string, runner: string): Promise<Task | undefined> {
  return db
    .updateTable('tasks')
    .set({ status: 'processing', runner, renewed_at: sql`now()`, updated_at: sql`now()` })
    .where('id', '=', id)
    .where('status', 'in', ['pending', 'processing'])
    .where(eb => eb.or([eb('runner', 'is', null), expired]))
    .returningAll()
    .executeTakeFirst()
}

const expired = sql<boolean>`coalesce(renewed_at, created_at) < now() - make_interval(secs => ${LEASE})`

/** Says that the run still holds its task. False when it lost it. */
export async function renewTask(db: Database, id: string, runner: string): Promise<boolean> {
  const result = await db
    .updateTable('tasks')
    .set({ renewed_at: sql`now()` })
    .where('id', '=', id)
    .where('runner', '=', runner)
    .where('status', '=', 'processing')
    .executeTakeFirst()
  return result.numUpdatedRows === 1n
}

/** What the task tells of its way so far. */
export async function tell(db: Database, id: string, message: string): Promise<void> {
  await db.updateTable('tasks').set({ message, updated_at: sql`now()` }).where('id', '=', id).execute()
}

/** Ends a task, once: an ended one stays as it is. Its secret goes. */
export async function endTask(
  db: Database,
  id: string,
  status: 'success' | 'failure',
  outcome: { result?: object; message?: string },
): Promise<void> {
  await db
    .updateTable('tasks')
    .set({
      status,
      secret: null,
      runner: null,
      updated_at: sql`now()`,
      expires_at: sql`now() + make_interval(hours => ${KEPT})`,
      ...(outcome.result && { result: JSON.stringify(outcome.result) }),
      ...(outcome.message !== undefined && { message: outcome.message }),
    })
    .where('id', '=', id)
    .where('status', 'in', ['pending', 'processing'])
    .execute()
}

/** Lets go of a task that a stopping process cannot finish, for another to take at once. */
export async function releaseTask(db: Database, id: string, runner: string): Promise<void> {
  await db.transaction().execute(async tx => {
    const released = await tx
      .updateTable('tasks')
      .set({ runner: null })
      .where('id', '=', id)
      .where('runner', '=', runner)
      .where('status', '=', 'processing')
      .executeTakeFirst()
    if (released.numUpdatedRows === 1n) await addJob(tx, 'task', { id })
  })
}

/** Wakes workers for tasks whose runner died, or whose waking was lost. */
export async function reviveTasks(db: Database, lease = LEASE): Promise<void> {
  const orphans = await db
    .updateTable('tasks')
    .set({ runner: null, renewed_at: sql`now()` })
    .where('status', 'in', ['pending', 'processing'])
    .where(sql<boolean>`coalesce(renewed_at, created_at) < now() - make_interval(secs => ${lease})`)
    .returning('id')
    .execute()
  for (const { id } of orphans) await addJob(db, 'task', { id })
}

/** Hides ended tasks that are past their time. */
export async function expireTasks(db: Database): Promise<void> {
  await db
    .updateTable('tasks')
    .set({ deleted_at: sql`now()` })
    .where('deleted_at', 'is', null)
    .where('expires_at', '<', sql<Date>`now()`)
    .execute()
}
