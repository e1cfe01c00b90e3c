import { Unavailable } from '../errors.js'

/** Runs work a few at a time; what exceeds the queue is refused (Unavailable) instead of piling up. */
export type Gate = <T>(work: () => Promise<T>) => Promise<T>

/**
 * @param atOnce how many run at the same time
 * @param waiting how many may wait for their turn
 * @param refusal the sentence for the rest
 */
export function openGate(atOnce: number, waiting: number, refusal: string): Gate {
  let running = 0
  const queue: (() => void)[] = []
  return async work => {
    if (running >= atOnce) {
      if (queue.length >= waiting) throw new Unavailable(refusal, { headers: { 'Retry-After': '1' } })
      // Who finishes hands its place on, so `running` stays as it is.
      await new Promise<void>(resolve => queue.push(resolve))
    } else running++
    try {
      return await work()
    } finally {
      const next = queue.shift()
      if (next) next()
      else running--
    }
  }
}

/** Runs work once for all who ask for the same key while it runs. */
export function singleFlight<T>(): (key: string, work: () => Promise<T>) => Promise<T> {
  const flights = new Map<string, Promise<T>>()
  return (key, work) => {
    const under = flights.get(key)
    if (under !== undefined) return under
    const flight = work().finally(() => flights.delete(key))
    flights.set(key, flight)
    return flight
  }
}
