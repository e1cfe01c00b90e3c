import { randomUUID } from 'node:crypto'
import type { Database } from '../db/connect.js'
import {
  endTask,
  type Outcome,
  RENEWAL,
  releaseTask,
  renewTask,
  type Task,
  type TaskType,
  takeTask,
} from './tasks.js'

/** Does what a task of one type asks for. Throws to make it fail; the sentence is for the task's owner. */
export type TaskRunner = (task: Task, signal: AbortSignal) => Promise<{ result?: object; message?: string }>

/** The lease was lost: another run has the task, or it was ended from outside. */
export class LostTask extends Error {}

export interface RunOptions {
  /** Tasks of one project that run at the same time. */
  atOnce: number
  /** What a task's owner is told of an error. */
  describe: (error: unknown) => Outcome
}

/**
 * Takes the task, keeps its lease while it runs, and ends it; a stopping process hands it on instead. Does nothing
 * when it is not the task's turn.
 */
export async function runTask(
  db: Database,
  id: string,
  runners: Readonly<Partial<Record<TaskType, TaskRunner>>>,
  stopping: AbortSignal,
  { atOnce, describe }: RunOptions,
): Promise<void> {
  const runner = randomUUID()
  const task = await takeTask(db, id, runner, atOnce)
  if (!task) return
  const lost = new AbortController()
  const timer = setInterval(() => {
    renewTask(db, id, runner).then(
      held => held || lost.abort(new LostTask('the task was taken over or ended')),
      () => undefined,
    )
  }, RENEWAL * 1000)
  try {
    const run = runners[task.type as TaskType]
    if (!run) throw new Error(`nothing runs tasks of type ${task.type}`)
    await endTask(db, id, 'success', await run(task, AbortSignal.any([stopping, lost.signal])))
  } catch (error) {
    if (stopping.aborted) await releaseTask(db, id, runner)
    else if (!lost.signal.aborted) await endTask(db, id, 'failure', describe(error))
  } finally {
    clearInterval(timer)
  }
}
