/**
 * What inspection costs: GB/s of eat() on one core, for images fed in chunks of 1 MiB and of 64 KiB, and the time an
 * inspection takes at all. Run: `node dist/bench/formats.js`.
 */
import { inspect } from '../src/formats/index.js'
import * as disks from '../test/helpers/disks.js'

const LENGTH = 64 * 1024 ** 3
const IMAGES = {
  'raw, zeros': Buffer.alloc(disks.MiB),
  'raw, text': Buffer.alloc(disks.MiB, 'a line of text\n'),
  qcow2: disks.qcow2(),
  'vmdk, streamed': disks.vmdkStream(),
  'GPT disk': disks.gpt(),
  luks: disks.luks(),
}

/** Nanoseconds for an image that begins with `head` and goes on with zeros. */
function time(head: Buffer, chunkSize: number, length: number): number {
  const first = Buffer.alloc(chunkSize)
  head.copy(first)
  const rest = Buffer.alloc(chunkSize)
  const start = process.hrtime.bigint()
  const inspection = inspect()
  inspection.eat(first)
  for (let at = chunkSize; at < length; at += chunkSize) inspection.eat(rest)
  inspection.finish()
  return Number(process.hrtime.bigint() - start)
}

for (const [name, head] of Object.entries(IMAGES)) {
  const row = [disks.MiB, 64 * 1024].map(chunkSize => {
    time(head, chunkSize, LENGTH / 64)
    const taken = time(head, chunkSize, LENGTH)
    return `${(LENGTH / taken).toFixed(0).padStart(7)} GB/s, ${((taken / LENGTH) * disks.MiB).toFixed(0).padStart(4)} ns/MiB`
  })
  const once = Array.from({ length: 200 }, () => time(head, disks.MiB, disks.MiB)).sort((a, b) => a - b)[100]!
  console.log(
    `${name.padEnd(16)} 1 MiB: ${row[0]}   64 KiB: ${row[1]}   one MiB alone: ${(once / 1000).toFixed(0)} µs`,
  )
}
