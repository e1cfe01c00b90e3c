import { BadRequest } from '../../errors.js'
import { type Direction, limitOf, type SortKey } from '../../http/pages.js'

/** The query parameters of metadata definition lists, which are simpler than those of images: one key, one order. */

/** Of a repeated parameter, the value that counts where Glance filters by it; of limit, marker and order the first does. */
export const last = (query: URLSearchParams, name: string) => query.getAll(name).at(-1)

/** sort_key (default created_at) in the direction sort_dir (default desc); ties follow it. Throws BadRequest. */
export function orderOf(query: URLSearchParams, keys: readonly string[]): SortKey[] {
  const direction = directionOf(query)
  const key = query.get('sort_key') ?? 'created_at'
  if (!keys.includes(key)) throw new BadRequest(`sort_key must be one of ${keys.join(', ')}.`)
  const all = ['created_at', 'id'].includes(key) ? ['created_at', 'id'] : [key, 'created_at', 'id']
  return all.map(one => ({ key: one, direction }))
}

export function directionOf(query: URLSearchParams): Direction {
  const direction = query.get('sort_dir') ?? 'desc'
  if (direction !== 'asc' && direction !== 'desc') throw new BadRequest('sort_dir must be asc or desc.')
  return direction
}

/** Refuses a visibility that is none of the given ones; an empty one passes, as with Glance. */
export function visibilityOf(query: URLSearchParams, allowed: readonly string[]): string | undefined {
  const visibility = last(query, 'visibility')
  if (visibility && !allowed.includes(visibility)) {
    throw new BadRequest(`visibility must be ${allowed.slice(0, -1).join(', ')} or ${allowed.at(-1)}.`)
  }
  return visibility
}

/** The number of rows of a page of namespaces; of repeated limits the first counts, unlike those of images. */
export function pageLimit(query: URLSearchParams): number {
  const first = query.get('limit')
  return limitOf(new URLSearchParams(first === null ? {} : { limit: first }))
}

/** A limit of rows without a default; undefined when there is none. Throws BadRequest. */
export function plainLimit(text: string | null, smallest: 0 | 1): number | undefined {
  if (text === null) return undefined
  const limit = Number(text)
  if (!/^\s*[+-]?\d+\s*$/.test(text) || limit < smallest) {
    throw new BadRequest(`limit must be an integer of ${smallest} or more.`)
  }
  return limit
}
