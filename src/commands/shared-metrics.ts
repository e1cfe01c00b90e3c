import type { Worker } from 'node:cluster'
import { AggregatorRegistry, type MetricObject } from 'prom-client'
import type { Metrics } from '../http/metrics.js'

/**
 * One /metrics for all serving processes of a machine. Prometheus asks whichever takes the connection; that one asks the
 * primary process, which asks them all and adds its own counts (of jobs), as every counter is kept where it counts.
 */

/** Milliseconds after which a process that does not answer is left out. */
const PATIENCE = 3000

/** What goes between the processes. `ask` and `values`: primary and worker; `want` and `text`: worker and primary. */
export type MetricsMessage =
  | { metrics: 'want'; id: number }
  | { metrics: 'text'; id: number; text: string }
  | { metrics: 'ask'; id: number }
  | { metrics: 'values'; id: number; values: MetricObject[] }

export function isMetricsMessage(message: unknown): message is MetricsMessage {
  return typeof message === 'object' && message !== null && 'metrics' in message
}

/** The primary's side: to be given every message of a worker that is about metrics. */
export function gatherMetrics(own: Metrics, workers: ReadonlySet<Worker>) {
  const answers = expect<MetricObject[]>()
  async function text(): Promise<string> {
    const asked = [...workers].map(worker => answers.ask(id => worker.send({ metrics: 'ask', id }), []))
    const values = await Promise.all([own.values(), ...asked])
    return AggregatorRegistry.aggregate(values.filter(one => one.length > 0)).metrics()
  }
  return async (worker: Worker, message: MetricsMessage): Promise<void> => {
    if (message.metrics === 'values') answers.give(message.id, message.values)
    else if (message.metrics === 'want') {
      const answer: MetricsMessage = { metrics: 'text', id: message.id, text: await text() }
      if (worker.isConnected()) worker.send(answer)
    }
  }
}

/** A worker's side: its metrics, whose text is that of all processes. */
export function sharedMetrics(own: Metrics): { metrics: Metrics; hear(message: MetricsMessage): void } {
  const answers = expect<string>()
  const send = (message: MetricsMessage) => void process.send?.(message)
  return {
    metrics: {
      ...own,
      // without the primary, what this process has counted
      text: async () => (await answers.ask(id => send({ metrics: 'want', id }), '')) || own.text(),
    },
    hear(message) {
      if (message.metrics === 'text') answers.give(message.id, message.text)
      else if (message.metrics === 'ask')
        own.values().then(
          values => send({ metrics: 'values', id: message.id, values }),
          () => {},
        )
    },
  }
}

/** Questions that are under way, by number. */
function expect<Answer>() {
  const waiting = new Map<number, (answer: Answer) => void>()
  let count = 0
  return {
    /** Sends a question; gives its answer, or `otherwise` when none comes in time. */
    ask(send: (id: number) => void, otherwise: Answer): Promise<Answer> {
      return new Promise(resolve => {
        const id = count++
        const done = (answer: Answer) => {
          clearTimeout(timer)
          waiting.delete(id)
          resolve(answer)
        }
        const timer = setTimeout(done, PATIENCE, otherwise)
        waiting.set(id, done)
        try {
          send(id)
        } catch {
          done(otherwise)
        }
      })
    },
    give: (id: number, answer: Answer) => waiting.get(id)?.(answer),
  }
}
