/** QEMU's enhanced disk: obsolete, recognised so that it can be refused. Numbers are little-endian. */
import { has, le64 } from './bytes.js'
import { type Format, measure, refuse } from './inspector.js'

export const qed: Format = {
  name: 'qed',
  *inspect(finding) {
    const header = yield { offset: 0, length: 64 }
    if (!has(header, 0, 'QED\0')) return
    finding.matched = true
    refuse(finding, 'banned', 'this format is not allowed')
    if (header.length === 64) measure(finding, le64(header, 48))
  },
}
