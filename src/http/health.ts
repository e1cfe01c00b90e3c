import { access } from 'node:fs/promises'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import type { Deps } from '../deps.js'
import { prefersHtml, prefersJson } from './accept.js'

/** Milliseconds after which a part that has not answered counts as failing. */
const PATIENCE = 2000
/** Milliseconds for which the state of a part is believed, so that probes cost next to nothing. */
const BELIEVED = 1000

/** What readiness says of one part. */
type State = 'ok' | 'failing'

/** What GET /readyz answers. */
export interface Readiness {
  status: 'ready' | 'failing' | 'stopping'
  /** The parts that fail, such as `database` or `store:local`. */
  failing: string[]
  /** Every part and its state. Why one fails is in the log: it may name hosts and accounts. */
  parts: Record<string, State>
}

type HealthDeps = Pick<Deps, 'config' | 'pool' | 'stores' | 'auth' | 'log' | 'stopping'>

/**
 * Health for Glance's probes (/healthcheck), for a supervisor (/livez: the process answers) and for a load balancer
 * (/readyz: all that a request may need answers, and the process is not about to stop). Nobody has to sign in.
 */
export function healthRoutes(app: FastifyInstance, deps: HealthDeps): void {
  const tags = ['operation']
  const config = { public: true, body: 'ignore' as const }
  const ready = readiness(deps)
  const healthcheck = {
    tags,
    summary: 'Tell whether the service runs',
    description: "Glance's health check: text, or JSON or HTML when `Accept` prefers it.",
    produces: ['text/plain', 'application/json', 'text/html'],
    response: {
      200: { type: 'string', description: 'The service runs' },
      503: { type: 'string', description: 'An operator has taken it out of service' },
    },
  }
  const answerAsGlance = healthAsGlance(deps.config.healthcheck_disable_file)

  app.get('/healthcheck', { config, schema: healthcheck }, answerAsGlance)
  app.route({
    url: '/healthcheck',
    // Glance looks at no verb but HEAD
    method: app.supportedMethods.filter(method => method !== 'GET'),
    config,
    schema: { hide: true },
    handler: answerAsGlance,
  })

  app.get(
    '/livez',
    {
      config,
      schema: {
        tags,
        summary: 'Tell whether the process answers',
        produces: ['text/plain'],
        response: { 200: { type: 'string', description: 'The process answers' } },
      },
    },
    async (_request, reply) => reply.type('text/plain; charset=UTF-8').send('OK'),
  )

  app.get(
    '/readyz',
    {
      config,
      schema: {
        tags,
        summary: 'Tell whether requests can be served',
        description: 'Asks the database, every store and the identity service, each for two seconds at most.',
        response: {
          200: { ...readinessSchema, description: 'Requests can be served' },
          503: { ...readinessSchema, description: 'A part fails, or the process is about to stop' },
        },
      },
    },
    async (_request, reply) => {
      const found = await ready()
      return reply
        .code(found.status === 'ready' ? 200 : 503)
        .header('cache-control', 'no-store')
        .send(found)
    },
  )
}

const readinessSchema = {
  type: 'object',
  required: ['status', 'failing', 'parts'],
  properties: {
    status: {
      type: 'string',
      enum: ['ready', 'failing', 'stopping'],
      description: 'Whether this process serves requests.',
    },
    failing: {
      type: 'array',
      items: { type: 'string' },
      description: 'Parts that fail: `database`, `identity`, `store:NAME`.',
    },
    parts: {
      type: 'object',
      additionalProperties: { type: 'string', enum: ['ok', 'failing'] },
      description: 'Every part and its state.',
    },
  },
}

/** The handler of /healthcheck: 503 while the file is there, by which an operator takes a server out of service. */
const healthAsGlance =
  (disableFile: string | null) => async (request: FastifyRequest, reply: FastifyReply) => {
    const disabled = disableFile !== null && (await isThere(disableFile))
    const reason = disabled ? 'DISABLED BY FILE' : 'OK'
    if (disabled) reply.code(503)
    if (request.method === 'HEAD') return reply.code(disabled ? 503 : 204).send()
    const { accept } = request.headers
    if (prefersHtml(accept)) return reply.type('text/html; charset=UTF-8').send(page(reason))
    if (prefersJson(accept)) return reply.send({ detailed: false, reasons: [reason] })
    return reply.type('text/plain; charset=UTF-8').send(reason)
  }

const isThere = (path: string) =>
  access(path).then(
    () => true,
    () => false,
  )

const page = (reason: string) =>
  `<!doctype html><html lang="en"><title>Healthcheck Status</title><h1>Healthcheck Status</h1><p>${reason}</p></html>\n`

/** Gives the function that asks all parts at once. */
function readiness({ pool, stores, auth, log, stopping }: HealthDeps): () => Promise<Readiness> {
  const parts: [string, (signal: AbortSignal) => Promise<unknown>][] = [
    ['database', () => pool.query('select 1')],
    ['identity', signal => auth.check(signal)],
    ...stores
      .all()
      .map((store): (typeof parts)[number] => [`store:${store.name}`, signal => store.check(signal)]),
  ]
  const asked = parts.map(([name, check]) => [name, remember(name, check, log)] as const)
  return async () => {
    const states = await Promise.all(asked.map(async ([name, ask]) => [name, await ask()] as const))
    const failing = states.filter(([, state]) => state === 'failing').map(([name]) => name)
    const status = stopping.aborted ? 'stopping' : failing.length > 0 ? 'failing' : 'ready'
    return { status, failing, parts: Object.fromEntries(states) }
  }
}

/** Bounds a check in time, shares its answer among all who ask within a second, and logs when it changes. */
function remember(
  part: string,
  check: (signal: AbortSignal) => Promise<unknown>,
  log: Deps['log'],
): () => Promise<State> {
  let known: Promise<State> | undefined
  let before: State = 'ok'
  const tell = (state: State, err?: unknown) => {
    if (state !== before) {
      if (state === 'failing') log.warn({ part, err }, 'a part is failing')
      else log.info({ part }, 'a part works again')
    }
    before = state
    setTimeout(() => {
      known = undefined
    }, BELIEVED).unref()
    return state
  }
  return () => {
    known ??= within(PATIENCE, check).then(
      () => tell('ok'),
      err => tell('failing', err),
    )
    return known
  }
}

/** Rejects when the check has not settled in time, whether or not it heeds its signal. */
async function within(ms: number, check: (signal: AbortSignal) => Promise<unknown>): Promise<void> {
  const patience = new AbortController()
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => {
      const error = new Error(`It did not answer within ${ms} ms`)
      patience.abort(error)
      reject(error)
    }, ms)
  })
  try {
    await Promise.race([check(patience.signal), late])
  } finally {
    clearTimeout(timer)
  }
}
