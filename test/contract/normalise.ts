import { createHash } from 'node:crypto'
import type { WireReply } from './client.js'
import type { Reply } from './exchange.js'
import type { Variables } from './variables.js'

/** Headers that clients rely on; compared by value unless `present` says that only their presence counts. */
const compared = [
  'accept-patch',
  'allow',
  'content-md5',
  'content-range',
  'content-type',
  'location',
  'openstack-image-import-methods',
  'openstack-image-store-ids',
  'www-authenticate',
  'x-openstack-request-id',
] as const

/** Turns a reply of the wire into what is recorded and compared. */
export function normalise(wire: WireReply, variables: Variables): Reply {
  const headers = contractHeaders(wire, variables)
  const body = bodyOf(wire, variables)
  return body === undefined ? { status: wire.status, headers } : { status: wire.status, headers, body }
}

function contractHeaders(wire: WireReply, variables: Variables): Record<string, string> {
  const headers: Record<string, string> = {}
  for (const name of compared) {
    const value = wire.headers[name]
    if (value === undefined) continue
    // Frameworks put a type on empty replies; nobody reads it.
    if (name === 'content-type' && wire.body.length === 0 && wire.status !== 200) continue
    if (name === 'www-authenticate') headers[name] = '<present>'
    else if (name === 'content-type') headers[name] = value.toLowerCase()
    else if (name === 'openstack-image-store-ids') headers[name] = storesOf(value)
    else headers[name] = text(value, variables)
  }
  if (isData(wire)) {
    // Glance leaves it out while it fills its cache, so that a client sees it at the second download at the earliest.
    const left = variables.target.isGlance && wire.status === 200 ? String(wire.body.length) : undefined
    const length = wire.headers['content-length'] ?? left
    if (length !== undefined) headers['content-length'] = length
  }
  return headers
}

/** Their order is free, and Glance shows its reserved stores now and then, as its threads meet. */
function storesOf(value: string): string {
  return value
    .split(',')
    .filter(name => !name.startsWith('os_glance_'))
    .sort()
    .join(',')
}

function isData(wire: WireReply): boolean {
  return (wire.headers['content-type'] ?? '').startsWith('application/octet-stream')
}

function bodyOf(wire: WireReply, variables: Variables): unknown {
  const type = wire.headers['content-type'] ?? ''
  if (wire.cut) return '<cut off>'
  if (isData(wire)) {
    return { size: wire.body.length, sha256: createHash('sha256').update(wire.body).digest('hex') }
  }
  if (wire.body.length === 0) return undefined
  if (!type.startsWith('application/json')) {
    return wire.status >= 400 || wire.body.length > 200 ? '<text>' : text(wire.body.toString(), variables)
  }
  let parsed: unknown
  try {
    parsed = JSON.parse(wire.body.toString())
  } catch {
    return '<not JSON>'
  }
  return json(parsed, variables, wire.status >= 400 ? 'error' : undefined)
}

/** Sorts what has no order, masks what varies. `key` is the name under which the value was found. */
function json(value: unknown, variables: Variables, key?: string): unknown {
  if (typeof value === 'string') {
    if (key === 'description' || (key === 'message' && value !== '')) return '<text>'
    if (key === 'url' || key === 'direct_url') return value.replace(/^(\w+):\/\/.*/, '$1://<place>')
    if (key === 'first' || key === 'next') return link(value, variables)
    return text(value, variables, key)
  }
  if (Array.isArray(value)) {
    // Resource types are the whole site's and stay for ever: of them only this scenario's are looked at.
    const own = key === 'resource_types' ? value.filter(item => item?.name === variables.run) : value
    // The tasks of an image come in no order; only they are told to be deleted or not.
    const ofImage = key === 'tasks' && own.some(item => item?.deleted !== undefined)
    if (ofImage) own.sort((a, b) => (a.created_at < b.created_at ? -1 : 1))
    const items = own.map(item => json(item, variables))
    return key === 'tags' || key === 'members' || key === 'objects'
      ? items.sort((a, b) => (order(a) < order(b) ? -1 : 1))
      : items
  }
  if (typeof value !== 'object' || value === null) return value
  const entries = Object.entries(value).map(([name, item]): [string, unknown] => {
    // The cache is the whole server's: what else is in it is nobody's business here.
    if ((name === 'cached_images' || name === 'queued_images') && Array.isArray(item)) return [name, '<list>']
    if (key === 'error' && name === 'message') return [name, typeof item === 'string' ? '<text>' : item]
    return [text(name, variables), json(item, variables, name)]
  })
  return Object.fromEntries(entries.sort(([a], [b]) => (a < b ? -1 : 1)))
}

function order(value: unknown): string {
  return typeof value === 'string' ? value : JSON.stringify(value)
}

/** A link's parameters mean the same in any order and spelling. */
function link(value: string, variables: Variables): string {
  const [path = '', query] = value.split('?')
  if (query === undefined) return text(path, variables)
  const pairs = [...new URLSearchParams(query)].map(
    ([name, item]) => `${name}=${text(item, variables, name)}`,
  )
  return `${text(path, variables)}?${pairs.sort().join('&')}`
}

const uuid = /[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}/gi
const time = /\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)?/g

function text(value: string, variables: Variables, key?: string): string {
  const { target } = variables
  const known = key === 'user_id' ? idsOf(target.users, 'user') : idsOf(target.projects, 'project')
  const exact = known.find(([id]) => id === value)
  if (exact && key !== undefined) return exact[1]
  let shown = value.replaceAll(target.base, '<base>')
  for (const [id, placeholder] of variables.shown) shown = shown.replaceAll(id, placeholder)
  for (const [id, placeholder] of [...known, ...idsOf(target.users, 'user')]) {
    if (id.length >= 32) shown = shown.replaceAll(id, placeholder)
  }
  return shown
    .replace(uuid, '<uuid>')
    .replace(
      time,
      (_, fraction, zone) =>
        `<time${fraction ? ' with fraction' : ''}${zone === 'Z' ? '' : (zone ?? ' without Z')}>`,
    )
    .replace(/(.)\1{59,}/gu, (run, char: string) => `<${char}*${[...run].length}>`)
}

function idsOf(table: Record<string, string>, kind: string): [string, string][] {
  return Object.entries(table).map(([name, id]) => [id, `<${kind}:${name}>`])
}
