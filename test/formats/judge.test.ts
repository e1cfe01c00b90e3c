import t from 'tap'
import { UnsupportedMedia } from '../../src/errors.js'
import { inspect, judge, judgeEarly } from '../../src/formats/index.js'
import * as disks from '../helpers/disks.js'
import { be64, MiB, over, raw, u8 } from '../helpers/disks.js'
import { feedWhole } from './feed.js'

const bare = (disk_format: string, bytes: Uint8Array) => ({
  disk_format,
  container_format: 'bare',
  size: bytes.length,
})

/** What Glance keeps as virtual_size, or null; all of these are accepted. */
const ACCEPTED: [disk_format: string, bytes: Buffer, virtual_size: number | null][] = [
  ['raw', raw(70_000), 70_000],
  ['raw', raw(0), null],
  ['raw', disks.qcow2(), 4 * 65536],
  ['raw', disks.vmdk(), 65536],
  ['raw', disks.mbr(), MiB],
  ['raw', disks.iso(over(0, disks.mbr().subarray(0, 512))), 40960],
  ['raw', disks.luks(), 2 * MiB],
  ['qcow2', disks.qcow2(), MiB],
  ['qcow2', disks.qcow2(be64(24, 0)), null],
  ['vhd', disks.vhd(), MiB],
  ['vhdx', disks.vhdx(), MiB],
  ['vmdk', disks.vmdk(), MiB],
  ['vmdk', disks.vmdkStream(), MiB],
  ['vdi', disks.vdi(), MiB],
  ['iso', disks.iso(), MiB],
  ['iso', disks.iso(over(0, disks.gpt().subarray(0, 512))), MiB],
  ['iso', disks.iso(u8(510, 0x55, 0xaa)), MiB],
  ['gpt', disks.gpt(), MiB],
  ['luks', disks.luks(), MiB],
  ['ami', raw(5000), null],
  ['ari', raw(5000), null],
  ['aki', disks.fat(), null],
  ['ploop', raw(5000, disks.text(0, 'WithoutFreeSpace')), null],
]

t.test('virtual_size follows the declared format', async t => {
  for (const [disk_format, bytes, virtual_size] of ACCEPTED) {
    const facts = feedWhole(bytes)
    t.same(
      judge(facts, bare(disk_format, bytes)),
      { virtual_size },
      `${facts.detected} declared ${disk_format}`,
    )
  }
})

t.test('only bare images are looked at', async t => {
  const facts = feedWhole(disks.qed())
  t.same(judge(facts, { disk_format: 'qcow2', container_format: 'ovf', size: 1 }), { virtual_size: null })
})

t.test('without require_match another format is let through, an unsafe one is not', async t => {
  const lax = { require_match: false }
  const image = disks.qcow2()
  t.same(judge(feedWhole(image), bare('vmdk', image), lax), { virtual_size: null })
  const mixed = disks.vdi(over(446, disks.mbr().subarray(446, 512)))
  t.same(judge(feedWhole(mixed), bare('vdi', mixed), lax), { virtual_size: null })
  const unsafe = disks.qcow2(be64(8, 4096))
  t.throws(() => judge(feedWhole(unsafe), bare('vmdk', unsafe), lax), UnsupportedMedia)
})

t.test('a kernel may carry what looks like an empty partition table', async t => {
  const kernel = raw(MiB, u8(510, 0x55, 0xaa))
  t.throws(() => judge(feedWhole(kernel), bare('aki', kernel)), /disk_format/)
  t.same(judge(feedWhole(kernel), bare('aki', kernel), { require_match: false }), { virtual_size: null })
  t.throws(() => judge(feedWhole(kernel), bare('raw', kernel), { require_match: false }), /mbr/)
})

t.test('the operator may let odd partition tables through, and nothing else', async t => {
  const lax = { gpt_safety_checks_nonfatal: ['mbr', 'backing_file'] }
  const odd = raw(MiB, u8(510, 0x55, 0xaa))
  t.same(judge(feedWhole(odd), bare('gpt', odd), lax), { virtual_size: MiB })
  const unsafe = disks.qcow2(be64(8, 4096))
  t.throws(() => judge(feedWhole(unsafe), bare('qcow2', unsafe), lax), /backing_file/)
})

t.test('what is certain is refused before the rest has come', async t => {
  const inspection = inspect()
  inspection.eat(raw(1024))
  judgeEarly(inspection, { disk_format: 'qcow2', container_format: 'bare' })
  inspection.eat(raw(40_000))
  t.throws(
    () => judgeEarly(inspection, { disk_format: 'qcow2', container_format: 'bare' }),
    /detected is raw/,
  )
  judgeEarly(inspection, { disk_format: 'raw', container_format: 'bare' })
  judgeEarly(inspection, { disk_format: 'qcow2', container_format: 'ovf' })
  judgeEarly(inspection, { disk_format: 'qcow2', container_format: 'bare' }, { require_match: false })
})
