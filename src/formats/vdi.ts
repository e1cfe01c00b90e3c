/** VirtualBox's disk. Numbers are little-endian. */
import { le32, le64 } from './bytes.js'
import { type Format, measure } from './inspector.js'

const HEADER = 512
const SIGNATURE = 0xbeda107f
const SECTOR = 512

export const vdi: Format = {
  name: 'vdi',
  *inspect(finding) {
    const header = yield { offset: 0, length: HEADER }
    if (header.length < HEADER || le32(header, 0x40) !== SIGNATURE) return
    finding.matched = true
    measure(finding, Math.ceil(le64(header, 0x170) / SECTOR) * SECTOR)
  },
}
