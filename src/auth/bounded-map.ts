/** A map that forgets: entries end at their time, and the least recently used make room when it is full. */
export interface BoundedMap<V> {
  /** The value while it lasts. */
  get(key: string): V | undefined
  /** @param expires milliseconds since the epoch */
  set(key: string, value: V, expires: number): void
  delete(key: string): void
  readonly size: number
}

/**
 * @param limit how many entries it holds at most
 * @param now milliseconds since the epoch; tests move it
 */
export function boundedMap<V>(limit: number, now: () => number = Date.now): BoundedMap<V> {
  const entries = new Map<string, { value: V; expires: number }>()
  return {
    get(key) {
      const entry = entries.get(key)
      if (entry === undefined) return undefined
      entries.delete(key)
      if (entry.expires <= now()) return undefined
      entries.set(key, entry)
      return entry.value
    },
    set(key, value, expires) {
      entries.delete(key)
      if (expires <= now()) return
      entries.set(key, { value, expires })
      if (entries.size > limit) entries.delete(entries.keys().next().value!)
    },
    delete(key) {
      entries.delete(key)
    },
    get size() {
      return entries.size
    },
  }
}
