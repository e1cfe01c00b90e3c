import type { Readable } from 'node:stream'
import { BadRequest, RequestTimeout, TooLarge } from '../errors.js'
import type { ObjectWriter } from '../stores/store.js'
import type { HashPool } from './hash.js'

/** Who reads the bytes that are taken in. */
export interface Readers {
  /** Gets the bytes block by block. It stays the caller's: neither committed nor cancelled here. */
  writer: Pick<ObjectWriter, 'write'>
  hashes: HashPool
  /** Digests to compute, node crypto names. */
  algorithms: readonly string[]
  /** Sees every chunk as it came, on this thread, before it goes anywhere else; what it throws ends the transfer. */
  inspect?: (chunk: Uint8Array) => void
}

export interface IngestOptions {
  /** Most bytes to take; one more is TooLarge, at once. */
  limit?: number | undefined
  /** Bytes that were announced; more (at once) or fewer are a BadRequest. */
  expected?: number | undefined
  /** Ends the transfer with the signal's reason. */
  signal?: AbortSignal | undefined
  /** Told after every block how many bytes all readers have taken. */
  onProgress?: ((bytes: number) => void) | undefined
  /** Seconds for which the source may give nothing before it is a RequestTimeout; 60 unless told, 0 is for ever. */
  idleSeconds?: number | undefined
  /**
   * Leave a source that is not read to its end as it is, instead of destroying it: a request's body, whose
   * connection must still carry the answer.
   */
  keepSource?: boolean | undefined
  /** Memory that bytes wait in. */
  ring?: { blockSize?: number; blocks?: number } | undefined
}

/**
 * Takes all bytes of a source in: copies them once, into a ring of shared blocks, and hands each full block to the
 * digests on their threads and to the writer, all at once; a block is filled again when all are done with it, and
 * without a free one the source waits. On failure it rejects at once, the source is destroyed (or kept), and nothing is left but
 * the writer, which the caller cancels.
 */
export function ingest(
  source: Readable,
  to: Readers,
  { limit = Infinity, expected, signal, onProgress, idleSeconds = 60, keepSource, ring }: IngestOptions = {},
): Promise<{ size: number; digests: Record<string, string> }> {
  return new Promise((resolve, reject) => {
    const hashing = to.hashes.start(to.algorithms, ring)
    const { blocks } = hashing
    // The block used last is filled first: it is the one that a core still has in its cache.
    const free = blocks.map((_, i) => i)
    let current = -1
    let filled = 0
    /** What of the last chunk found no room yet. */
    let rest: Uint8Array | null = null
    let size = 0
    let done = 0
    let underWay = 0
    let ended = false
    let over = false

    /** Copies a chunk, or as much of it as there is room for. */
    function take(chunk: Uint8Array): void {
      let from = 0
      while (from < chunk.length) {
        if (current < 0) {
          const next = free.pop()
          if (next === undefined) {
            rest = from === 0 ? chunk : chunk.subarray(from)
            source.pause()
            return
          }
          current = next
        }
        const block = blocks[current]!
        const room = Math.min(chunk.length - from, block.length - filled)
        block.set(from === 0 && room === chunk.length ? chunk : chunk.subarray(from, from + room), filled)
        from += room
        filled += room
        if (filled === block.length) hand()
      }
    }

    /** Hands the current block to everybody. */
    function hand(): void {
      const index = current
      const length = filled
      current = -1
      filled = 0
      underWay++
      const block = blocks[index]!
      const bytes = length === block.length ? block : block.subarray(0, length)
      Promise.all([hashing.update(index, length), to.writer.write(bytes)])
        .then(() => {
          if (over) return
          underWay--
          free.push(index)
          done += length
          onProgress?.(done)
          proceed()
        })
        .catch(fail)
    }

    function proceed(): void {
      if (rest) {
        const chunk = rest
        rest = null
        take(chunk)
        if (!rest && !ended) {
          lastSign = Date.now()
          source.resume()
        }
      }
      if (ended && !rest) {
        if (filled > 0) hand()
        if (underWay === 0) finish()
      }
    }

    function finish(): void {
      if (over) return
      if (expected !== undefined && size !== expected) {
        fail(new BadRequest(`${expected} bytes were announced and ${size} came`, { code: 'source_cut' }))
        return
      }
      underWay = -1
      hashing.digest().then(digests => {
        if (over) return
        over = true
        tidy()
        resolve({ size, digests })
      }, fail)
    }

    function fail(err: unknown): void {
      if (over) return
      over = true
      tidy()
      hashing.drop()
      // Its late errors are of no interest, and without a listener they would end the process.
      source.on('error', ignore)
      if (keepSource) source.pause()
      else source.destroy()
      reject(err)
    }

    function onData(chunk: Uint8Array): void {
      lastSign = Date.now()
      size += chunk.length
      if (expected !== undefined && size > expected) {
        fail(new BadRequest(`${expected} bytes were announced and more came`, { code: 'source_cut' }))
      } else if (size > limit) {
        fail(new TooLarge(`The data has more than the ${limit} bytes that are allowed`))
      } else {
        try {
          to.inspect?.(chunk)
          take(chunk)
        } catch (err) {
          fail(err)
        }
      }
    }
    function onError(err: NodeJS.ErrnoException): void {
      const cut = err.code === 'ECONNRESET' || err.code === 'ERR_STREAM_PREMATURE_CLOSE'
      fail(cut ? incomplete(err) : err)
    }
    function onEnd(): void {
      ended = true
      proceed()
    }
    function onClose(): void {
      if (!ended) fail(incomplete())
    }
    function onAbort(): void {
      fail(signal!.reason)
    }

    let lastSign = Date.now()
    let timer: NodeJS.Timeout | undefined
    /** Looks again when the source could have been silent for long enough; waiting for readers is not its fault. */
    function watch(): void {
      const silent = rest || ended ? 0 : Date.now() - lastSign
      if (silent >= idleSeconds * 1000) {
        fail(new RequestTimeout(`No data came for ${idleSeconds} seconds`))
      } else {
        timer = setTimeout(watch, idleSeconds * 1000 - silent)
      }
    }
    function tidy(): void {
      clearTimeout(timer)
      source.off('data', onData).off('end', onEnd).off('error', onError).off('close', onClose)
      signal?.removeEventListener('abort', onAbort)
    }

    if (signal?.aborted) {
      onAbort()
      return
    }
    signal?.addEventListener('abort', onAbort)
    if (idleSeconds > 0) watch()
    if (source.destroyed && !source.readableEnded) {
      onError(source.errored ?? incomplete())
      return
    }
    source.on('end', onEnd).on('error', onError).on('close', onClose).on('data', onData)
    if (source.readableEnded) onEnd()
  })
}

function incomplete(cause?: Error): BadRequest {
  return new BadRequest('The data ended before it was complete', { cause, code: 'source_cut' })
}

function ignore(): void {}
