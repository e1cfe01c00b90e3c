import type { FastifyInstance, FastifyRequest } from 'fastify'
import type { Pool } from 'pg'
import { Counter, collectDefaultMetrics, Gauge, Histogram, type MetricObject, Registry } from 'prom-client'
import type { StoreHooks } from '../stores/watched.js'
import type { HashPool } from '../streams/hash.js'

declare module 'fastify' {
  interface FastifyContextConfig {
    /** Which way an image's bytes go on this route, for the count of running transfers. */
    transfer?: 'in' | 'out'
  }
}

/**
 * What Prometheus is told of one process. Labels are patterns of routes, methods, statuses and the operator's names
 * of stores: nothing that a client sends, so neither ids nor tokens can leak and the number of series is bounded.
 */
export interface Metrics {
  /** Counts what happens in the stores. */
  storeHooks: StoreHooks
  /** Counts one request whose route is known; to be told its end, and whether its client left before it (`cut`). */
  request(request: FastifyRequest): (status: number, cut: boolean) => void
  /** Shows the connections of the database's pool and the uploads that are being hashed. */
  watch(parts: { pool: Pool; hashes: Pick<HashPool, 'active'> }): void
  /** All values in Prometheus' text format. */
  text(): Promise<string>
  /** All values of this process alone, to be added to those of others. */
  values(): Promise<MetricObject[]>
  /** The media type of that text. */
  readonly contentType: string
}

/** Seconds: from a hot look-up in the database to an upload of hours. */
const requestSeconds = [0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 60, 600, 3600]
const storeSeconds = [0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1, 5, 10, 60, 600, 3600]

/** Opens the counters of a process, all at zero. */
export function openMetrics(): Metrics {
  const registry = new Registry()
  const registers = [registry]
  collectDefaultMetrics({ register: registry })

  const requests = new Counter({
    name: 'vitrine_http_requests_total',
    help: 'Requests that were answered, or whose client went away (status "cut").',
    labelNames: ['route', 'method', 'status'],
    registers,
  })
  const durations = new Histogram({
    name: 'vitrine_http_request_duration_seconds',
    help: 'Time from the headers of a request to the last byte of its answer.',
    labelNames: ['route', 'method'],
    buckets: requestSeconds,
    registers,
  })
  const transfers = new Gauge({
    name: 'vitrine_transfers_running',
    help: 'Uploads (in) and downloads (out) under way.',
    labelNames: ['direction'],
    registers,
  })
  for (const direction of ['in', 'out']) transfers.set({ direction }, 0)
  const bytes = new Counter({
    name: 'vitrine_store_bytes_total',
    help: 'Bytes written to a store (in) and read from it (out).',
    labelNames: ['store', 'direction'],
    registers,
  })
  const operations = new Histogram({
    name: 'vitrine_store_operation_duration_seconds',
    help: 'Time that operations of a store took.',
    labelNames: ['store', 'operation'],
    buckets: storeSeconds,
    registers,
  })
  const failures = new Counter({
    name: 'vitrine_store_errors_total',
    help: 'Operations of a store that failed for a reason of the store.',
    labelNames: ['store', 'operation'],
    registers,
  })

  return {
    storeHooks: {
      operation(store, operation, seconds, failed) {
        operations.observe({ store, operation }, seconds)
        failures.inc({ store, operation }, failed ? 1 : 0)
      },
      bytes: (store, direction, count) => bytes.inc({ store, direction }, count),
    },
    request(request) {
      const { method } = request
      const route = (request.is404 ? undefined : request.routeOptions.url) ?? 'none'
      const direction = request.routeOptions.config.transfer
      const elapsed = durations.startTimer({ route, method })
      if (direction) transfers.inc({ direction })
      return (status, cut) => {
        elapsed()
        if (direction) transfers.dec({ direction })
        requests.inc({ route, method, status: cut ? 'cut' : status })
      }
    },
    watch({ pool, hashes }) {
      new Gauge({
        name: 'vitrine_database_connections',
        help: 'Connections of the pool, by what they do.',
        labelNames: ['state'],
        registers,
        collect() {
          this.set({ state: 'idle' }, pool.idleCount)
          this.set({ state: 'busy' }, pool.totalCount - pool.idleCount)
        },
      })
      new Gauge({
        name: 'vitrine_database_waiting',
        help: 'Requests that wait for a connection of the pool.',
        registers,
        collect() {
          this.set(pool.waitingCount)
        },
      })
      new Gauge({
        name: 'vitrine_hashing_streams_running',
        help: 'Uploads whose digests are being computed.',
        registers,
        collect() {
          this.set(hashes.active)
        },
      })
    },
    text: () => registry.metrics(),
    values: () => registry.getMetricsAsJSON(),
    contentType: registry.contentType,
  }
}

/** GET /metrics, for anybody: like the health routes it tells nothing of images or people. */
export function metricsRoutes(app: FastifyInstance, { metrics }: { metrics: Metrics }): void {
  app.get(
    '/metrics',
    {
      config: { public: true, body: 'ignore' },
      schema: {
        tags: ['operation'],
        summary: 'Show the counters for Prometheus',
        produces: ['text/plain'],
        response: { 200: { type: 'string', description: "Counters in Prometheus' text format" } },
      },
    },
    async (_request, reply) => reply.header('content-type', metrics.contentType).send(await metrics.text()),
  )
}
