import { createHash } from 'node:crypto'

/**
 * A namespace as a server shows it, in one text that is the same whenever the namespaces are: times masked, and what
 * has no order sorted.
 */
export function canonical(namespace: unknown): string {
  return JSON.stringify(sorted(namespace))
}

export const digest = (namespace: unknown) => createHash('sha256').update(canonical(namespace)).digest('hex')

function sorted(value: unknown, key = ''): unknown {
  if (key === 'created_at' || key === 'updated_at') return '<time>'
  if (Array.isArray(value)) {
    const items = value.map(item => sorted(item))
    if (!['objects', 'resource_type_associations', 'tags', 'namespaces'].includes(key)) return items
    return items.sort((a, b) => (JSON.stringify(a) < JSON.stringify(b) ? -1 : 1))
  }
  if (typeof value !== 'object' || value === null) return value
  const entries = Object.entries(value).map(([name, item]) => [name, sorted(item, name)] as const)
  return Object.fromEntries(entries.sort(([a], [b]) => (a < b ? -1 : 1)))
}
