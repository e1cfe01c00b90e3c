import { setTimeout as sleep } from 'node:timers/promises'
import type { PoolClient } from 'pg'
import type { Deps } from '../deps.js'
import type { Job } from '../feature.js'

/** The periodic jobs of one process. */
export interface Schedule {
  /** Tells running jobs to stop, waits until they have, and lets another process take over. */
  close(): Promise<void>
}

/** Two numbers of our own: advisory locks have no names. */
const lockKey = [0x56697472, 2]

export interface ScheduleOptions {
  /** Seconds after which a process that runs no jobs asks again whether it should; also how often one that does asks whether it still may. */
  askEvery?: number
}

/**
 * Runs periodic jobs in one process of all that share the database: the one whose connection holds an advisory lock,
 * which PostgreSQL gives to another as soon as that connection ends. Resolves when the `atStart` ones have run,
 * should this process be the one. A job that fails is logged and runs again at its next time. Each job runs one at a
 * time; for a moment after a broken connection two processes may run the same one.
 */
export async function startSchedule(
  jobs: readonly Job[],
  deps: Deps,
  { askEvery = 10 }: ScheduleOptions = {},
): Promise<Schedule> {
  const closing = new AbortController()
  let client = await takeTurn(deps)
  let running: Promise<unknown> = Promise.resolve()

  /** Runs all jobs until the lock is lost or the process stops. */
  const serve = async (holder: PoolClient) => {
    const lost = new AbortController()
    const signal = AbortSignal.any([closing.signal, lost.signal])
    holder.once('end', () => lost.abort())
    const loops = jobs.map(job => repeat(job, deps, signal))
    try {
      while (!signal.aborted) {
        await holder.query('select 1')
        await pause(askEvery, signal)
      }
    } catch (err) {
      deps.log.warn({ err }, 'the connection that holds the turn for periodic jobs broke')
    }
    lost.abort()
    await Promise.all(loops)
    holder.release(true) // the lock ends with the connection
  }

  const campaign = async () => {
    while (!closing.signal.aborted) {
      if (client) await serve(client)
      client = undefined
      await pause(askEvery, closing.signal)
      if (!closing.signal.aborted) client = await takeTurn(deps)
    }
    client?.release(true)
  }

  if (client)
    for (const job of jobs.filter(job => job.atStart)) await runOnce(job, deps, closing.signal, true)
  running = campaign()
  return {
    async close() {
      closing.abort()
      await running
    },
  }
}

/** The connection that holds the lock; undefined when another process has it or the database does not answer. */
async function takeTurn(deps: Deps): Promise<PoolClient | undefined> {
  let client: PoolClient | undefined
  try {
    client = await deps.pool.connect()
    const { rows } = await client.query('select pg_try_advisory_lock($1, $2) as taken', lockKey)
    if (rows[0].taken) return client
    client.release()
  } catch (err) {
    deps.log.warn({ err }, 'could not ask for the turn to run periodic jobs')
    client?.release(true)
  }
  return undefined
}

async function repeat(job: Job, deps: Deps, signal: AbortSignal): Promise<void> {
  // A job of once a day must also run on a service that is restarted more often.
  await pause(job.atStart ? job.every : Math.min(job.every, 30), signal)
  while (!signal.aborted) {
    await runOnce(job, deps, signal)
    await pause(job.every, signal)
  }
}

async function runOnce(job: Job, deps: Deps, signal: AbortSignal, starting = false): Promise<void> {
  const began = performance.now()
  try {
    await job.run(deps, signal, starting)
    deps.log.debug({ job: job.name, ms: Math.round(performance.now() - began) }, 'periodic job done')
  } catch (err) {
    if (!signal.aborted) deps.log.error({ err, job: job.name }, 'periodic job failed')
  }
}

/** The longest that a timer can wait, about 24 days; a longer one would fire at once. */
const longest = 2 ** 31 - 1

/** Waits for some seconds, or less when the signal comes. */
async function pause(seconds: number, signal: AbortSignal): Promise<void> {
  for (let left = seconds * 1000; left > 0 && !signal.aborted; left -= longest)
    await sleep(Math.min(left, longest), undefined, { signal, ref: false }).catch(() => {})
}
