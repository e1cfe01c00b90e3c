import { createHash, randomBytes } from 'node:crypto'
import t from 'tap'
import { type Hashing, openHashPool } from '../../src/streams/hash.js'

const hex = (algorithm: string, bytes: Uint8Array) => createHash(algorithm).update(bytes).digest('hex')

/** Passes bytes through a hashing, each block as soon as it is free. */
async function pass(hashing: Hashing, bytes: Buffer): Promise<Record<string, string>> {
  const size = hashing.blocks[0]!.length
  const busy: (Promise<void> | undefined)[] = []
  for (let at = 0, i = 0; at < bytes.length; at += size, i = (i + 1) % hashing.blocks.length) {
    await busy[i]
    const part = bytes.subarray(at, at + size)
    hashing.blocks[i]!.set(part)
    busy[i] = hashing.update(i, part.length)
  }
  await Promise.all(busy)
  return hashing.digest()
}

t.test('many streams at once, each with its own digests', async t => {
  const pool = openHashPool()
  t.teardown(() => pool.close())
  const sizes = [0, 1, 999, 1000, 1001, 100_000, 3_000_001]
  await Promise.all(
    sizes.map(async (size, i) => {
      const bytes = randomBytes(size)
      const algorithms = [['md5', 'sha512'], ['sha256'], ['md5', 'sha1', 'sha256', 'sha512'], []][i % 4]!
      const digests = await pass(
        pool.start(algorithms, { blockSize: 1000 * (1 + (i % 3)), blocks: 4 }),
        bytes,
      )
      t.same(digests, Object.fromEntries(algorithms.map(name => [name, hex(name, bytes)])))
    }),
  )
  t.equal(pool.active, 0)
})

t.test('a stream that is given up leaves nothing, and the others go on', async t => {
  const pool = openHashPool({ workers: 1 })
  t.teardown(() => pool.close())
  const bytes = randomBytes(100_000)
  const lost = pool.start(['md5'], { blockSize: 1000 })
  const kept = pool.start(['md5'], { blockSize: 1000 })
  lost.update(0, 1000).catch(() => {})
  lost.drop()
  lost.drop()
  await t.rejects(lost.update(0, 1000))
  await t.rejects(lost.digest())
  t.same(await pass(kept, bytes), { md5: hex('md5', bytes) })
  t.equal(pool.active, 0)
})

t.test('an unknown algorithm is refused', async t => {
  const pool = openHashPool()
  t.teardown(() => pool.close())
  t.throws(() => pool.start(['md5', 'nonsense']), /nonsense/)
  t.equal(pool.active, 0)
})

t.test('streams under way fail when the pool is closed', async t => {
  const pool = openHashPool()
  const hashing = pool.start(['md5', 'sha512'])
  const update = hashing.update(0, 1000).then(() => hashing.update(1, 1000))
  const digest = update
    .then(() => new Promise(resolve => setTimeout(resolve, 100)))
    .then(() => hashing.digest())
  const failed = t.rejects(digest)
  await update
  await pool.close()
  await failed
  t.throws(() => pool.start(['md5']), /closed/)
})
