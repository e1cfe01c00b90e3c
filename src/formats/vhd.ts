/**
 * Virtual PC's disk. Dynamic ones begin with a copy of their footer; fixed ones have it only at their end and are raw
 * to everybody who looks at the beginning, Glance and QEMU included. Numbers are big-endian.
 */
import { be16, be32, be64, has } from './bytes.js'
import { type Format, measure, refuse } from './inspector.js'

const FOOTER = 512
const DIFFERENCING = 4
const SECTOR = 512
/** The largest disk that cylinders, heads and sectors can express: it says nothing about the real size. */
const MAX_GEOMETRY = 65535 * 16 * 255
/** Programs whose disks are as large as their geometry says; with all others the size field counts (as in QEMU). */
const BY_GEOMETRY = ['vpc ', 'vs  ', 'qemu']

export const vhd: Format = {
  name: 'vhd',
  *inspect(finding) {
    const footer = yield { offset: 0, length: FOOTER }
    if (!has(footer, 0, 'conectix')) return
    finding.matched = true
    if (footer.length < FOOTER) return refuse(finding, 'header', 'the image ends within its header')

    if (be32(footer, 60) === DIFFERENCING) {
      refuse(finding, 'parent', 'the image holds only differences to another file')
    }
    const sectors = be16(footer, 56) * footer[58]! * footer[59]!
    const byGeometry = sectors !== MAX_GEOMETRY && BY_GEOMETRY.some(creator => has(footer, 28, creator))
    measure(finding, byGeometry ? sectors * SECTOR : be64(footer, 48))
  },
}
