import type { Growing } from './cached-fill.js'
import type { OpenFile } from './file-read.js'
import { fileStream, sendFile } from './file-read.js'
import type { StoredBytes, Window } from './store.js'
import { extent } from './window.js'

export interface CachedSource {
  /** Bytes of the whole image. */
  size: number
  window: Window | undefined
  /** Opens what the cache has; undefined when that is nothing (any more). */
  open: () => Promise<(Growing & { close: () => Promise<void> }) | undefined>
  /** Reads from the store what the cache fails to give. */
  rest: (window: Window) => Promise<StoredBytes>
  /** Told why the cache failed. */
  failed: (reason: unknown) => void
}

/** An image's bytes out of the cache, and out of the store from where the cache fails. */
export function cachedBytes(source: CachedSource): StoredBytes {
  const { size, window } = source
  const { start, length } = extent(size, window)
  const file = {
    open: () => openBoth(source, start + length - 1),
    start,
    length,
    translate: (err: unknown) => err,
    signal: undefined,
  }
  return { size, stream: () => fileStream(file), sendTo: sink => sendFile(file, sink) }
}

/** Reads like a file: from the cache as long as that works, then from the store. */
async function openBoth(source: CachedSource, end: number): Promise<OpenFile> {
  let cached = await source.open().catch(source.failed)
  let rest: AsyncIterator<Buffer> | undefined
  let chunk: Buffer = Buffer.alloc(0)

  async function fromCache(buffer: Buffer, offset: number, length: number, position: number) {
    if (!cached) return 0
    try {
      const there = await cached.reach(position)
      if (there > position) {
        const wanted = Math.min(length, there - position)
        const { bytesRead } = await cached.file.read(buffer, offset, wanted, position)
        if (bytesRead > 0) return bytesRead
      }
    } catch (err) {
      source.failed(err)
    }
    await letGo()
    return 0
  }

  async function fromStore(buffer: Buffer, offset: number, length: number, position: number) {
    rest ??= (await source.rest({ start: position, end })).stream()[Symbol.asyncIterator]()
    while (chunk.length === 0) {
      const next = await rest.next()
      if (next.done) return 0
      chunk = next.value
    }
    const count = chunk.copy(buffer, offset, 0, length)
    chunk = chunk.subarray(count)
    return count
  }

  async function letGo(): Promise<void> {
    const held = cached
    cached = undefined
    await held?.close()
  }

  return {
    async read(buffer, offset, length, position) {
      let bytesRead = await fromCache(buffer, offset, length, position)
      if (bytesRead === 0) bytesRead = await fromStore(buffer, offset, length, position)
      return { bytesRead, buffer }
    },
    async close() {
      await letGo()
      await rest?.return?.()
    },
  }
}
