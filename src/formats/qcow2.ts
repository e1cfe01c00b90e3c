/**
 * QEMU's copy-on-write image, versions 2 and 3 (and 1, which is only recognised).
 * Layout: QEMU's docs/interop/qcow2.txt. All numbers are big-endian.
 */
import { be32, be64, has } from './bytes.js'
import { type Format, measure, refuse } from './inspector.js'

const HEADER = 512
/** Bits of incompatible_features that are understood: dirty, corrupt, external data file, compression type. */
const KNOWN_FEATURES = 0b1111
const DATA_FILE = 0b100

export const qcow2: Format = {
  name: 'qcow2',
  *inspect(finding) {
    const header = yield { offset: 0, length: HEADER }
    if (!has(header, 0, 'QFI\xfb')) return
    finding.matched = true
    // qemu opens a header of some 100 bytes with nothing behind it, backing file included, so a short one must not
    // pass for raw bytes.
    if (header.length < HEADER) return refuse(finding, 'header', 'the image ends within its header')

    const version = be32(header, 4)
    if (be64(header, 8) !== 0) refuse(finding, 'backing_file', 'the image names a backing file')
    if ((header[79]! & DATA_FILE) !== 0) {
      refuse(finding, 'data_file', 'the image keeps its data in another file')
    }
    if (version !== 2 && version !== 3) {
      refuse(finding, 'unknown_features', `version ${version} of the format is not supported`)
    } else if (version === 3 && (be32(header, 72) !== 0 || (be32(header, 76) & ~KNOWN_FEATURES) !== 0)) {
      refuse(finding, 'unknown_features', 'the image needs features that are not supported')
    }
    measure(finding, be64(header, 24))
  },
}
