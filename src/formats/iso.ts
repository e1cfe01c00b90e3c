/**
 * ISO 9660 and UDF: the first volume descriptor stands at 32 KiB. What comes before may be anything, a partition table
 * for instance. Layout: ECMA-119 section 8; numbers are stored in both byte orders, the little-endian one first.
 */
import { has, le16, le32 } from './bytes.js'
import { type Format, measure } from './inspector.js'

const DESCRIPTOR = { offset: 32 * 1024, length: 2048 }
const SIGNATURES = ['CD001', 'NSR02', 'NSR03']
const PRIMARY = 1

export const iso: Format = {
  name: 'iso',
  *inspect(finding) {
    const descriptor = yield DESCRIPTOR
    if (descriptor.length < DESCRIPTOR.length) return
    if (!SIGNATURES.some(signature => has(descriptor, 1, signature))) return
    finding.matched = true
    if (descriptor[0] === PRIMARY) measure(finding, le32(descriptor, 80) * le16(descriptor, 128))
  },
}
