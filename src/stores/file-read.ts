import { Readable, type Writable } from 'node:stream'
import { Unavailable } from '../errors.js'

/** What is read from: an open file, or something that is read like one. */
export interface OpenFile {
  /** Reads at most `length` bytes into the buffer; 0 of them is the end. Called one at a time, from start to end. */
  read(
    buffer: Buffer,
    offset: number,
    length: number,
    position: number,
  ): Promise<{ bytesRead: number; buffer: Buffer }>
  close(): Promise<void>
}

/** A stretch of a file that is to be read once. */
export interface FileSource {
  open: () => Promise<OpenFile>
  start: number
  length: number
  translate: (err: unknown) => unknown
  signal: AbortSignal | undefined
}

const MiB = 2 ** 20
/** Each transfer reads into these in turn: one on its way to the client, one waiting, one being filled. */
const BUFFERS = 3
/** Buffers that are kept for the next transfer. */
const KEPT = 12
const spare: Buffer[] = []

/** The bytes as a stream. Fewer of them than promised are an error, never a short answer. */
export function fileStream(source: FileSource): Readable {
  let file: OpenFile | undefined
  let at = source.start
  const end = source.start + source.length
  return new Readable({
    highWaterMark: MiB,
    signal: source.signal,
    construct(done) {
      source.open().then(
        opened => {
          file = opened
          done()
        },
        err => done(source.translate(err) as Error),
      )
    },
    read() {
      const wanted = Math.min(MiB, end - at)
      if (wanted === 0) {
        this.push(null)
        return
      }
      file!.read(Buffer.allocUnsafeSlow(wanted), 0, wanted, at).then(
        ({ bytesRead, buffer }) => {
          at += bytesRead
          if (bytesRead === 0) this.destroy(truncated(at - source.start, source.length))
          else this.push(bytesRead === wanted ? buffer : buffer.subarray(0, bytesRead))
        },
        err => this.destroy(source.translate(err) as Error),
      )
    },
    destroy(err, done) {
      const end = () => done(err)
      if (file) file.close().then(end, end)
      else end()
    },
  })
}

/**
 * Sends the bytes at the speed of the sink: the next read runs while the sink takes the blocks before, and the memory
 * is used again. A sink that fails, closes or is aborted stops it; a file that ends early destroys the sink.
 */
export async function sendFile(source: FileSource, sink: Writable): Promise<void> {
  const { start, length, signal } = source
  signal?.throwIfAborted()
  const file = await source.open().catch(err => {
    throw source.translate(err)
  })
  const size = Math.min(MiB, Math.max(length, 1))
  const slots = Array.from({ length: BUFFERS }, () => ({ memory: null as Buffer | null, busy: false }))
  let failure: unknown
  let wake: (() => void) | null = null

  const stop = (err: unknown) => {
    failure ??= err ?? gone()
    wake?.()
  }
  const onClose = () => stop(gone())
  const onAbort = () => stop(signal!.reason)
  sink.on('error', stop).on('close', onClose)
  signal?.addEventListener('abort', onAbort)
  if (sink.destroyed) stop(sink.errored)

  const idle = async (slot: { busy: boolean }) => {
    while (slot.busy && failure === undefined) {
      await new Promise<void>(resolve => {
        wake = resolve
      })
    }
    if (failure !== undefined) throw failure
  }

  try {
    let sent = 0
    for (let i = 0; sent < length; i = (i + 1) % BUFFERS) {
      const slot = slots[i]!
      await idle(slot)
      slot.memory ??=
        size === MiB ? (spare.pop() ?? Buffer.allocUnsafeSlow(MiB)) : Buffer.allocUnsafeSlow(size)
      const wanted = Math.min(size, length - sent)
      const { bytesRead } = await file.read(slot.memory, 0, wanted, start + sent).catch(err => {
        throw source.translate(err)
      })
      if (bytesRead === 0) throw truncated(sent, length)
      if (failure !== undefined) throw failure
      sent += bytesRead
      slot.busy = true
      sink.write(bytesRead === size ? slot.memory : slot.memory.subarray(0, bytesRead), err => {
        slot.busy = false
        if (err) stop(err)
        else wake?.()
      })
    }
    for (const slot of slots) await idle(slot)
    // After a failure the sink may still hold them.
    for (const { memory } of slots) if (memory && size === MiB && spare.length < KEPT) spare.push(memory)
  } catch (err) {
    if (!sink.destroyed) {
      sink.on('error', ignore)
      sink.destroy(err instanceof Error ? err : undefined)
    }
    throw err
  } finally {
    sink.off('error', stop).off('close', onClose)
    signal?.removeEventListener('abort', onAbort)
    await file.close().catch(ignore)
  }
}

function truncated(found: number, wanted: number): Unavailable {
  return new Unavailable(`The object ends after ${found} of ${wanted} bytes`)
}

function gone(): Error {
  return Object.assign(new Error('The reader went away'), { code: 'ERR_STREAM_PREMATURE_CLOSE' })
}

function ignore(): void {}
