import { pino } from 'pino'
import t from 'tap'
import { openPool } from '../../src/db/connect.js'
import type { Deps } from '../../src/deps.js'
import type { Job } from '../../src/feature.js'
import { startSchedule } from '../../src/queue/schedule.js'
import { createTestDatabase, type Teardown } from '../helpers/database.js'

/** What the schedule uses of Deps, on a database of its own; each call is a process of its own. */
async function replicas(t: Teardown, count: number) {
  const { url, drop } = await createTestDatabase({ empty: true })
  t.teardown(drop)
  return Array.from({ length: count }, () => {
    const logged: { err?: { message: string }; job?: string }[] = []
    const log = pino({ level: 'info' }, { write: (line: string) => logged.push(JSON.parse(line)) })
    const pool = openPool(url)
    t.teardown(() => pool.end())
    return { deps: { pool, log } as unknown as Deps, logged }
  })
}

const askEvery = 0.05

async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise(resolve => setTimeout(resolve, 10))
}

t.test('one of several processes runs the jobs; another takes over when it stops', async t => {
  const [one, two] = await replicas(t, 2)
  const runs: string[] = []
  const job = (who: string): Job => ({
    name: 'count',
    every: 0.02,
    atStart: true,
    run: async () => void runs.push(who),
  })
  const first = await startSchedule([job('one')], one!.deps, { askEvery })
  t.same(runs, ['one'], 'the job at start has run before the start is done')
  const second = await startSchedule([job('two')], two!.deps, { askEvery })
  await until(() => runs.length > 10)
  t.notOk(runs.includes('two'))
  await first.close()
  await until(() => runs.includes('two'))
  const before = runs.filter(who => who === 'one').length
  await until(() => runs.filter(who => who === 'two').length > 5)
  t.equal(runs.filter(who => who === 'one').length, before)
  await second.close()
})

t.test('a job that fails is logged, hurts no other and runs again', async t => {
  const [one] = await replicas(t, 1)
  let failures = 0
  let runs = 0
  const schedule = await startSchedule(
    [
      {
        name: 'broken',
        every: 0.02,
        atStart: true,
        run: async () => {
          failures++
          throw new Error('no luck')
        },
      },
      { name: 'sound', every: 0.02, run: async () => void runs++ },
    ],
    one!.deps,
    { askEvery },
  )
  await until(() => failures > 2 && runs > 2)
  await schedule.close()
  t.match(one!.logged[0], { job: 'broken', err: { message: 'no luck' } })
})

t.test('a stop aborts running jobs and waits for them', async t => {
  const [one] = await replicas(t, 1)
  let ended = false
  let running = false
  const job: Job = {
    name: 'long',
    every: 0.01,
    run: async (_deps, signal) => {
      running = true
      await new Promise(resolve => signal.addEventListener('abort', resolve))
      await new Promise(resolve => setTimeout(resolve, 50))
      ended = true
    },
  }
  const schedule = await startSchedule([job], one!.deps, { askEvery })
  await until(() => running)
  await schedule.close()
  t.ok(ended)
})

t.test('a job of once in the life of a process does not run in a loop', async t => {
  const [one] = await replicas(t, 1)
  let runs = 0
  const job: Job = {
    name: 'once',
    every: Number.POSITIVE_INFINITY,
    atStart: true,
    run: async () => void runs++,
  }
  const schedule = await startSchedule([job], one!.deps, { askEvery })
  await new Promise(resolve => setTimeout(resolve, 100))
  await schedule.close()
  t.equal(runs, 1)
})

t.test(
  'when the connection of the turn breaks, jobs are told to stop and the turn is asked for anew',
  async t => {
    const [one] = await replicas(t, 1)
    let starts = 0
    let aborted = 0
    const job: Job = {
      name: 'long',
      every: 0.01,
      run: async (_deps, signal) => {
        starts++
        await new Promise(resolve => signal.addEventListener('abort', resolve))
        aborted++
      },
    }
    const schedule = await startSchedule([job], one!.deps, { askEvery })
    await until(() => starts === 1)
    await one!.deps.pool.query(
      "select pg_terminate_backend(pid) from pg_locks where locktype = 'advisory' and pid <> pg_backend_pid()",
    )
    await until(() => aborted === 1 && starts === 2)
    await schedule.close()
    t.equal(aborted, 2)
  },
)
