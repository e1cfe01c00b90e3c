/**
 * Runs one format's reading over chunks. A region is handed on as a view where one chunk holds all of it, else
 * gathered in a buffer of its size; what lies between regions is skipped without being looked at.
 */
import { type Finding, type Format, MAX_REGION, type Want } from './inspector.js'

/** A format at work on one image. */
export interface Runner {
  name: string
  finding: Finding
  /** Nothing more is wanted. */
  done(): boolean
  /** `chunk` begins at byte `start` of the image and follows the one before. */
  eat(chunk: Uint8Array, start: number): void
  /** The image has ended after `size` bytes. */
  end(size: number): void
}

const NOTHING = new Uint8Array(0)

/** Starts a format's reading of one image. */
export function run(format: Format): Runner {
  const finding: Finding = { matched: false, virtual_size: null, faults: [], size: 0 }
  const reading = format.inspect(finding)
  let want: Want | null = null
  // Everything before this byte has been handed out or skipped. A wish is measured against it and not against the
  // chunk, so that where the chunks are cut makes no difference.
  let passed = 0
  // Gathered so far: of the region, or of the end of the image.
  let held: Uint8Array | null = null
  let filled = 0

  const take = (step: IteratorResult<Want, void>): void => {
    want = step.done ? null : step.value
    held = null
    filled = 0
  }
  const answer = (bytes: Uint8Array): void => take(reading.next(bytes))
  take(reading.next())

  function keepLast(count: number, bytes: Uint8Array): void {
    held ??= new Uint8Array(count)
    filled = Math.min(count, filled + bytes.length)
    if (bytes.length < count) {
      held.copyWithin(0, bytes.length)
      held.set(bytes, count - bytes.length)
    } else {
      held.set(bytes.subarray(bytes.length - count))
    }
  }

  return {
    name: format.name,
    finding,
    done: () => want === null,
    eat(chunk, start) {
      const stop = start + chunk.length
      while (want !== null) {
        if ('last' in want) {
          if (want.last > 0) keepLast(want.last, chunk.subarray(Math.max(0, passed - start)))
          passed = stop
          return
        }
        const { offset } = want
        const length = Math.min(want.length, MAX_REGION)
        if (length === 0 || offset < passed) {
          answer(NOTHING)
          continue
        }
        const from = offset + filled - start
        if (from >= chunk.length) return
        const piece = chunk.subarray(from, from + length - filled)
        if (piece.length === length) {
          passed = offset + length
          answer(piece)
          continue
        }
        held ??= new Uint8Array(length)
        held.set(piece, filled)
        filled += piece.length
        if (filled < length) return
        passed = offset + length
        answer(held)
      }
    },
    end(size) {
      finding.size = size
      while (want !== null) {
        if (held === null) answer(NOTHING)
        else if ('last' in want) answer(held.subarray(held.length - filled))
        else answer(held.subarray(0, filled))
      }
    },
  }
}
