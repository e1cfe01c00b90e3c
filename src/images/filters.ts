import { type Expression, type ExpressionBuilder, type SqlBool, sql } from 'kysely'
import type { DB } from '../db/schema.js'
import { BadRequest } from '../errors.js'
import { countsAsHidden, type Scope } from './visibility.js'

/** Query string → conditions, by Glance's rules: an unknown name is a property that must have that value. */

type Builder = ExpressionBuilder<DB & { i: DB['images'] }, 'i'>
type Condition = (eb: Builder) => Expression<SqlBool>

const notFilters = new Set([
  'limit',
  'marker',
  'sort',
  'sort_key',
  'sort_dir',
  'member_status',
  'visibility',
  'deleted',
  'tag',
  'os_hidden',
  // Glance ignores it too; `tag` is the filter
  'tags',
])

/** Filters of one list: as many as an image can have properties; each costs the database planning time. */
const MAX_FILTERS = 128
const withOperators = new Set(['name', 'id', 'status', 'container_format', 'disk_format'])
const numbers = new Set(['size', 'virtual_size', 'min_disk', 'min_ram'])
const texts = new Set(['checksum', 'os_hash_algo', 'os_hash_value', 'owner'])

export interface Filters extends Scope {
  conditions: Condition[]
}

/**
 * Reads all filters of a list. Throws BadRequest for what Glance refuses.
 *
 * @param readable whether the caller may read the property of that name: an image is not found by one that its finder
 *   may not read, as guessing would tell its value
 * @param withHidden whether hidden images count where nothing is said of them
 */
export function filtersOf(
  query: URLSearchParams,
  readable: (name: string) => boolean,
  { withHidden = false }: { withHidden?: boolean } = {},
): Filters {
  const visibility = query.getAll('visibility').at(-1)
  if (visibility && !['community', 'public', 'private', 'shared', 'all'].includes(visibility)) {
    throw new BadRequest('visibility must be one of public, private, shared, community, all.')
  }
  const member_status = (query.getAll('member_status').at(-1) ?? 'accepted') as Scope['member_status']
  if (!['pending', 'accepted', 'rejected', 'all'].includes(member_status)) {
    throw new BadRequest('member_status must be one of pending, accepted, rejected, all.')
  }
  if (query.has('changes-since')) {
    throw new BadRequest('changes-since is not supported; use updated_at=gte:….')
  }
  const conditions: Condition[] =
    withHidden && !query.has('os_hidden') ? [] : [hidden(query.getAll('os_hidden').at(-1))]
  for (const tag of new Set(query.getAll('tag'))) conditions.push(hasTag(tag))
  for (const name of new Set(query.keys())) {
    if (notFilters.has(name)) continue
    conditions.push(condition(name, query.getAll(name).at(-1) ?? '', readable))
  }
  if (conditions.length > MAX_FILTERS) {
    throw new BadRequest(`A list may have at most ${MAX_FILTERS} filters.`)
  }
  return { visibility, member_status, conditions }
}

const noNul = (text: string) => {
  if (text.includes('\0')) throw new BadRequest('A filter may not contain U+0000.')
}

function condition(name: string, value: string, readable: (name: string) => boolean): Condition {
  noNul(name)
  noNul(value)
  if (withOperators.has(name)) return equalOrIn(name as 'name', value)
  if (name === 'created_at' || name === 'updated_at') return compareTime(name, value)
  if (name === 'protected') {
    if (value !== 'true' && value !== 'false') throw new BadRequest('protected must be true or false.')
    return eb => eb('i.protected', '=', value === 'true')
  }
  if (numbers.has(name)) return compareNumber(name, '=', value)
  if (name.endsWith('_min') || name.endsWith('_max')) return range(name, value)
  if (texts.has(name)) return eb => eb(`i.${name as 'owner'}`, '=', value)
  if (Object.hasOwn(ofVersions, name)) return ofVersions[name]!(value)
  return readable(name) ? hasProperty(name, value) : () => sql<SqlBool>`false`
}

/** The facts about versions, which are shown as properties; they are compared as they are shown. */
const ofVersions: Readonly<Record<string, (value: string) => Condition>> = {
  os_glance_lineage: value => eb => eb('i.lineage', '=', value),
  os_glance_version: value => eb =>
    /^[1-9]\d{0,8}$/.test(value) ? eb('i.version', '=', Number(value)) : sql<SqlBool>`false`,
  os_glance_production: value => eb =>
    value === 'true' || value === 'false'
      ? eb.and([eb('i.lineage', 'is not', null), eb('i.production', '=', value === 'true')])
      : sql<SqlBool>`false`,
}

/** `value`, `eq:value` or `in:a,"b,c"`. */
function equalOrIn(column: 'name' | 'id', expression: string): Condition {
  const [operator, value] = split(expression)
  if (operator === 'eq') return eb => eb(`i.${column}`, '=', value)
  if (operator !== 'in')
    throw new BadRequest(`${column} cannot be filtered by the operator ${operator.slice(0, 50)}.`)
  const values = quotedList(value)
  return eb => (values.length > 0 ? eb(`i.${column}`, 'in', values) : sql<SqlBool>`false`)
}

