/** Whatever the bytes: no failure but the refusal, the same answer however they are cut, and little memory. */
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import t from 'tap'
import { UnsupportedMedia } from '../../src/errors.js'
import { type Inspection, inspect, judge, judgeEarly } from '../../src/formats/index.js'
import * as disks from '../helpers/disks.js'
import { le32, le64 } from '../helpers/disks.js'
import { feed, feedWhole } from './feed.js'
import { mutated, seeded } from './mutate.js'

t.setTimeout(120_000)

const SEED = Number(process.env.FUZZ_SEED ?? 20)
const IMAGES = Number(process.env.FUZZ_IMAGES ?? 1500)
const DECLARED = ['raw', 'qcow2', 'vhd', 'vhdx', 'vmdk', 'vdi', 'iso', 'gpt', 'luks', 'ami', 'ploop']

t.test(`images made wrong at random, seed ${SEED}`, async t => {
  const random = seeded(SEED)
  const seen = new Map<string, number>()
  for (let n = 0; n < IMAGES; n++) {
    const image = mutated(random)
    const whole = feedWhole(image)
    const least = image.length > 100_000 ? 500 : image.length > 10_000 ? 30 : 1
    const sizes = Array.from({ length: 1 + random(5) }, () => least + random([3, 600, 70_000][random(3)]!))
    const cut = feed(image, ...sizes)
    // The comparison is costly in tap when done a thousand times: only what differs is shown.
    if (JSON.stringify(cut) !== JSON.stringify(whole)) t.same(cut, whole, `image ${n} in chunks of ${sizes}`)

    if (whole.virtual_size !== null && !(Number.isSafeInteger(whole.virtual_size) && whole.virtual_size >= 0))
      t.fail(`image ${n} has a virtual size of ${whole.virtual_size}`)
    for (const disk_format of DECLARED) {
      const declared = { disk_format, container_format: 'bare', size: image.length }
      try {
        judge(whole, declared, { require_match: random(2) === 0 })
      } catch (error) {
        if (!(error instanceof UnsupportedMedia)) throw error
      }
    }
    const outcome = `${whole.detected} ${whole.faults.map(({ check }) => check)}`
    seen.set(outcome, (seen.get(outcome) ?? 0) + 1)
  }
  t.ok(seen.size > 40, `${seen.size} different outcomes`)
})

t.test('what is refused early would have been refused at the end', async t => {
  const random = seeded(SEED + 1)
  let early = 0
  for (let n = 0; n < IMAGES / 3; n++) {
    const image = mutated(random)
    const declared = {
      disk_format: DECLARED[random(DECLARED.length)]!,
      container_format: 'bare',
      size: image.length,
    }
    const inspection = inspect()
    let refused = false
    for (let at = 0; at < image.length; at += 20_000) {
      inspection.eat(image.subarray(at, at + 20_000))
      try {
        if (!refused) judgeEarly(inspection, declared)
      } catch {
        refused = true
        early++
      }
    }
    if (!refused) continue
    try {
      judge(inspection.finish(), declared)
      t.fail(`image ${n} declared ${declared.disk_format} was refused too early`)
    } catch (error) {
      if (!(error instanceof UnsupportedMedia)) throw error
    }
  }
  t.ok(early > IMAGES / 10, `${early} refused early`)
})

t.test('noise is raw', async t => {
  const random = seeded(SEED + 2)
  for (let n = 0; n < 30; n++) {
    const noise = Buffer.from(Array.from({ length: 40_000 }, () => random(256)))
    t.same(feedWhole(noise).detected, ['raw'])
  }
})

setFlagsFromString('--expose-gc')
const collect: () => void = runInNewContext('gc')

/** Bytes in use, on the heap and in buffers. */
function inUse(): number {
  collect()
  collect()
  const { heapUsed, arrayBuffers } = process.memoryUsage()
  return heapUsed + arrayBuffers
}

t.test('an inspection holds less than 128 KiB, whatever the bytes', async t => {
  const GREEDY: [name: string, image: Buffer][] = [
    ['a descriptor that never ends', disks.vmdk('#'.repeat(60_000), le64(36, 2 ** 40))],
    ['a text that never ends', Buffer.alloc(disks.MiB, '# text\n')],
    ['a descriptor alone that never ends', Buffer.alloc(disks.MiB, 'createType="vmfs"\n')],
    ['vhdx with all regions', disks.vhdx(le32(disks.VHDX.regions + 8, 2047))],
    ['vhdx with all items', disks.vhdx(le32(disks.VHDX.metadata + 8, 0xffffffff))],
    ['vhdx that ends in its regions', disks.vhdx().subarray(0, 258 * 1024)],
    ['a streamed vmdk', disks.vmdkStream()],
    ['zeros', Buffer.alloc(disks.MiB)],
  ]
  const COUNT = 50
  for (const [name, image] of GREEDY) {
    const before = inUse()
    const running: Inspection[] = []
    for (let n = 0; n < COUNT; n++) {
      const inspection = inspect()
      // Just before its end, when most of it is held; in pieces, so that nothing is a view of the whole.
      for (let at = 0; at < image.length - 5000; at += 5000)
        inspection.eat(Buffer.from(image.subarray(at, at + 5000)))
      running.push(inspection)
    }
    const each = (inUse() - before) / COUNT
    t.ok(each < 128 * 1024, `${name}: ${Math.round(each / 1024)} KiB`)
    t.ok(running.every(inspection => inspection.finish().detected.length > 0))
  }
})
