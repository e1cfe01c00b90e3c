import type { Actor } from './actors.js'

/**
 * The shapes of the contract suite. A scenario is a story of requests; recorded with its replies it is a list of
 * exchanges, which is what a fixture file holds.
 *
 * Texts of a request may hold placeholders, filled in for each run:
 * `<run>` (a word no other scenario uses), `<web>` (the web server of web.ts), `<uuid:N>` (an id of this run; a greater
 * N sorts later), `<UUID:N>` (the same in capitals), `<project:NAME>`, `<user:NAME>`, `<token:NAME>`, `<x*300>` (x three hundred times), and every
 * variable that an earlier step saved. The same placeholders stand in recorded replies for the values.
 */

/**
 * Bytes that need little room in a fixture: `size` bytes counting 0…250 over and over, exact ones in base64, or a
 * disk of disks.json.
 */
export type Payload = { size: number } | { base64: string } | { disk: string }

export interface Step {
  /** Names the exchange in reports and in the table of differences; made from actor, method and path if left out. */
  name?: string
  actor: Actor
  method: string
  path: string
  /** Lower-case names. `accept` is application/json unless given; null leaves a header out. */
  headers?: Record<string, string | null>
  /** At most one of json, text and bytes. */
  json?: unknown
  text?: string
  bytes?: Payload
  /** Send the body in chunks, without Content-Length; with no body: an empty chunked one. */
  chunked?: boolean
  /** Variable → key of the reply's JSON object, `tasks.0.id` for one further in. A key that is not there saves nothing. */
  save?: Record<string, string>
  /**
   * Ask again until the reply's attribute (as in `save`; `tasks.*.status` for each of a list) has one of these values,
   * null for one that is not there (at most 30 s); the last reply counts.
   */
  until?: { key: string; is: readonly unknown[] }
}

export interface Scenario {
  name: string
  steps: readonly Step[]
  /** Only with Keystone: service tokens and the like mean nothing to a users file. */
  needs?: 'keystone'
}

export interface Area {
  name: string
  scenarios: readonly Scenario[]
  /** Recorded and replayed where the http store `web` is, and where images may be fetched from 127.0.0.1. */
  web?: true
}

/** A reply as it is compared: what varies by run, host or wording is replaced by placeholders. */
export interface Reply {
  status: number
  /** Only the headers that the contract speaks of, lower-case names. */
  headers: Record<string, string>
  /** JSON as it is; `<text>` for prose; size and digest for image data; absent when empty. */
  body?: unknown
}

export interface Exchange {
  request: Step & { name: string }
  reply: Reply
}

export interface RecordedScenario {
  name: string
  needs?: 'keystone'
  exchanges: Exchange[]
}
