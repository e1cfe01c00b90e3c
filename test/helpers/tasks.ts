import type { Test } from 'tap'
import { features } from '../../src/app.js'
import { startTasks } from '../../src/tasks.js'
import { admin, type TestApp } from './app.js'

/** Does the application's tasks in this process until the test's end. */
export async function startWorker(t: Pick<Test, 'teardown'>, running: TestApp): Promise<void> {
  const worker = await startTasks(running.deps, features)
  t.teardown(() => worker.close())
}

/** Waits until all tasks of an image have ended, and gives the image. */
export async function settled(running: TestApp, id: string) {
  const root = running.as(admin)
  for (let n = 0; n < 400; n++) {
    const { json } = await root.get(`/v2/images/${id}/tasks`)
    const ended = json.tasks.every(
      ({ status }: { status: string }) => status === 'success' || status === 'failure',
    )
    if (ended) return root.show(id)
    await new Promise(resolve => setTimeout(resolve, 25))
  }
  throw new Error('the task did not end')
}
