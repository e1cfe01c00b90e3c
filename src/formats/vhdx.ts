/**
 * Hyper-V's disk. A table of regions at 192 KiB names the place of the metadata, whose own table names the place of
 * each item. Layout: [MS-VHDX]. Numbers are little-endian.
 */
import { has, le16, le32, le64 } from './bytes.js'
import { type Format, measure, refuse } from './inspector.js'

const REGION_TABLE = 192 * 1024
const REGION_TABLE_SIZE = 64 * 1024
/** Of entries and table heads: the region table's head is half as long as an entry. */
const ENTRY = 32
const MAX_ENTRIES = 2047
const HAS_PARENT = 0b10

/** GUIDs as they stand in the file: the first three groups are little-endian. */
const METADATA_REGION = guid('8b7ca206-4790-4b9a-b8fe-575f050f886e')
const VIRTUAL_DISK_SIZE = guid('2fa54224-cd1b-4876-b211-5dbed83bf4b8')
const FILE_PARAMETERS = guid('caa16737-fa36-4d43-b3b6-33f0aa44e76b')
const PARENT_LOCATOR = guid('a8d35f2d-b30b-454d-abf7-d3d84834ab0c')

export const vhdx: Format = {
  name: 'vhdx',
  *inspect(finding) {
    if (!has(yield { offset: 0, length: 8 }, 0, 'vhdxfile')) return
    finding.matched = true

    const regions = yield { offset: REGION_TABLE, length: REGION_TABLE_SIZE }
    if (regions.length < REGION_TABLE_SIZE)
      return refuse(finding, 'header', 'the image ends within its header')
    const regionCount = le32(regions, 8)
    if (!has(regions, 0, 'regi') || regionCount > MAX_ENTRIES) {
      return refuse(finding, 'region_table', 'the table of regions cannot be read')
    }
    const region = find(regions, 16, regionCount, METADATA_REGION)
    if (region === null) return refuse(finding, 'region_table', 'the table of regions names no metadata')
    const start = le64(region, 16)

    const head = yield { offset: start, length: ENTRY }
    const itemCount = head.length === ENTRY ? le16(head, 10) : 0
    if (!has(head, 0, 'metadata') || itemCount > MAX_ENTRIES) {
      return refuse(finding, 'metadata', 'the metadata cannot be read')
    }
    const items = yield { offset: start + ENTRY, length: itemCount * ENTRY }
    if (items.length < itemCount * ENTRY)
      return refuse(finding, 'metadata', 'the image ends within its metadata')
    if (find(items, 0, itemCount, PARENT_LOCATOR) !== null) {
      refuse(finding, 'parent', 'the image holds only differences to another file')
    }

    const wanted = [VIRTUAL_DISK_SIZE, FILE_PARAMETERS]
      .map(id => ({ id, entry: find(items, 0, itemCount, id) }))
      .map(({ id, entry }) => ({ id, offset: entry && le32(entry, 16), length: entry && le32(entry, 20) }))
      .sort((one, other) => (one.offset ?? 0) - (other.offset ?? 0))
    for (const { id, offset, length } of wanted) {
      const item = offset === null || length !== 8 ? null : yield { offset: start + offset, length: 8 }
      if (item?.length !== 8) return refuse(finding, 'metadata', 'the metadata lacks a required item')
      if (id === VIRTUAL_DISK_SIZE) measure(finding, le64(item, 0))
      else if ((le32(item, 4) & HAS_PARENT) !== 0 && finding.faults.length === 0) {
        refuse(finding, 'parent', 'the image holds only differences to another file')
      }
    }
  },
}

/** The entry that begins with `id`, of `count` entries from `at` on. */
function find(table: Uint8Array, at: number, count: number, id: string): Uint8Array | null {
  for (let i = 0; i < count; i++, at += ENTRY) if (has(table, at, id)) return table.subarray(at, at + ENTRY)
  return null
}

function guid(text: string): string {
  const [a, b, c, ...rest] = text.split('-').map(group => group.match(/../g)!)
  const order = [...a!.reverse(), ...b!.reverse(), ...c!.reverse(), ...rest.flat()]
  return String.fromCharCode(...order.map(pair => Number.parseInt(pair, 16)))
}
