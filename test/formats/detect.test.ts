import t from 'tap'
import { inspect } from '../../src/formats/index.js'
import * as disks from '../helpers/disks.js'
import { be16, be32, be64, le32, le64, MiB, over, raw, text, u8 } from '../helpers/disks.js'
import { feed, feedWhole } from './feed.js'

const SECTOR_OF_PARTITIONS = disks.mbr().subarray(0, 512)

/** Sound images: what they are, and the size of their disk. */
const SOUND: [name: string, bytes: Buffer, detected: string[], virtual_size: number | null][] = [
  ['qcow2 version 3', disks.qcow2(), ['qcow2'], MiB],
  ['qcow2 version 2', disks.qcow2(be32(4, 2), be64(24, 5 * MiB)), ['qcow2'], 5 * MiB],
  ['qcow2 that is dirty, corrupt and zstd', disks.qcow2(be64(72, 11)), ['qcow2'], MiB],
  ['qcow2 of 8 PiB', disks.qcow2(be64(24, 2 ** 53 - 512)), ['qcow2'], 2 ** 53 - 512],
  ['dynamic vhd', disks.vhd(), ['vhd'], MiB],
  ['vhd that was resized', disks.vhd(be64(48, 3 * MiB)), ['vhd'], 3 * MiB],
  ['vhd that goes by its geometry', disks.vhd(text(28, 'vpc ')), ['vhd'], 30 * 4 * 17 * 512],
  [
    'vhd with a geometry beyond counting',
    disks.vhd(text(28, 'vpc '), be16(56, 65535), u8(58, 16, 255), be64(48, 2 ** 40)),
    ['vhd'],
    2 ** 40,
  ],
  ['fixed vhd', disks.vhdFixed(), ['raw'], MiB + 512],
  ['vhdx', disks.vhdx(), ['vhdx'], MiB],
  [
    'vhdx with its items in the other order',
    disks.vhdx(
      le32(disks.VHDX.metadata + 48, 65544),
      le32(disks.VHDX.metadata + 80, 65536),
      le64(disks.VHDX.items, 7 * MiB),
      le64(disks.VHDX.items + 8, 0),
    ),
    ['vhdx'],
    7 * MiB,
  ],
  ['vmdk', disks.vmdk(), ['vmdk'], MiB],
  ['vmdk with Windows line ends', disks.vmdk(disks.descriptor().replaceAll('\n', '\r\n')), ['vmdk'], MiB],
  ['streamed vmdk', disks.vmdkStream(), ['vmdk'], MiB],
  ['vdi', disks.vdi(), ['vdi'], MiB],
  ['vdi of an odd size', disks.vdi(le64(0x170, MiB + 1)), ['vdi'], MiB + 512],
  ['iso', disks.iso(), ['iso'], MiB],
  ['udf', disks.iso(u8(32768, 0), text(32769, 'NSR03')), ['iso'], null],
  ['hybrid iso', disks.iso(over(0, SECTOR_OF_PARTITIONS)), ['iso', 'gpt'], MiB],
  ['MBR', disks.mbr(), ['gpt'], MiB],
  ['GPT', disks.gpt(), ['gpt'], MiB],
  ['luks', disks.luks(), ['luks'], MiB],
  ['FAT file system', disks.fat(), ['raw'], MiB],
  ['zeros', raw(MiB), ['raw'], MiB],
  ['nothing', raw(0), ['raw'], 0],
  ['one byte', raw(1), ['raw'], 1],
  ['a text', Buffer.from('#!/bin/sh\necho hello\n'.repeat(100)), ['raw'], 2100],
  ['a long text', Buffer.from('# nothing to see\n'.repeat(200_000)), ['raw'], 3_400_000],
  ['a text about descriptors', Buffer.from('version=1 of createType:\n'.repeat(100)), ['raw'], 2500],
]

t.test('sound images are recognised and measured', async t => {
  for (const [name, bytes, detected, virtual_size] of SOUND) {
    const facts = feedWhole(bytes)
    t.same(facts.detected, detected, `${name}: formats`)
    t.equal(facts.virtual_size, virtual_size, `${name}: virtual size`)
    t.same(facts.faults, [], `${name}: nothing against it`)
  }
})

t.test('a hybrid iso counts as an iso, other pairs as nothing', async t => {
  t.equal(feedWhole(disks.iso(over(0, SECTOR_OF_PARTITIONS))).format, 'iso')
  const both = feedWhole(disks.vdi(over(446, SECTOR_OF_PARTITIONS.subarray(446))))
  t.same(both.detected, ['vdi', 'gpt'])
  t.equal(both.format, null)
  t.equal(both.virtual_size, null)
})

t.test('where chunks are cut makes no difference', async t => {
  for (const [name, bytes] of SOUND) {
    const whole = feedWhole(bytes)
    const short = bytes.length < 400_000
    for (const sizes of short ? [[1], [3], [511], [65536], [100, 7, 512]] : [[511], [65536], [1, 70_000]])
      t.same(feed(bytes, ...sizes), whole, `${name} in chunks of ${sizes}`)
  }
})

t.test('a fault is told as soon as its bytes have passed', async t => {
  const inspection = inspect()
  const image = disks.qcow2(be64(8, 4096))
  inspection.eat(image.subarray(0, 511))
  t.equal(inspection.fault(), null)
  inspection.eat(image.subarray(511, 512))
  t.match(inspection.fault(), { format: 'qcow2', check: 'backing_file' })
})

t.test('formats are known after 34 KiB', async t => {
  const inspection = inspect()
  inspection.eat(raw(34 * 1024 - 1))
  t.equal(inspection.detected(), null)
  inspection.eat(raw(1))
  t.same(inspection.detected(), ['raw'])
})

t.test('a bad partition table is no fault of an iso', async t => {
  const inspection = inspect()
  const image = disks.iso(u8(510, 0x55, 0xaa))
  inspection.eat(image.subarray(0, 32768))
  t.equal(inspection.fault(), null, 'not before it is known to be none')
  inspection.eat(image.subarray(32768))
  t.same(inspection.detected(), ['iso', 'gpt'])
  t.equal(inspection.fault(), null)

  const bare = inspect()
  bare.eat(raw(MiB, u8(510, 0x55, 0xaa)))
  t.match(bare.fault(), { format: 'gpt', check: 'mbr' })
})
