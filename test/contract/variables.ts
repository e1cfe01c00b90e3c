import { randomBytes } from 'node:crypto'
import type { Target } from './target.js'

/** The values behind the placeholders of one run of one scenario. */
export interface Variables {
  target: Target
  run: string
  /** The part of this run's ids after their number. */
  uuidTail: string
  saved: Map<string, string>
  /** value → placeholder, for replies */
  shown: Map<string, string>
}

export function newVariables(target: Target): Variables {
  const run = `r${randomBytes(5).toString('hex')}`
  const hex = randomBytes(12).toString('hex')
  const uuidTail = `${hex.slice(0, 4)}-4${hex.slice(4, 7)}-8${hex.slice(7, 10)}-${hex.slice(10, 22)}`
  const shown = new Map([[run, '<run>']])
  if (target.web) shown.set(target.web, '<web>')
  return { target, run, uuidTail, saved: new Map(), shown }
}

export class MissingVariable extends Error {}

/** Fills the placeholders of a text. */
export function expand(text: string, variables: Variables): string {
  return text
    .replace(/<(.)\*(\d+)>/gu, (_, char: string, times: string) => char.repeat(Number(times)))
    .replace(/<([a-zA-Z][\w:-]*)>/g, (_, name: string) => lookUp(name, variables))
}

/** Fills the placeholders of every text in a JSON value, keys too. */
export function expandAll(value: unknown, variables: Variables): unknown {
  if (typeof value === 'string') return expand(value, variables)
  if (Array.isArray(value)) return value.map(item => expandAll(item, variables))
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(
    Object.entries(value).map(([key, item]) => [expand(key, variables), expandAll(item, variables)]),
  )
}

/** Keeps a value under a name; what the name stood for before is forgotten in replies. */
export function save(variables: Variables, name: string, value: string): void {
  const before = variables.saved.get(name)
  if (before !== undefined && variables.shown.get(before) === `<${name}>`) variables.shown.delete(before)
  variables.saved.set(name, value)
  // Two times may be the same second in one run and not in the next, so they are only ever shown as times.
  const telling = value.length >= 16 && Number.isNaN(Date.parse(value))
  if (telling && !variables.shown.has(value)) variables.shown.set(value, `<${name}>`)
}

function lookUp(name: string, variables: Variables): string {
  const { target } = variables
  const [kind, rest = ''] = name.split(':')
  if (name === 'run') return variables.run
  if (name === 'web' && target.web) return target.web
  if (kind === 'uuid' || kind === 'UUID') {
    const id = `${Number(rest).toString(16).padStart(8, '0')}-${variables.uuidTail}`
    const value = kind === 'UUID' ? id.toUpperCase() : id
    if (!variables.shown.has(value)) variables.shown.set(value, `<${name}>`)
    return value
  }
  const table: Record<string, Record<string, string | undefined>> = {
    project: target.projects,
    user: target.users,
    token: target.tokens,
  }
  const value = table[kind as string]?.[rest] ?? variables.saved.get(name)
  if (value === undefined) throw new MissingVariable(`nothing is known as <${name}>`)
  return value
}
