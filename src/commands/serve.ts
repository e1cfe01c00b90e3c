import cluster from 'node:cluster'
import type { Logger } from 'pino'
import { loadConfig } from '../config/load.js'
import { withSecretKey } from '../config/secret-key.js'
import { openLog } from '../log.js'
import type { Command } from './command.js'
import { openServerDatabase } from './database.js'

/** What takes long to load: most of the code, loaded while the database starts. */
const loadRest = async () => ({
  ...(await import('../db/migrate.js')),
  ...(await import('../deps.js')),
  ...(await import('../queue/schedule.js')),
  ...(await import('./listen.js')),
  ...(await import('./workers.js')),
})

export const serve: Command = {
  help: `Starts the embedded database unless VITRINE_DATABASE_URL names one, brings it to the newest schema, and listens
on VITRINE_HOST and VITRINE_PORT until SIGTERM or SIGINT. Then running transfers may finish for VITRINE_DRAIN_SECONDS;
a second signal cuts them.`,
  async run() {
    if (cluster.isWorker) return (await import('./workers.js')).workerMain()
    const config = withSecretKey(loadConfig(process.env))
    const log = openLog(config)
    const stop = stopSignals(log)
    const undo: (() => Promise<unknown>)[] = []
    try {
      const opening = openServerDatabase(config, log, stop.fail)
      const loading = loadRest()
      const database = await opening
      undo.push(() => database.close())
      const rest = await loading
      const applied = await rest.migrate(database.url)
      if (applied.length > 0) log.info({ applied }, 'the database was brought to the newest schema')
      const policies = rest.policiesOfFeatures()
      const deps = await rest.openDeps(config, {
        databaseUrl: database.url,
        log,
        policies,
        stopping: stop.asked,
      })
      undo.push(() => rest.closeDeps(deps))
      if (!stop.asked.aborted) {
        const schedule = await rest.startSchedule(rest.jobsOfFeatures(), deps)
        undo.push(() => schedule.close())
        const tasks = await rest.startTasksOfFeatures(deps)
        undo.push(() => tasks.close())
      }
      if (!stop.asked.aborted) {
        const serving =
          config.processes > 1
            ? await rest.serveInWorkers(config.processes, {
                config,
                databaseUrl: database.url,
                log,
                stopping: stop.asked,
                metrics: deps.metrics,
              })
            : await rest.listen(deps)
        undo.push(() => serving.drain(config.drain_seconds, stop.urged))
        tellReady(log, serving.url)
      }
      await stop.wait
    } finally {
      // The other way round: transfers and jobs finish first, the database ends last.
      for (const step of undo.reverse())
        await step().catch(err => log.error({ err }, 'an error while stopping'))
    }
    const failure = stop.failure()
    if (failure) throw failure
    log.info('stopped')
  },
}

/** Printed whatever the log level: it is what people and scripts wait for. */
function tellReady(log: Logger, url: string): void {
  log.child({}, { level: 'info' }).info({ url }, `ready at ${url}`)
}

/** Follows SIGTERM and SIGINT: the first asks for a stop, the second urges it. `fail` stops because of an error. */
function stopSignals(log: Logger) {
  const asked = new AbortController()
  const urged = new AbortController()
  let failure: Error | undefined
  const wait = new Promise<void>(resolve =>
    asked.signal.addEventListener('abort', () => resolve(), { once: true }),
  )
  const onSignal = (signal: string) => {
    if (asked.signal.aborted) {
      log.warn(`${signal} again: cutting what still runs`)
      urged.abort()
      // Should something hang: PostgreSQL is told to stop when the process ends, whatever else is left.
      setTimeout(() => process.exit(1), 10_000).unref()
    } else {
      log.info(`${signal}: stopping, running transfers may finish`)
      asked.abort()
    }
  }
  for (const signal of ['SIGTERM', 'SIGINT']) process.on(signal, onSignal)
  return {
    asked: asked.signal,
    urged: urged.signal,
    wait,
    failure: () => failure,
    fail(err: Error) {
      failure ??= err
      asked.abort()
      urged.abort()
    },
  }
}
