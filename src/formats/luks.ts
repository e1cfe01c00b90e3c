/**
 * An encrypted disk. Version 1 has a header and after it nothing but payload; version 2 is not supported. Layout: LUKS
 * On-Disk Format 1.2. Numbers are big-endian.
 */
import { be16, be32, has } from './bytes.js'
import { type Format, measure, refuse } from './inspector.js'

const HEADER = 592
const SECTOR = 512

export const luks: Format = {
  name: 'luks',
  *inspect(finding) {
    const header = yield { offset: 0, length: HEADER }
    if (!has(header, 0, 'LUKS\xba\xbe')) return
    finding.matched = true
    if (header.length < HEADER) return refuse(finding, 'header', 'the image ends within its header')
    const version = be16(header, 6)
    if (version !== 1) return refuse(finding, 'version', `version ${version} of the format is not supported`)

    const payload = be32(header, 104) * SECTOR
    yield { last: 0 }
    if (payload > finding.size) refuse(finding, 'payload_offset', 'the image ends before its payload begins')
    else measure(finding, finding.size - payload)
  },
}
