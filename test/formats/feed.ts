import { type Facts, inspect } from '../../src/formats/index.js'

/** Inspects bytes that come in chunks of the given sizes, the last of which is repeated. Reuses the chunks' memory. */
export function feed(bytes: Uint8Array, ...sizes: number[]): Facts {
  const inspection = inspect()
  const memory = new Uint8Array(Math.max(...sizes))
  for (let at = 0, n = 0; at < bytes.length; n++) {
    const size = Math.min(sizes[Math.min(n, sizes.length - 1)]!, bytes.length - at)
    memory.set(bytes.subarray(at, at + size))
    inspection.eat(memory.subarray(0, size))
    memory.fill(0xa5)
    at += size
  }
  return inspection.finish()
}

/** Inspects bytes that come at once. */
export function feedWhole(bytes: Uint8Array): Facts {
  const inspection = inspect()
  inspection.eat(bytes)
  return inspection.finish()
}
