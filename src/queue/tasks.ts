import { randomUUID } from 'node:crypto'
import { type Selectable, sql } from 'kysely'
import type { Database } from '../db/connect.js'
import type { Tasks } from '../db/schema.js'
import { BadRequest, TooLarge } from '../errors.js'
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

/** Bytes of JSON that a task keeps of a request: enough for any, and not too much where all tasks of an image are shown. */
const MAX_INPUT = 64 * 1024

/**
 * Adds a task and wakes a worker when the transaction commits. Returns its id. Throws BadRequest for an input with text
 * that can't be stored, TooLarge for one beyond all measure.
 */
export async function addTask(tx: Database, task: NewTask): Promise<string> {
  const id = randomUUID()
  await tx
    .insertInto('tasks')
    .values({ ...task, id, input: toJson(task.input) })
    .execute()
  await wake(tx, id)
  return id
}

function toJson(input: object): string {
  const json = JSON.stringify(input)
  if (Buffer.byteLength(json) > MAX_INPUT) {
    throw new TooLarge(`What a task is asked for may have at most ${MAX_INPUT} bytes of JSON.`)
  }
  // what can't stand in JSON as it is: stringify escapes no other surrogates than lone ones
  if (/(?<!\\)(?:\\\\)*\\u(?:0000|d[89a-f])/.test(json)) {
    throw new BadRequest('What a task is asked for may contain neither U+0000 nor lone surrogates.')
  }
  return json
}

/** Has a worker look at the task. */
const wake = (tx: Database, id: string) => addJob(tx, 'task', { id }, { key: `task ${id}` })

export async function findTask(db: Database, id: string): Promise<Task | undefined> {
  return db
    .selectFrom('tasks')
    .selectAll()
    .where('id', '=', id)
    .where('deleted_at', 'is', null)
    .executeTakeFirst()
}

/**
 * Takes a task for a run; undefined when it has ended or somebody else holds it. Of one project `atOnce` tasks run at
 * the same time, in all processes together, so that who asks for many does not keep the others from theirs: one more
 * waits until one of them ends.
 */
export async function takeTask(
  db: Database,
  id: string,
  runner: string,
  atOnce = Number.POSITIVE_INFINITY,
): Promise<Task | undefined> {
  const asked = await findTask(db, id)
  if (!asked) return undefined
  return inTurn(db, asked.owner, async tx => {
    const free = await hasRoom(tx, asked.owner, atOnce)
    return tx
      .updateTable('tasks')
      .set(
        free
          ? { status: 'processing', runner, waiting: false, renewed_at: sql`now()`, updated_at: sql`now()` }
          : { waiting: true },
      )
      .where('id', '=', id)
      .where('status', 'in', ['pending', 'processing'])
      .where(eb => eb.or([eb('runner', 'is', null), expired]))
      .returningAll()
      .executeTakeFirst()
      .then(task => (free ? task : undefined))
  })
}

/** Works on the tasks of one project while nobody else does, so that no one's end is missed by one that waits for it. */
async function inTurn<T>(db: Database, owner: string | null, work: (tx: Database) => Promise<T>): Promise<T> {
  if (!db.isTransaction) return db.transaction().execute(tx => inTurn(tx, owner, work))
  await sql`select pg_advisory_xact_lock(hashtextextended(${`tasks of ${owner ?? ''}`}, 0))`.execute(db)
  return work(db)
}

/** Whether fewer tasks of the project run than may. */
async function hasRoom(tx: Database, owner: string | null, atOnce: number): Promise<boolean> {
  if (atOnce === Number.POSITIVE_INFINITY) return true
  const { running } = await tx
    .selectFrom('tasks')
    .select(eb => eb.fn.countAll<number>().as('running'))
    .where('owner', 'is not distinct from', owner)
    .where('status', '=', 'processing')
    .where('runner', 'is not', null)
    .where(sql<boolean>`not ${expired}`)
    .executeTakeFirstOrThrow()
  return running < atOnce
}

/** Gives the turn to the task of a project that waits longest. */
async function wakeNext(tx: Database, owner: string | null): Promise<boolean> {
  const next = await tx
    .updateTable('tasks')
    .set({ waiting: false })
    .where('id', '=', eb =>
      eb
        .selectFrom('tasks')
        .select('id')
        .where('owner', 'is not distinct from', owner)
        .where('status', 'in', ['pending', 'processing'])
        .where('waiting', '=', true)
        .orderBy('created_at')
        .orderBy('id')
        .limit(1),
    )
    .returning('id')
    .executeTakeFirst()
  if (next) await wake(tx, next.id)
  return next !== undefined
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

/** How a task ended. A failure has its sentence as message, and with its code also in the result. */
export interface Outcome {
  result?: object
  message?: string
  code?: string
}

/** Ends a task, once: an ended one stays as it is. Its secret goes. */
export async function endTask(
  db: Database,
  id: string,
  status: 'success' | 'failure',
  { message, code, result = code === undefined ? undefined : { error: { code, message } } }: Outcome,
): Promise<void> {
  const task = await findTask(db, id)
  if (!task) return
  await inTurn(db, task.owner, async tx => {
    const ended = await tx
      .updateTable('tasks')
      .set({
        status,
        secret: null,
        undo: null,
        runner: null,
        waiting: false,
        updated_at: sql`now()`,
        expires_at: sql`now() + make_interval(hours => ${KEPT})`,
        ...(result && { result: JSON.stringify(result) }),
        ...(message !== undefined && { message }),
      })
      .where('id', '=', id)
      .where('status', 'in', ['pending', 'processing'])
      .executeTakeFirst()
    if (ended.numUpdatedRows === 1n) await wakeNext(tx, task.owner)
  })
}

/** Notes what takes back what a task changes of its image; what was noted first counts, as a task can run twice. */
export async function noteUndo(tx: Database, id: string, undo: object): Promise<void> {
  await tx
    .updateTable('tasks')
    .set({ undo: sql`${JSON.stringify(undo)}::jsonb || coalesce(undo, '{}')` })
    .where('id', '=', id)
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
    if (released.numUpdatedRows === 1n) await wake(tx, id)
  })
}

/** Wakes workers for tasks whose runner died, or whose waking was lost. */
export async function reviveTasks(
  db: Database,
  lease = LEASE,
  atOnce = Number.POSITIVE_INFINITY,
): Promise<void> {
  const orphans = await db
    .updateTable('tasks')
    .set({ runner: null, renewed_at: sql`now()` })
    .where('status', 'in', ['pending', 'processing'])
    .where('waiting', '=', false)
    .where(sql<boolean>`coalesce(renewed_at, created_at) < now() - make_interval(secs => ${lease})`)
    .returning('id')
    .execute()
  for (const { id } of orphans) await wake(db, id)
  const waiting = await db
    .selectFrom('tasks')
    .select('owner')
    .distinct()
    .where('status', 'in', ['pending', 'processing'])
    .where('waiting', '=', true)
    .execute()
  // nobody's end gives the turn when it was a process that died
  for (const { owner } of waiting)
    await inTurn(db, owner, async tx => (await hasRoom(tx, owner, atOnce)) && wakeNext(tx, owner))
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
