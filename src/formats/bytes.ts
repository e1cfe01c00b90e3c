/** Reading numbers and text from headers. Who calls has made sure that the bytes are there. */

/** 16 bits, little-endian. */
export const le16 = (bytes: Uint8Array, at: number): number => bytes[at]! + bytes[at + 1]! * 2 ** 8
/** 32 bits, little-endian. */
export const le32 = (bytes: Uint8Array, at: number): number => le16(bytes, at) + le16(bytes, at + 2) * 2 ** 16
/** 64 bits, little-endian; Infinity when too large to be exact, so that comparisons still hold. */
export const le64 = (bytes: Uint8Array, at: number): number => exact(le32(bytes, at + 4), le32(bytes, at))
/** 16 bits, big-endian. */
export const be16 = (bytes: Uint8Array, at: number): number => bytes[at]! * 2 ** 8 + bytes[at + 1]!
/** 32 bits, big-endian. */
export const be32 = (bytes: Uint8Array, at: number): number => be16(bytes, at) * 2 ** 16 + be16(bytes, at + 2)
/** 64 bits, big-endian; Infinity when too large to be exact. */
export const be64 = (bytes: Uint8Array, at: number): number => exact(be32(bytes, at), be32(bytes, at + 4))

function exact(high: number, low: number): number {
  return high < 2 ** 21 ? high * 2 ** 32 + low : Number.POSITIVE_INFINITY
}

/** Whether `bytes` has the characters of `text` (each one byte) at `at`. */
export function has(bytes: Uint8Array, at: number, text: string): boolean {
  if (bytes.length < at + text.length) return false
  for (let i = 0; i < text.length; i++) if (bytes[at + i] !== text.charCodeAt(i)) return false
  return true
}

/** Whether the bytes from `from` up to `to` are all `value`. */
export function filled(bytes: Uint8Array, from: number, to: number, value: number): boolean {
  for (let at = from; at < to; at++) if (bytes[at] !== value) return false
  return true
}

const latin1 = new TextDecoder('latin1')

/** The bytes as text in lower case, one character for each. */
export const lowerText = (bytes: Uint8Array): string => latin1.decode(bytes).toLowerCase()

/** The bytes before the first NUL; all when there is none. */
export function untilNul(bytes: Uint8Array): Uint8Array {
  const nul = bytes.indexOf(0)
  return nul < 0 ? bytes : bytes.subarray(0, nul)
}
