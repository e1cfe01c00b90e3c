import { BadRange } from '../errors.js'
import type { Window } from './store.js'

/** First byte and number of bytes of a window of an object, or of the whole. Throws BadRange when it sticks out. */
export function extent(size: number, window?: Window): { start: number; length: number } {
  if (!window) return { start: 0, length: size }
  const { start, end } = window
  if (!(start >= 0 && start <= end && end < size)) {
    throw new BadRange(`Bytes ${start} to ${end} are not within an object of ${size} bytes`)
  }
  return { start, length: end - start + 1 }
}
