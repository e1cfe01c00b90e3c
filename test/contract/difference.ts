import type { Exchange, RecordedScenario, Reply } from './exchange.js'

/** One deliberate difference from Glance, and what Vitrine answers instead. */
export interface Difference {
  area: string
  scenario: string | RegExp
  /** Names of exchanges. */
  exchanges: RegExp | readonly string[]
  /** The reply that Vitrine gives, made of what Glance gave and what was said before. */
  ours: (recorded: Reply, exchange: Exchange, scenario: RecordedScenario) => Reply
  /** A sentence for the table: what Glance does and what we do. */
  what: string
  why: string
}

export type Ours = Difference['ours']

const titles: Record<number, string> = {
  400: 'Bad Request',
  401: 'Unauthorized',
  403: 'Forbidden',
  404: 'Not Found',
  405: 'Method Not Allowed',
  409: 'Conflict',
  413: 'Request Entity Too Large',
  415: 'Unsupported Media Type',
  416: 'Request Range Not Satisfiable',
  431: 'Request Header Fields Too Large',
  501: 'Not Implemented',
}
export const traced = { 'x-openstack-request-id': 'req-<uuid>' }
export const jsonHeaders = { 'content-type': 'application/json', ...traced }

export function refusal(status: number, more: Record<string, string> = {}): Reply {
  const title = titles[status]
  const body = { code: `${status} ${title}`, message: '<text>', title }
  return { status, headers: { ...jsonHeaders, ...more }, body }
}

export const refused =
  (status: number): Ours =>
  () =>
    refusal(status)

export const empty: Ours = () => ({ status: 204, headers: traced })

/** The image as it was when it was made, with some of its values changed; undefined takes one away. */
export const image =
  (changes: Record<string, unknown>): Ours =>
  (_, __, scenario) => ({ status: 200, headers: jsonHeaders, body: merged(madeIn(scenario), changes) })

/** The recorded reply with other values in its body. */
export const changed =
  (changes: Record<string, unknown>): Ours =>
  recorded => ({ ...recorded, body: merged(recorded.body, changes) })

export function madeIn(scenario: RecordedScenario): unknown {
  return scenario.exchanges.find(({ request, reply }) => request.method === 'POST' && reply.status === 201)
    ?.reply.body
}

export function merged(body: unknown, changes: Record<string, unknown>): object {
  return Object.fromEntries(
    Object.entries({ ...(body as object), ...changes }).filter(([, value]) => value !== undefined),
  )
}

export const faultOfGlance = 'A fault of Glance, answered rightly.'
