import { randomUUID } from 'node:crypto'
import type { Database } from '../db/connect.js'
import { endTask, RENEWAL, releaseTask, renewTask, type Task, type TaskType, takeTask } from './tasks.js'

/** Does what a task of one type asks for. Throws to make it fail; the sentence is for the task's owner. */
export type TaskRunner = (task: Task, signal: AbortSignal) => Promise<{ result?: object; message?: string }>

/** The lease was lost: another run has the task, or it was ended from outside. */
export class LostTask extends Error {}

/** Takes the task, keeps its lease while it runs, and ends it; a stopping process hands it on instead. */
export async function runTask(
  db: Database,
  id: string,
  runners: Readonly<Partial<Record<TaskType, TaskRunner>>>,
  stopping: AbortSignal,
  describe: (error: unknown) => string,
): Promise<void> {
  const runner = randomUUID()
  const task = await takeTask(db, id, runner)
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
    else if (!lost.signal.aborted) await endTask(db, id, 'failure', { message: describe(error) })
  } finally {
    clearInterval(timer)
  }
}
