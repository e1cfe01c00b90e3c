import type { Reply } from './exchange.js'

/** Says in words where `actual` is not `expected`; empty when they agree. */
export function compare(expected: Reply, actual: Reply): string[] {
  const faults: string[] = []
  if (expected.status !== actual.status)
    faults.push(`status: ${expected.status} expected, ${actual.status} came`)
  // A header or body of another status tells nothing.
  if (faults.length > 0) return faults
  for (const name of new Set([...Object.keys(expected.headers), ...Object.keys(actual.headers)])) {
    differ(`header ${name}`, expected.headers[name], actual.headers[name], faults)
  }
  differ('body', expected.body, actual.body, faults)
  return faults
}

function differ(where: string, expected: unknown, actual: unknown, faults: string[]): void {
  if (isObject(expected) && isObject(actual)) {
    for (const key of new Set([...Object.keys(expected), ...Object.keys(actual)])) {
      differ(`${where}.${key}`, own(expected, key), own(actual, key), faults)
    }
    return
  }
  if (Array.isArray(expected) && Array.isArray(actual) && expected.length === actual.length) {
    expected.forEach((item, index) => {
      differ(`${where}[${index}]`, item, actual[index], faults)
    })
    return
  }
  if (expected === '<any>' && actual !== undefined) return
  if (expected === '<optional>') return
  if (JSON.stringify(expected) !== JSON.stringify(actual)) {
    faults.push(`${where}: ${brief(expected)} expected, ${brief(actual)} came`)
  }
}

/** Properties may be called __proto__. */
function own(object: Record<string, unknown>, key: string): unknown {
  return Object.hasOwn(object, key) ? object[key] : undefined
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function brief(value: unknown): string {
  const text = JSON.stringify(value) ?? 'nothing'
  return text.length > 200 ? `${text.slice(0, 200)}…` : text
}
