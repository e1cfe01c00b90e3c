import { Logger as QueueLogger, type Runner, run } from 'graphile-worker'
import { type Kysely, sql } from 'kysely'
import type { Pool } from 'pg'
import type { Logger } from 'pino'

/**
 * Work for later, over graphile-worker in the same PostgreSQL: a job is added in the transaction that makes it
 * necessary, and starts within milliseconds of its commit, in whichever process is free.
 */

/** Does one job. It can run twice, and `signal` aborts when the process stops: then the job is done elsewhere. */
export type Handler = (payload: never, signal: AbortSignal) => Promise<void>

/**
 * Adds a job, to run at once or at a later time. In a transaction it exists only if that commits. Of several with the
 * same key that wait at the same time one is left.
 */
export async function addJob(
  // biome-ignore lint/suspicious/noExplicitAny: the queue has tables of its own
  db: Kysely<any>,
  name: string,
  payload: object,
  options: { runAt?: Date; key?: string } = {},
): Promise<void> {
  await sql`select graphile_worker.add_job(${name}::text, ${JSON.stringify(payload)}::json,
    run_at := ${options.runAt ?? null}::timestamptz, max_attempts := 5,
    job_key := ${options.key ?? null}::text, job_key_mode := 'preserve_run_at')`.execute(db)
}

/** A running worker of this process. */
export interface Worker {
  /** Takes no more jobs, aborts the signal of those that run, and waits for them. */
  close(): Promise<void>
}

/** Starts taking jobs. Failed ones are tried again later by the queue, with growing pauses. */
export async function startWorker(
  pool: Pool,
  handlers: Readonly<Record<string, Handler>>,
  log: Logger,
  options: { concurrency?: number } = {},
): Promise<Worker> {
  const stopping = new AbortController()
  const taskList = Object.fromEntries(
    Object.entries(handlers).map(([name, handler]) => [
      name,
      (payload: unknown) => handler(payload as never, stopping.signal),
    ]),
  )
  const runner: Runner = await run({
    pgPool: pool,
    concurrency: options.concurrency ?? 8,
    noHandleSignals: true,
    logger: quiet(log, stopping.signal),
    taskList,
  })
  return {
    async close() {
      stopping.abort(new Error('the server is stopping'))
      await runner.stop()
    },
  }
}

/** The queue tells each job twice; only its troubles are worth a line of the log, and none when all is ending. */
const quiet = (log: Logger, stopping: AbortSignal) =>
  new QueueLogger(() => (level, message, meta) => {
    if (stopping.aborted) log.debug({ meta }, message)
    else if (level === 'error') log.error({ meta }, message)
    else if (level === 'warning') log.warn({ meta }, message)
    else log.trace(message)
  })
