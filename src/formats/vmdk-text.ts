/**
 * A VMDK descriptor that comes alone: text up to the first NUL that says what kind of disk it makes of other files. There
 * is no harmless one.
 */
import { lowerText } from './bytes.js'
import { type Finding, MAX_REGION, measure, type Reading, refuse } from './inspector.js'
import { CREATE_TYPE, extentBytes } from './vmdk-descriptor.js'

/** What oslo.utils takes for the beginning of a text. */
const SECTOR = 512
/** Where QEMU looks for the first line that is no comment. */
const PROBE = 2048
const PIECE = 4096
/** QEMU reads a descriptor no further. */
const MAX_LENGTH = 2 ** 20 - 1

/**
 * Reads on after the first sector, `head`. The bytes have to begin as text, which is what oslo.utils looks at, or as
 * QEMU's probe wants it, which takes any bytes in comments and needs no more than a few characters.
 */
export function* text(head: Uint8Array, finding: Finding): Reading {
  const isText = head.every(isPrintable)
  if (head.length === 0 || (!isText && !mayBegin(head[0]!))) return
  let known = lowerText(head)
  known += lowerText(yield { offset: SECTOR, length: PROBE - SECTOR })
  if (!isText && !/^(?:#[^\n]*\n|[ \r]*\n)*version=/.test(known)) return

  // A word may lie across two pieces: the end of the last one is looked at again.
  let window = known
  let at = PROBE
  let ended = known.length < PROBE
  while (true) {
    const nul = window.indexOf('\0')
    if (nul >= 0) window = window.slice(0, nul)
    if (!finding.matched && window.includes(CREATE_TYPE)) {
      finding.matched = true
      refuse(finding, 'descriptor', 'it is a descriptor that names other files')
    }
    // Extents are summed up only in descriptors of an ordinary length, so that a long text is not kept.
    if (nul >= 0 || ended || at >= (finding.matched ? MAX_REGION : MAX_LENGTH)) break
    const piece = yield { offset: at, length: PIECE }
    const more = lowerText(piece)
    ended = piece.length < PIECE
    at += PIECE
    window = window.slice(1 - CREATE_TYPE.length) + more
    if (known.length < MAX_REGION) known += more
  }
  if (!finding.matched || at >= MAX_REGION) return
  const bytes = extentBytes(known.split('\0', 1)[0]!)
  if (bytes !== null) measure(finding, bytes)
}

/** A comment, a blank line or `version`. */
const mayBegin = (byte: number): boolean => '# \r\nvV'.includes(String.fromCharCode(byte))

/** Printable ASCII and white space. */
const isPrintable = (byte: number): boolean =>
  (byte >= 0x20 && byte < 0x7f) || (byte >= 0x09 && byte <= 0x0d) || (byte >= 0x1c && byte <= 0x1f)