const comparisons = { gt: '>', gte: '>=', lt: '<', lte: '<=', eq: '=', neq: '<>' } as const

/** `[operator:]time`; what is compared has the precision of the time that was given, as images show whole seconds. */
function compareTime(column: 'created_at' | 'updated_at', expression: string): Condition {
  const [operator, value] = isTime(expression) ? ['eq', expression] : split(expression)
  if (!Object.hasOwn(comparisons, operator)) {
    throw new BadRequest(`${column} cannot be filtered by the operator ${operator.slice(0, 50)}.`)
  }
  const date = isTime(value)
  if (!date) throw new BadRequest(`${column} needs a time in ISO 8601, such as 2026-01-31T12:00:00Z.`)
  const comparison = comparisons[operator as keyof typeof comparisons]
  const shown = sql<Date>`date_trunc('second', i.${sql.raw(column)})`
  return eb => eb(date.getMilliseconds() === 0 ? shown : sql<Date>`i.${sql.raw(column)}`, comparison, date)
}

const iso =
  /^(\d{4})(?:-?(\d{1,2})(?:-?(\d{1,2})(?:[ T](\d{1,2})(?::?(\d{2})(?::?(\d{2})(?:[.,](\d+))?)?)?(Z|[+-]\d{2}(?::?\d{2})?)?)?)?)?$/

/** A time in ISO 8601, UTC when it names no zone; undefined when the text is none. */
function isTime(text: string): Date | undefined {
  const match = iso.exec(text.trim())
  if (!match) return undefined
  const [, year, month = '1', day = '1', hour = '0', minute = '0', second = '0', fraction = '0', zone = 'Z'] =
    match
  const date = new Date(
    Date.UTC(+(year ?? 0), +month - 1, +day, +hour, +minute, +second, Number(`0.${fraction}`) * 1000),
  )
  if (
    date.getUTCFullYear() !== Number(year) ||
    date.getUTCMonth() !== +month - 1 ||
    date.getUTCDate() !== +day ||
    +hour > 23 ||
    +minute > 59 ||
    +second > 59
  ) {
    return undefined
  }
  if (zone === 'Z') return date
  const [, sign, hours = '0', minutes = '0'] = /^([+-])(\d{2}):?(\d{2})?$/.exec(zone) ?? []
  return new Date(date.getTime() - (sign === '-' ? -1 : 1) * (+hours * 60 + +(minutes ?? 0)) * 60_000)
}

function split(expression: string): [operator: string, value: string] {
  const at = expression.indexOf(':')
  return at < 0 ? ['eq', expression] : [expression.slice(0, at), expression.slice(at + 1)]
}

/** A comma list in which quotes keep commas together; Glance refuses unbalanced and misplaced quotes. */
function quotedList(text: string): string[] {
  if (!/^(?:"[^"]*"|[^",]*)(?:,(?:"[^"]*"|[^",]*))*$/.test(text)) {
    throw new BadRequest('Quotes in a list must be balanced and stand next to a comma.')
  }
  const items = text.match(/"[^"]*"|[^",]+/g) ?? []
  return items.map(item => item.replaceAll('"', '')).filter(item => item !== '')
}

/** Compares as numeric, so that a number too large for the column is just another number. */
function compareNumber(column: string, comparison: '=' | '>=' | '<=', value: string): Condition {
  const number = value.trim()
  if (!/^[+-]?\d{1,100}$/.test(number)) throw new BadRequest(`${column} must be an integer.`)
  return eb => eb(`i.${column as 'size'}`, comparison, sql<number>`${number}::numeric`)
}

/** `size_min`, `size_max` and the like on any number of an image. */
function range(name: string, value: string): Condition {
  const column = name.slice(0, -4)
  if (!numbers.has(column)) {
    throw new BadRequest(`${column.slice(0, 100)} is no number that a range can be given for.`)
  }
  return compareNumber(column, name.endsWith('_min') ? '>=' : '<=', value)
}

/** Absent: only those that do not count as hidden; `true`: only those that do. Clients send `True` too. */
function hidden(value: string | undefined): Condition {
  const text = value?.toLowerCase() ?? 'false'
  if (text !== 'true' && text !== 'false') throw new BadRequest('os_hidden must be true or false.')
  return eb => countsAsHidden(eb, text === 'true')
}

function hasTag(tag: string): Condition {
  noNul(tag)
  return eb =>
    eb.exists(
      eb
        .selectFrom('image_tags as t')
        .select(sql`1`.as('one'))
        .whereRef('t.image_id', '=', 'i.id')
        .where('t.value', '=', tag),
    )
}

function hasProperty(name: string, value: string): Condition {
  return eb =>
    eb.exists(
      eb
        .selectFrom('image_properties as p')
        .select(sql`1`.as('one'))
        .whereRef('p.image_id', '=', 'i.id')
        .where('p.name', '=', name)
        .where(sql<SqlBool>`left(p.value, 100) = left(${value}, 100)`)
        .where('p.value', '=', value),
    )
}
