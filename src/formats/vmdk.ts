/**
 * VMware's disk, in the three shapes in which it can arrive: a sparse file with a descriptor inside (the only one that
 * is allowed), a descriptor alone, which names other files, and the old sparse file of ESX. Layout: VMware's Virtual Disk
 * Format 5.0; what QEMU makes of it counts where the two differ. Numbers are little-endian.
 */
import { filled, has, le32, le64, lowerText, untilNul } from './bytes.js'
import { type Finding, type Format, MAX_REGION, measure, type Reading, refuse } from './inspector.js'
import { wrong } from './vmdk-descriptor.js'
import { text } from './vmdk-text.js'

const SECTOR = 512
/** A descriptor ends here at the latest (as in QEMU). */
const MAX_DESCRIPTOR = 2 ** 20 - 1
/** QEMU looks for a parent in this many bytes, whatever size the header gives. */
const QEMU_LOOKS_AT = 20 * SECTOR
/** At the end of a streamed file: a marker, the footer, an end-of-stream marker. */
const FOOTER = 3 * SECTOR
const FOOTER_MARKER = 3

export const vmdk: Format = {
  name: 'vmdk',
  *inspect(finding) {
    const head = yield { offset: 0, length: SECTOR }
    if (has(head, 0, 'KDMV')) {
      finding.matched = true
      yield* sparse(head, finding)
    } else if (has(head, 0, 'COWD')) {
      // QEMU reads a parent's name from its second sector, so it must not pass for raw bytes.
      finding.matched = true
      refuse(finding, 'descriptor', 'this kind of disk is not supported')
    } else {
      yield* text(head.slice(), finding)
    }
  },
}

/** The fields of a sparse file's header that matter. */
function fields(sector: Uint8Array) {
  return {
    version: le32(sector, 4),
    capacity: le64(sector, 12),
    descriptorOffset: le64(sector, 28) * SECTOR,
    descriptorSize: le64(sector, 36) * SECTOR,
    /** The header is repeated at the end of the file, and that one counts. */
    hasFooter: filled(sector, 56, 64, 0xff),
  }
}

function* sparse(head: Uint8Array, finding: Finding): Reading {
  if (head.length < SECTOR) return refuse(finding, 'header', 'the image ends within its header')
  const header = fields(head)
  if (header.version < 1 || header.version > 3) {
    return refuse(finding, 'header', `version ${header.version} of the format is not supported`)
  }
  measure(finding, header.capacity * SECTOR)
  // QEMU takes a file without capacity for a mere descriptor and opens the files that it names.
  if (header.capacity === 0) refuse(finding, 'header', 'the header gives no capacity')
  if (header.descriptorOffset !== SECTOR) {
    return refuse(finding, 'descriptor', 'the descriptor is not where it belongs')
  }

  const size = Math.min(header.descriptorSize, MAX_DESCRIPTOR)
  const held = yield { offset: SECTOR, length: Math.min(Math.max(size, QEMU_LOOKS_AT), MAX_REGION) }
  const own = untilNul(held.subarray(0, size))
  const reason =
    own.length === MAX_REGION
      ? 'the descriptor is too long'
      : own.some(byte => byte > 0x7f)
        ? 'the descriptor is not plain text'
        : wrong(lowerText(own), lowerText(untilNul(held)))
  if (reason !== null) refuse(finding, 'descriptor', reason)

  const footer = yield { last: header.hasFooter ? FOOTER : 0 }
  if (finding.size < SECTOR + size) refuse(finding, 'descriptor', 'the image ends within its descriptor')
  const unlike = header.hasFooter ? differs(footer, header) : null
  if (unlike !== null) refuse(finding, 'footer', unlike)
}

/** How the end of a streamed file contradicts its header; null when it does not. */
function differs(end: Uint8Array, header: ReturnType<typeof fields>): string | null {
  if (end.length < FOOTER || !has(end, SECTOR, 'KDMV')) return 'the footer is missing'
  const footer = fields(end.subarray(SECTOR, 2 * SECTOR))
  if (footer.version !== header.version) return 'footer and header are of different versions'
  if (
    footer.descriptorOffset !== header.descriptorOffset ||
    footer.descriptorSize !== header.descriptorSize
  ) {
    return 'footer and header name different descriptors'
  }
  if (footer.capacity !== header.capacity) return 'footer and header give different capacities'
  if (footer.hasFooter) return 'the footer names another footer'
  if (le32(end, 8) !== 0 || le32(end, 12) !== FOOTER_MARKER || !filled(end, 16, SECTOR, 0)) {
    return 'the marker before the footer is invalid'
  }
  return filled(end, 2 * SECTOR, FOOTER, 0) ? null : 'the end-of-stream marker is invalid'
}
