import type { FileHandle } from 'node:fs/promises'
import { setTimeout as sleep } from 'node:timers/promises'
import type { HashPool } from '../streams/hash.js'
import { ingest } from '../streams/ingest-ring.js'
import { type CacheFolder, STALLED } from './cached-folder.js'
import type { StoredBytes } from './store.js'

/** Memory that one fill passes its bytes through. */
const RING = { blockSize: 2 ** 18, blocks: 4 }
/** Milliseconds between two looks at a file that another process fills. */
const LOOK = 25

/** A file that grows while others read it. */
export interface Growing {
  /** Open for reading until the last reader has left. */
  file: FileHandle
  /** Waits for the byte at `position`; resolves with how many bytes there are, not more than `position` if it never comes. */
  reach(position: number): Promise<number>
}

/** The bytes of one image on their way from a store into the cache. */
export interface Fill {
  /** Somebody is about to join; false when it is being given up, and over as soon as it has `ended`. */
  expect(): boolean
  /** Starts to read; undefined when the file is closed already. `leave` ends it. */
  join(): Growing | undefined
  /** When nobody reads any more and none is expected, the fill ends, too. */
  leave(): Promise<void>
  /** Lets the readers read, but keeps nothing. */
  discard(): Promise<void>
  /** Stops at once; readers have to find the rest elsewhere. */
  stop(): void
  /** Whether there is a complete image now. Never rejects. */
  ended: Promise<boolean>
}

export interface FillOptions {
  name: string
  /** Bytes that it will have. */
  size: number
  /** What the bytes have to sum up to; null when nobody knows. */
  md5: string | null
  folder: CacheFolder
  hashes: HashPool
  file: FileHandle
  /** The file's number, by which it is told from another of its name. */
  ino: number
  bytes: StoredBytes
  /** Told why nothing was kept. */
  failed: (reason: unknown) => void
}

/**
 * Fills a file at the store's best speed, whatever that of the readers, and makes it an image of the cache if it is
 * what it should be.
 */
export function startFill(options: FillOptions): Fill {
  const { name, size, md5, folder, hashes, file, ino, bytes, failed } = options
  const control = new AbortController()
  let filled = 0
  let ended = false
  let expected = 0
  let reading = 0
  let wake = () => {}
  let progress = nextProgress()

  function nextProgress(): Promise<void> {
    return new Promise(resolve => {
      wake = resolve
    })
  }
  function tell(): void {
    const told = wake
    progress = nextProgress()
    told()
  }

  let last: Promise<void> = Promise.resolve()
  /** One after the other, so that all bytes up to `filled` are there; none after one that failed. */
  function write(chunk: Uint8Array): Promise<void> {
    last = last.then(async () => {
      for (let done = 0; done < chunk.length; ) {
        const { bytesWritten } = await file.write(chunk, done, chunk.length - done, filled + done)
        done += bytesWritten
      }
      filled += chunk.length
      tell()
    })
    return last
  }

  async function run(): Promise<boolean> {
    try {
      const { digests } = await ingest(
        bytes.stream(),
        { writer: { write }, hashes, algorithms: md5 === null ? [] : ['md5'] },
        { expected: size, signal: control.signal, ring: RING },
      )
      if (md5 !== null && digests.md5 !== md5)
        throw new Error(`the bytes sum up to ${digests.md5}, not ${md5}`)
      return await folder.publish(name, ino)
    } catch (err) {
      if (!control.signal.aborted) failed(err)
      await last.catch(() => {})
      await folder.discard(name, ino).catch(failed)
      return false
    }
  }

  const closeUnused = async () => {
    if (ended && reading === 0) await file.close().catch(failed)
  }
  return {
    ended: run().finally(async () => {
      ended = true
      tell()
      await closeUnused()
    }),
    expect() {
      if (control.signal.aborted) return false
      expected++
      return true
    },
    join() {
      expected--
      if (ended && reading === 0) return undefined
      reading++
      return {
        file,
        async reach(position) {
          while (filled <= position && !ended) await progress
          return filled
        },
      }
    },
    async leave() {
      reading--
      const wanted = reading > 0 || expected > 0
      if (!wanted && filled < size) control.abort(new Error('nobody reads it any more'))
      await closeUnused()
    },
    discard: () => folder.discard(name, ino).catch(failed),
    stop: () => control.abort(new Error('the cache is closed')),
  }
}

/** A file that another process of this machine fills. */
export function watchFile(file: FileHandle): Growing {
  return {
    file,
    async reach(position) {
      for (;;) {
        const { size, nlink, mtimeMs } = await file.stat()
        if (size > position || nlink === 0 || Date.now() - mtimeMs > STALLED * 1000) return size
        await sleep(LOOK)
      }
    },
  }
}
