/** Images made wrong at random: sound and unsafe ones with bytes changed, cut off, grown, or mixed with one another. */
import * as disks from '../helpers/disks.js'
import { unsafe } from './unsafe.js'

/** Numbers from 0 up to, but without, `below`. */
export type Random = (below: number) => number

/** The same numbers for the same seed (mulberry32). */
export function seeded(seed: number): Random {
  let state = seed >>> 0
  return below => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return Math.floor((((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32) * below)
  }
}

const { qcow2, qed, vhd, vhdx, vmdk, vmdkStream, vdi, iso, mbr, gpt, luks, fat } = disks
const SEEDS: Buffer[] = [qcow2, qed, vhd, vhdx, vmdk, vmdkStream, vdi, iso, mbr, gpt, luks, fat]
  .map(make => make())
  .concat(
    Buffer.from(disks.descriptor()),
    unsafe.map(({ bytes }) => bytes()),
  )
/** Where headers, descriptors and footers begin: changes elsewhere would be lost in data. */
const PLACES = [
  0,
  446,
  512,
  1024,
  32768,
  disks.VHDX.regions,
  disks.VHDX.metadata,
  disks.VHDX.items,
  disks.VMDK_FOOTER - 512,
]
const EDGES = [0, 1, 2, 3, 4, 0x7f, 0x80, 0xee, 0xfe, 0xff]
const WORDS = [
  'QFI\xfb',
  'KDMV',
  'COWD',
  'conectix',
  'vhdxfile',
  'LUKS\xba\xbe',
  'CD001',
  'createType="',
  'version=1\n',
  '\0',
]

/** One image. */
export function mutated(random: Random): Buffer {
  const pick = <T>(list: T[]): T => list[random(list.length)]!
  let image = Buffer.from(pick(SEEDS))
  const place = () => Math.min(pick(PLACES) + random(128), Math.max(0, image.length - 1))
  for (let changes = random(6); changes >= 0; changes--) {
    switch (random(9)) {
      case 0:
        image = image.subarray(0, random(2) ? random(image.length + 1) : Math.min(random(1024), image.length))
        break
      case 1:
        image = Buffer.concat([image, Buffer.alloc(random(4096), pick(EDGES))])
        break
      case 2: {
        const other = pick(SEEDS)
        const at = pick(PLACES)
        image.set(
          other.subarray(at, at + 512).subarray(0, Math.max(0, image.length - at)),
          Math.min(at, image.length),
        )
        break
      }
      case 3:
        image.write(pick(WORDS), place(), 'latin1')
        break
      case 4:
        image.fill(pick(EDGES), place(), Math.min(image.length, place() + 16))
        break
      default:
        if (image.length > 0) image[place()] = random(2) ? pick(EDGES) : random(256)
    }
  }
  return image
}
