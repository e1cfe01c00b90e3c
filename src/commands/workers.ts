import cluster, { type Worker } from 'node:cluster'
import { once } from 'node:events'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Logger } from 'pino'
import type { Config } from '../config/schema.js'
import { closeDeps, openDeps } from '../deps.js'
import { StartFailure } from '../errors.js'
import type { Metrics } from '../http/metrics.js'
import { openLog } from '../log.js'
import { listen, policiesOfFeatures, type Serving, urlOf } from './listen.js'
import { gatherMetrics, isMetricsMessage, type MetricsMessage, sharedMetrics } from './shared-metrics.js'

/** What the primary process tells a worker; the settings are read once, there. */
interface Orders {
  config: Config
  databaseUrl: string
}

type Message = { start: Orders } | { stop: number } | 'urge' | MetricsMessage

/**
 * Serves in several processes that share the port: this one holds the database and runs the jobs, the workers
 * answer. One that dies is replaced, after a pause that grows while they die young. Throws StartFailure when none
 * comes up at the start.
 */
export async function serveInWorkers(
  count: number,
  orders: Orders & { log: Logger; stopping: AbortSignal; metrics: Metrics },
): Promise<Serving> {
  const { log, config, databaseUrl } = orders
  const workers = new Set<Worker>()
  const hear = gatherMetrics(orders.metrics, workers)
  let stopping = false
  let port = config.port
  let pause = 0

  const fork = () => {
    const worker = cluster.fork()
    const born = Date.now()
    workers.add(worker)
    // Asked for, since what is sent before the worker listens for messages is lost.
    worker.on('message', message => {
      if (isMetricsMessage(message)) hear(worker, message)
      else worker.send({ start: { config, databaseUrl } } satisfies Message)
    })
    worker.on('listening', address => {
      port = address.port
    })
    worker.on('error', err => log.warn({ err, worker: worker.process.pid }, 'a message to a worker was lost'))
    worker.on('exit', async (code, signal) => {
      workers.delete(worker)
      if (stopping) return
      pause = Date.now() - born > 30_000 ? 0 : Math.min(30_000, Math.max(500, pause * 2))
      log.error({ worker: worker.process.pid, code, signal, pause }, 'a serving process died and is replaced')
      await sleep(pause, undefined, { ref: false })
      if (!stopping) fork()
    })
    return worker
  }

  // A worker that exits before it listens has said why in its own log line.
  const up = (worker: Worker) =>
    Promise.race([once(worker, 'listening'), once(worker, 'exit').then(() => undefined)])
  const all = Promise.all(Array.from({ length: count }, () => up(fork())))
  const stopped = once(orders.stopping, 'abort')
  const answers = await Promise.race([all, stopped])
  if (!answers.some(Boolean)) {
    stopping = true
    throw new StartFailure('No serving process came up; the lines above say why.')
  }
  return {
    url: urlOf(config.host, port),
    async drain(seconds, urged) {
      stopping = true
      const tell = (message: Message) => {
        for (const worker of workers) if (worker.isConnected()) worker.send(message)
      }
      const ended = Promise.all([...workers].map(worker => once(worker, 'exit')))
      tell({ stop: seconds })
      if (urged.aborted) tell('urge')
      urged.addEventListener('abort', () => tell('urge'), { once: true })
      const limit = sleep((seconds + 30) * 1000, 'late', { ref: false })
      if ((await Promise.race([ended, limit])) === 'late')
        for (const worker of workers) worker.process.kill('SIGKILL')
      await ended
    },
  }
}

/** The life of a worker: it follows the primary process, and ends with it. */
export async function workerMain(): Promise<number> {
  const stop = new AbortController()
  const urged = new AbortController()
  let seconds = 0
  // Ctrl+C reaches the whole group of processes; the primary decides. SIGTERM to one worker has it replaced.
  process.on('SIGINT', () => {})
  process.on('SIGTERM', () => stop.abort())
  let shared: ReturnType<typeof sharedMetrics> | undefined
  let begin: (orders: Orders) => void
  const start = new Promise<Orders>(resolve => {
    begin = resolve
  })
  process.on('message', (message: Message) => {
    if (message === 'urge') urged.abort()
    else if (isMetricsMessage(message)) shared?.hear(message)
    else if ('start' in message) begin(message.start)
    else {
      seconds = message.stop
      stop.abort()
    }
  })
  process.send!('orders, please')
  const { config, databaseUrl } = await start
  seconds = config.drain_seconds
  const log = openLog(config)
  const deps = await openDeps(config, {
    databaseUrl,
    log,
    policies: policiesOfFeatures(),
    stopping: stop.signal,
  })
  shared = sharedMetrics(deps.metrics)
  try {
    const serving = await listen({ ...deps, metrics: shared.metrics })
    if (!stop.signal.aborted) await new Promise(resolve => stop.signal.addEventListener('abort', resolve))
    await serving.drain(seconds, urged.signal)
  } finally {
    await closeDeps(deps)
  }
  return 0
}
