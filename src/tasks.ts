import type { Deps } from './deps.js'
import type { Feature } from './feature.js'
import { failureOf } from './http/failure.js'
import { startWorker, type Worker } from './queue/queue.js'
import { runTask, type TaskRunner } from './queue/run-task.js'
import type { TaskType } from './queue/tasks.js'

/** Starts doing the tasks of all features in this process. */
export async function startTasks(deps: Deps, features: readonly Feature[]): Promise<Worker> {
  const runners: Partial<Record<TaskType, TaskRunner>> = {}
  for (const feature of features) {
    for (const [type, runner] of Object.entries(feature.tasks ?? {})) runners[type as TaskType] = runner(deps)
  }
  const task = ({ id }: { id: string }, stopping: AbortSignal) =>
    runTask(deps.db, id, runners, stopping, {
      atOnce: deps.config.import_tasks_per_project,
      describe: failureOf,
    })
  return startWorker(deps.pool, { task }, deps.log, { concurrency: deps.config.import_tasks })
}
