/**
 * A disk with a partition table, GPT or MBR: both have an MBR in their first sector. The virtual size is that of the
 * bytes. A FAT boot sector has the same signature and is no partition table. Layout: UEFI specification 5.2.
 */
import { be32, has, le32 } from './bytes.js'
import { type Format, measure, refuse } from './inspector.js'

const SECTOR = 512
const TABLE = 446
const ENTRY = 16
const PROTECTIVE = 0xee

export const gpt: Format = {
  name: 'gpt',
  *inspect(finding) {
    const sector = yield { offset: 0, length: SECTOR }
    if (sector.length < SECTOR || !has(sector, 510, '\x55\xaa') || isFat(sector)) return
    finding.matched = true
    const reason = wrong(sector)
    if (reason !== null) refuse(finding, 'mbr', reason)
    yield { last: 0 }
    measure(finding, finding.size)
  },
}

/** Two copies of the allocation table on a fixed disk: what every FAT of our days says of itself. */
function isFat(sector: Uint8Array): boolean {
  return sector[0x10] === 2 && sector[0x15] === 0xf8
}

/** What is wrong with the partition table; null when nothing is. */
function wrong(sector: Uint8Array): string | null {
  const types: number[] = []
  for (let i = 0; i < 4; i++) {
    const at = TABLE + i * ENTRY
    const boot = sector[at]
    const type = sector[at + 4]!
    if (boot !== 0 && boot !== 0x80) return `partition ${i + 1} has an invalid boot flag`
    // Head 0, sector 2, cylinder 0, and the block after this one: where a GPT begins.
    if (type === PROTECTIVE && (be32(sector, at) & 0xffffff) !== 0x000200) {
      return 'the protective partition has an invalid start address'
    }
    if (type === PROTECTIVE && le32(sector, at + 8) !== 1) {
      return 'the protective partition has an invalid start block'
    }
    types.push(type)
  }
  const used = types.filter(type => type !== 0)
  if (used.length === 0) return 'the partition table defines no partition'
  if (used.includes(PROTECTIVE) && (used.length > 1 || types[0] !== PROTECTIVE)) {
    return 'the protective partition is not the first and only one'
  }
  return null
}
