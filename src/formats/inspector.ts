/**
 * What an inspection is, for those who use one and for those who write one for a format.
 *
 * A format is a generator: it yields the bytes it wants to see next and is handed them, so that it reads like a
 * parser of a file although the bytes come as a stream of chunks that may be cut anywhere. It cannot look back:
 * a wish for bytes that have passed is answered with none.
 */

/** A safety check that failed. */
export interface Fault {
  format: string
  /** Name of the check, as oslo.utils calls it where it has the same one. */
  check: string
  /** One sentence for the owner of the image. */
  message: string
}

/** What the bytes of an image are. */
export interface Facts {
  /** Every format that matched, such as `['qcow2']`; `['raw']` when none did. */
  detected: string[]
  /** The one that counts (iso + gpt counts as iso, a hybrid image); null when more than one matched. */
  format: string | null
  /** Bytes of the virtual disk of `format`; null when unknown. */
  virtual_size: number | null
  /** Failed safety checks of all detected formats. */
  faults: Fault[]
}

/** One running inspection of an image's bytes. Holds less than 128 KiB, whatever the bytes are. */
export interface Inspection {
  /** Feeds the next bytes in order. The memory of `chunk` may be reused afterwards. */
  eat(chunk: Uint8Array): void
  /**
   * The formats that matched, as soon as no later byte can change them (`['raw']` for none); null until then.
   * Usually known after 34 KiB.
   */
  detected(): string[] | null
  /** A safety check that has already failed, so that an upload need not be read to its end; null while all is well. */
  fault(): Fault | null
  /** After the last byte: what the bytes are. */
  finish(): Facts
}

/** What a format knows so far of the bytes; it fills this in as it reads. */
export interface Finding {
  /** The bytes are of this format. Once true it stays true. */
  matched: boolean
  /** Bytes of the virtual disk; null while unknown. */
  virtual_size: number | null
  /** Its failed safety checks. */
  faults: { check: string; message: string }[]
  /** Bytes of the whole image; known after `{ last }` was answered. */
  size: number
}

/** Bytes a format asks for: a region of at most `MAX_REGION` bytes, or the last ones of the image. */
export type Want = { offset: number; length: number } | { last: number }

/** Largest region that a format may ask for: it is what one inspection may have to hold. */
export const MAX_REGION = 64 * 1024

/**
 * How a format reads an image. Each answer is shorter than asked for when the image ends before, or empty when the
 * bytes have passed; it is valid until the next wish. Must not throw, whatever the bytes are.
 */
export type Reading = Generator<Want, void, Uint8Array>

/** One disk format that is recognised. */
export interface Format {
  /** Glance's disk_format. */
  name: string
  inspect(finding: Finding): Reading
}

/** Notes a failed check. */
export function refuse(finding: Finding, check: string, message: string): void {
  finding.faults.push({ check, message })
}

/**
 * Notes the size of the virtual disk. One that JSON cannot carry exactly (8 PiB and more) is no disk but a lie meant
 * to break somebody's arithmetic.
 */
export function measure(finding: Finding, bytes: number): void {
  if (Number.isSafeInteger(bytes)) finding.virtual_size = bytes
  else refuse(finding, 'virtual_size', 'the header claims a virtual size beyond any disk')
}
