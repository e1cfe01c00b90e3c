import { BadRange, BadRequest } from '../errors.js'

/** Bytes start up to and including end, counted from 0. */
export interface ByteWindow {
  start: number
  end: number
}

/**
 * Which bytes a download asks for, by Glance's rules: one range of bytes, open-ended or a suffix too; what cannot be
 * read is 416 and several ranges are 400, where RFC 9110 would let both be ignored. A Content-Range header in the
 * request is an older way to ask for the same. Undefined: all of them.
 */
export function windowOf(
  headers: { range?: string | undefined; 'content-range'?: string | undefined },
  size: number,
): ByteWindow | undefined {
  if (headers.range !== undefined) return fromRange(headers.range, size)
  if (headers['content-range'] !== undefined) return fromContentRange(headers['content-range'], size)
  return undefined
}

function unsatisfiable(size: number): BadRange {
  const headers = { 'content-range': `bytes */${size}` }
  return new BadRange(`The range does not lie within the ${size} bytes of the image.`, { headers })
}

/** As Glance, this reads what begins like a range and does not mind what follows. */
function fromRange(text: string, size: number): ByteWindow {
  if (text.includes(',')) throw new BadRequest('Only one range can be asked for at a time.')
  const match = /^\s*bytes\s*=\s*(\d*)\s*-\s*(\d*)/i.exec(text)
  const [, first = '', last = ''] = match ?? []
  if (!match || (first === '' && last === '')) throw unsatisfiable(size)
  if (first === '') {
    const count = Math.min(Number(last), size)
    if (count === 0) throw unsatisfiable(size)
    return { start: size - count, end: size - 1 }
  }
  const start = Number(first)
  const end = last === '' ? size - 1 : Number(last)
  if (start >= size || end < start) throw unsatisfiable(size)
  return { start, end: Math.min(end, size - 1) }
}

function fromContentRange(text: string, size: number): ByteWindow {
  const match = /^\s*bytes\s+(\d+)\s*-\s*(\d+)\s*\/\s*(\d+|\*)\s*$/i.exec(text)
  if (!match) throw unsatisfiable(size)
  const [start, end] = [Number(match[1]), Number(match[2])]
  if (start >= size || end < start || end >= size) throw unsatisfiable(size)
  return { start, end }
}
