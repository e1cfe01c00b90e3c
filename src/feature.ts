import type {} from '@fastify/swagger'
import type { FastifyInstance } from 'fastify'
import type { Deps } from './deps.js'
import type { RuleDefault } from './policy/defaults.js'
import type { TaskRunner } from './queue/run-task.js'
import type { TaskType } from './queue/tasks.js'

/**
 * One feature: a plain object that app.ts reads. `routes` registers its routes in a scope of their own under /v2
 * (or at the root when `root` is true), `policies` are the default rules of its operations in oslo.policy's
 * language, `jobs` run periodically in one serving process of the cluster at a time.
 */
export interface Feature {
  name: string
  root?: boolean
  routes?: (app: FastifyInstance, deps: Deps) => void | Promise<void>
  policies?: Record<string, string | RuleDefault>
  jobs?: Job[]
  /** What the tasks of some types do. */
  tasks?: Partial<Record<TaskType, (deps: Deps) => TaskRunner>>
}

/** A periodic job. Handlers can run twice and on any replica. */
export interface Job {
  name: string
  /** Seconds between two runs. */
  every: number
  /** Run once at start, before anything is served. */
  atStart?: boolean
  /** `starting` is true for the run before anything is served. */
  run: (deps: Deps, signal: AbortSignal, starting: boolean) => Promise<void>
}
