import type { Readable } from 'node:stream'
import type { Deps } from '../deps.js'
import { TooLarge } from '../errors.js'
import { type Facts, inspect, judgeEarly } from '../formats/index.js'
import { HASH_ALGORITHM } from '../images/image.js'
import type { ObjectWriter } from '../stores/store.js'
import { type Checksums, verifyChecksums } from '../streams/checksums.js'
import { ingest } from '../streams/ingest-ring.js'
import type { Attempt } from './attempt.js'

/** What is learnt of bytes while they pass: everything an image record says about them. */
export interface Learnt {
  size: number
  checksum: string
  os_hash_algo: string
  os_hash_value: string
  /** What format inspection found. */
  facts: Facts
}

export interface CopyOptions {
  /** Bytes that were announced; undefined when unknown. */
  expected?: number | undefined
  /** The source is a request's body, whose connection must still carry the answer. */
  keepSource?: boolean
  /** The source watches itself that bytes come. */
  watched?: boolean | undefined
  /** Digests that the bytes must have: others are a BadRequest, and nothing is kept. */
  checksums?: Checksums | undefined
  /** Told how many bytes have been taken. */
  onProgress?: (bytes: number) => void
  /** What the image says of itself: bytes that can't be that are refused as soon as it is certain. */
  declared?: { disk_format: string; container_format: string }
  /** Looks at what was learnt before the object becomes visible; what it throws ends the copy. */
  judge?: (learnt: Learnt) => void
}

/**
 * The one way in for bytes: limit, digests, inspection and store in one pass. The object is complete when it resolves,
 * and nothing names it yet. On failure the writer is cancelled, and undoing the attempt is left to the caller.
 */
export async function writeCopy(
  deps: Deps,
  write: Attempt,
  open: () => Promise<Readable> | Readable,
  { expected, keepSource, watched, checksums = {}, onProgress, declared, judge }: CopyOptions = {},
): Promise<Learnt> {
  const { blob, signal, transfer } = write
  transfer?.expect(expected ?? null)
  const limit = deps.config.max_image_size
  let writer: ObjectWriter | undefined
  try {
    if (expected !== undefined && expected > limit) {
      throw new TooLarge(`An image may have at most ${limit} bytes.`)
    }
    const inspection = inspect()
    writer = await deps.stores.get(blob.store).write(blob.key, { size: expected, signal })
    const { size, digests } = await ingest(
      await open(),
      {
        writer,
        hashes: deps.hashes,
        algorithms: [...new Set(['md5', HASH_ALGORITHM, ...Object.keys(checksums)])],
        inspect: chunk => {
          inspection.eat(chunk)
          if (declared) judgeEarly(inspection, declared)
        },
      },
      {
        limit,
        expected,
        signal,
        keepSource,
        onProgress: onProgress ?? transfer?.moved,
        ...(watched && { idleSeconds: 0 }),
      },
    )
    verifyChecksums(checksums, digests)
    const learnt: Learnt = {
      size,
      checksum: digests.md5 as string,
      os_hash_algo: HASH_ALGORITHM,
      os_hash_value: digests[HASH_ALGORITHM] as string,
      facts: inspection.finish(),
    }
    judge?.(learnt)
    await writer.commit()
    return learnt
  } catch (error) {
    await writer
      ?.cancel()
      .catch(err => deps.log.warn({ err, ...blob }, 'what was written could not be removed yet'))
    throw error
  }
}
