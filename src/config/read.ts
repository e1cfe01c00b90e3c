import type { TSchema } from '@sinclair/typebox'
import ipaddr from 'ipaddr.js'
import { didYouMean } from './suggest.js'
import { parseDuration, parseSize } from './units.js'

/** What is wrong with a value: the end of a sentence that begins with the setting's name. Never holds a secret. */
export class BadValue extends Error {}

/** How a setting's value is written; `text` when its schema says nothing. */
type Kind =
  | 'text'
  | 'url'
  | 'postgres'
  | 'list'
  | 'cidrs'
  | 'stores'
  | 'flag'
  | 'integer'
  | 'bytes'
  | 'duration'

const kindOf = (schema: TSchema): Kind => schema['x-kind'] ?? 'text'

/** Whether a setting may hold a secret: then it can come from a file, and it is masked when it is shown. */
export const isSecret = (schema: TSchema): boolean => Boolean(schema['x-secret'] || schema['x-secret-urls'])

/** Whether a setting may be left unset. */
const isNullable = (schema: TSchema): boolean =>
  (schema.anyOf as TSchema[] | undefined)?.some(option => option.type === 'null') ?? false

/**
 * Reads one value, text from the environment or what YAML made of it, as its setting's schema wants it. Gives
 * undefined for an empty value of a setting that has to have one: its default counts. Throws BadValue.
 */
export function readValue(schema: TSchema, given: unknown): unknown {
  const kind = kindOf(schema)
  const isList = kind === 'list' || kind === 'cidrs' || kind === 'stores'
  if (given === null || given === '') return isList ? [] : isNullable(schema) ? null : undefined
  if (typeof given === 'object' && !(isList && Array.isArray(given)))
    throw new BadValue(`has to be ${isList ? 'a list' : 'a single value'}`)
  const value = readers[kind](given, schema)
  checkBounds(schema, value)
  return value
}

const readers: Record<Kind, (given: unknown, schema: TSchema) => unknown> = {
  text: given => String(given),
  url: given => readUrl(String(given)),
  postgres: given => readPostgres(String(given)),
  list: readList,
  stores: readList,
  cidrs: given => readList(given).map(readCidr),
  flag(given) {
    const text = String(given).toLowerCase()
    if (['true', 'yes', 'on', '1'].includes(text)) return true
    if (['false', 'no', 'off', '0'].includes(text)) return false
    throw new BadValue('has to be true or false')
  },
  integer(given) {
    const text = String(given).trim()
    // Kubernetes gives every pod the addresses of its services, and a service called vitrine takes our names.
    if (text.startsWith('tcp://'))
      throw new BadValue(
        'is what Kubernetes sets for a service called vitrine: set enableServiceLinks: false',
      )
    if (!/^-?\d+$/.test(text)) throw new BadValue(`has to be a whole number, not ${quote(given)}`)
    return Number(text)
  },
  bytes(given) {
    const bytes = parseSize(String(given))
    if (bytes === undefined) throw new BadValue(`has to be a size such as 1TiB or 500MB, not ${quote(given)}`)
    return bytes
  },
  duration(given) {
    const seconds = parseDuration(given === false ? 'off' : String(given))
    if (seconds === undefined)
      throw new BadValue(`has to be a number with s, m, h or d, or off, not ${quote(given)}`)
    return seconds
  },
}

/** Commas in the environment; in YAML also a list. */
function readList(given: unknown): string[] {
  const items = Array.isArray(given) ? given : String(given).split(',')
  if (items.some(item => item === null || typeof item === 'object'))
    throw new BadValue('has to be a list of single values')
  return items.map(item => String(item).trim()).filter(Boolean)
}

function readUrl(text: string): string {
  const url = URL.canParse(text) ? new URL(text) : undefined
  if (!url || !/^https?:$/.test(url.protocol))
    throw new BadValue('has to be a URL that begins with http:// or https://')
  if (url.search || url.hash) throw new BadValue('has to be a URL without ? and #')
  if (url.username || url.password) throw new BadValue('has to be a URL without a name or password in it')
  return text.trim().replace(/\/+$/, '')
}

function readPostgres(text: string): string {
  // An empty host (postgres:///name?host=/run/postgresql) is pg's way to say a unix socket; URL wants one.
  const url = text.replace(/^(\w+:\/\/(?:[^/?#@]*@)?)\//, '$1socket/')
  if (!/^postgres(ql)?:\/\//.test(text) || !URL.canParse(url))
    throw new BadValue(
      'has to be a URL such as postgres://user:password@host:5432/vitrine, parts percent-encoded',
    )
  return text.trim()
}

function readCidr(text: string): string {
  if (ipaddr.isValidCIDR(text)) return text
  // isValid also takes 127.1 and 0x7f.1: spellings that hide which address is meant.
  if (ipaddr.IPv4.isValidFourPartDecimal(text)) return `${text}/32`
  if (ipaddr.IPv6.isValid(text)) return `${text}/128`
  throw new BadValue(`has to be a list of addresses or CIDRs such as 10.0.0.0/8, which ${quote(text)} is not`)
}

/** Throws BadValue for a choice that is not offered, or a number out of bounds. */
function checkBounds(schema: TSchema, value: unknown): void {
  const choices = (schema.anyOf as TSchema[] | undefined)?.flatMap(option => option.const ?? []) ?? []
  if (choices.length > 0 && !choices.includes(value))
    throw new BadValue(`has to be one of ${choices.join(', ')}${didYouMean(String(value), choices)}`)
  const { minimum: least = Number.NEGATIVE_INFINITY, maximum: most = Number.MAX_SAFE_INTEGER } = schema
  if (typeof value !== 'number' || (value >= least && value <= most)) return
  const range = value < least ? `${least} or more` : `${most} or less`
  throw new BadValue(`has to be ${range}, not ${value}`)
}

const quote = (value: unknown) => JSON.stringify(String(value).slice(0, 60))
