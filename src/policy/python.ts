/**
 * How Python's str() and repr() write a value: oslo.policy compares such texts, so `'True:%(protected)s'` and
 * `None:%(owner)s` mean what operators know them to mean.
 */

/** str(value). A Date is written as the API shows it: seconds, in UTC. */
export function str(value: unknown): string {
  if (typeof value === 'string') return value
  if (value === null || value === undefined) return 'None'
  if (value === true) return 'True'
  if (value === false) return 'False'
  if (value instanceof Date) return value.toISOString().replace(/\.\d+Z$/, 'Z')
  if (Array.isArray(value)) return `[${value.map(repr).join(', ')}]`
  if (typeof value === 'object')
    return `{${Object.entries(value)
      .map(([key, item]) => `${repr(key)}: ${repr(item)}`)
      .join(', ')}}`
  return String(value)
}

function repr(value: unknown): string {
  if (typeof value !== 'string') return str(value)
  const quote = value.includes("'") && !value.includes('"') ? '"' : "'"
  const inner = value
    .replaceAll('\\', '\\\\')
    .replaceAll('\n', '\\n')
    .replaceAll('\r', '\\r')
    .replaceAll('\t', '\\t')
  return quote + (quote === "'" ? inner.replaceAll("'", "\\'") : inner) + quote
}
