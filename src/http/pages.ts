import { type Expression, type ExpressionBuilder, type SqlBool, sql } from 'kysely'
import { BadRequest } from '../errors.js'

/** Rows of a page when the client names no limit, and at most: Glance's limit_param_default and api_limit_max. */
export const DEFAULT_LIMIT = 25
export const MAX_LIMIT = 1000

/** The number of rows asked for; more than the most is silently the most. Throws BadRequest. */
export function limitOf(query: URLSearchParams): number {
  const text = query.get('limit')
  if (text === null) return DEFAULT_LIMIT
  if (!/^\s*[+-]?\d+\s*$/.test(text)) throw new BadRequest('limit must be an integer.')
  const limit = Number(text)
  if (limit < 0) throw new BadRequest('limit must not be negative.')
  return Math.min(limit, MAX_LIMIT)
}

export type Direction = 'asc' | 'desc'

/** One key of an order; a null sorts after everything, as PostgreSQL does by default. */
export interface SortKey {
  key: string
  direction: Direction
}

/**
 * The order asked for: `sort=key:dir,…` or repeated sort_key and sort_dir, Glance's rules. `created_at` and `id` break
 * ties, in the one direction that was given, else descending. Throws BadRequest.
 */
export function sortOf(query: URLSearchParams, keys: readonly string[]): SortKey[] {
  const asked: SortKey[] = []
  let rest: Direction = 'desc'
  const names = query.getAll('sort_key')
  const directions = query.getAll('sort_dir')
  const sort = query.getAll('sort').at(-1)
  if (sort !== undefined) {
    if (names.length > 0 || directions.length > 0) {
      throw new BadRequest('sort cannot be combined with sort_key and sort_dir.')
    }
    for (const part of sort.trim().split(',')) {
      const [key = '', direction = ''] = part.split(/:(.*)/s)
      asked.push({ key: keyOf(key, keys), direction: directionOf(direction || 'desc') })
    }
    if (asked.length === 1) rest = asked[0]?.direction ?? 'desc'
  } else {
    const checked = names.map(name => keyOf(name, keys))
    const given = directions.map(directionOf)
    if (given.length > 1 && given.length !== checked.length) {
      throw new BadRequest('There must be one sort_dir, or as many as there are sort_keys.')
    }
    if (given.length === 1) rest = given[0] ?? 'desc'
    if (checked.length === 0) checked.push('created_at')
    for (const [n, key] of checked.entries()) asked.push({ key, direction: given[n] ?? given[0] ?? 'desc' })
  }
  for (const key of ['created_at', 'id']) asked.push({ key, direction: rest })
  // a key that comes again orders nothing any more, nor does anything behind the id
  const order = asked.filter(({ key }, n) => asked.findIndex(one => one.key === key) === n)
  return order.slice(0, order.findIndex(({ key }) => key === 'id') + 1)
}

function keyOf(text: string, keys: readonly string[]): string {
  const key = text.trim()
  if (!keys.includes(key)) throw new BadRequest(`The sort key must be one of ${keys.join(', ')}.`)
  return key
}

function directionOf(text: string): Direction {
  const direction = text.trim()
  if (direction !== 'asc' && direction !== 'desc')
    throw new BadRequest('The sort direction must be asc or desc.')
  return direction
}

/** The condition that a row comes after the marker's row in that order. `ref` names the column of a key. */
export function after(
  // biome-ignore lint/suspicious/noExplicitAny: any table's builder will do
  eb: ExpressionBuilder<any, any>,
  order: readonly SortKey[],
  marker: Record<string, unknown>,
  table: string,
): Expression<SqlBool> {
  const column = (key: string) => sql.ref(`${table}.${key}`)
  const same = order.every(one => one.direction === order[0]?.direction)
  if (
    same &&
    order.every(one => marker[one.key] !== null && ['created_at', 'updated_at', 'id'].includes(one.key))
  ) {
    // columns that are never null: one comparison of rows, which an index serves
    const left = sql.join(order.map(one => column(one.key)))
    const right = sql.join(order.map(one => sql`${marker[one.key]}`))
    return order[0]?.direction === 'asc'
      ? sql<SqlBool>`(${left}) > (${right})`
      : sql<SqlBool>`(${left}) < (${right})`
  }
  const ways = order.map((one, n) => {
    const ties = order
      .slice(0, n)
      .map(tie => sql<SqlBool>`${column(tie.key)} is not distinct from ${marker[tie.key]}`)
    const value = marker[one.key]
    const beyond =
      one.direction === 'asc'
        ? value === null
          ? sql<SqlBool>`false`
          : sql<SqlBool>`(${column(one.key)} > ${value} or ${column(one.key)} is null)`
        : value === null
          ? sql<SqlBool>`${column(one.key)} is not null`
          : sql<SqlBool>`${column(one.key)} < ${value}`
    return eb.and([...ties, beyond])
  })
  return eb.or(ways)
}

/**
 * The links of a page: `first` with the request's parameters, `next` with the last row's marker when the page was
 * full (as Glance, also when nothing follows). Both are host-less, as clients join them to the endpoint.
 */
export function pageLinks(
  path: string,
  query: URLSearchParams,
  next: string | null,
): { first: string; next?: string } {
  const first = new URLSearchParams(query)
  first.delete('marker')
  const link = (parameters: URLSearchParams) => (parameters.size > 0 ? `${path}?${parameters}` : path)
  if (next === null) return { first: link(first) }
  const following = new URLSearchParams(first)
  following.set('marker', next)
  return { first: link(first), next: link(following) }
}
