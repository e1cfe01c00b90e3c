import { Readable } from 'node:stream'
import { setTimeout as sleep } from 'node:timers/promises'
import { HttpError, Unavailable } from '../errors.js'

/** The bytes of a source from an offset on, over one connection. */
export interface Connection {
  /** Fails when the connection breaks; destroying it ends the connection. */
  stream: Readable
  /** Bytes of the whole, when the other side says how many. */
  size: number | undefined
  /** What tells these bytes from changed ones. Undefined where nothing does: then a broken transfer stays broken. */
  identity: string | undefined
}

/**
 * Makes a connection that gives the bytes from an offset on. With an identity they must be of the same bytes as
 * before; it throws what is not worth another try as an HttpError, and Broken or anything else where it is.
 */
export type Connect = (from: number, identity: string | undefined, signal: AbortSignal) => Promise<Connection>

/** A connection that broke, or never came to be, for a reason that may pass. */
export class Broken extends Unavailable {}

/** The other side has other bytes than before. */
export const changed = () => new Unavailable('The source changed while it was read.', { code: 'source_cut' })

export interface ResumeOptions {
  signal?: AbortSignal | undefined
  /** Milliseconds for which a source that is read may give nothing; with http also those until its answer begins. */
  idle?: number | undefined
  /** Milliseconds before the first of several tries; each further one waits twice as long. */
  pause?: number | undefined
}

/** Tries after a broken connection; so many again after each RENEWAL bytes. */
const TRIES = 5
const RENEWAL = 64 * 2 ** 20

/**
 * The bytes of a source as one stream over as many connections as it takes: one that breaks is followed by another
 * that goes on where it ended, if the source is still the same. The first connection stands when it resolves, and is
 * tried once. Ends at once when the signal aborts or the stream is destroyed, with nothing left open.
 */
export async function resumable(
  connect: Connect,
  { signal, idle = 60_000, pause = 1000 }: ResumeOptions,
): Promise<{ stream: Readable; size: number | undefined }> {
  const over = new AbortController()
  const ending = signal ? AbortSignal.any([signal, over.signal]) : over.signal
  const { size, identity, stream: first } = await connect(0, undefined, ending)
  let current = first
  let received = 0
  /** Bytes that had come when the tries began to count. */
  let mark = 0
  let tries = 0
  let lastSign = Date.now()

  const out = new Readable({
    highWaterMark: 2 ** 18,
    read() {
      if (current.isPaused()) lastSign = Date.now()
      current.resume()
    },
    destroy(error, done) {
      clearInterval(timer)
      signal?.removeEventListener('abort', abort)
      over.abort(new Error('nobody reads the source any more'))
      current.destroy()
      done(error)
    },
  })
  const abort = () => out.destroy(signal?.reason)
  // waiting for the reader is not the source's fault
  const timer = setInterval(() => {
    if (!current.isPaused() && Date.now() - lastSign >= idle) {
      current.destroy(new Error('no bytes came for too long'))
    }
  }, idle / 10)
  timer.unref()

  function follow(): void {
    const connection = current
    lastSign = Date.now()
    connection.on('data', (chunk: Buffer) => {
      lastSign = Date.now()
      received += chunk.length
      if (size !== undefined && received > size) out.destroy(tooLong())
      else if (!out.push(chunk)) connection.pause()
    })
    connection.once('end', () => {
      if (size === undefined || received === size) out.push(null)
    })
    connection.on('error', () => undefined)
    connection.once('close', () => {
      const { errored, readableEnded } = connection
      if (errored || !readableEnded || (size !== undefined && received < size)) void lost(errored)
    })
  }

  /** A connection is gone before the end: the next one, or the end of it all. */
  async function lost(cause: Error | null): Promise<void> {
    if (out.destroyed || out.readableEnded) return
    // who said that he would send so much, and sent it, need not say goodbye
    if (received === size && !(cause instanceof HttpError)) return void out.push(null)
    if (received - mark >= RENEWAL) tries = 0
    mark = received
    if (identity === undefined || !mayPass(cause) || ++tries > TRIES) return void out.destroy(told(cause))
    try {
      await sleep(pause * 2 ** (tries - 1), undefined, { signal: ending })
      const next = await connect(received, identity, ending)
      current = next.stream
      if (size !== undefined && next.size !== undefined && next.size !== size) {
        current.destroy()
        throw changed()
      }
    } catch (error) {
      return lost(error as Error)
    }
    if (out.destroyed) current.destroy()
    else follow()
  }

  if (signal?.aborted) {
    out.destroy()
    throw signal.reason
  }
  signal?.addEventListener('abort', abort)
  // whoever reads it may come later, and finds the error on the stream
  out.on('error', () => undefined)
  follow()
  return { stream: out, size }
}

/** Whether another connection may do better. */
const mayPass = (cause: Error | null) =>
  !(cause instanceof HttpError) || cause instanceof Broken || cause.code === 'source_unreachable'

/** What the import's owner is told. */
const told = (cause: Error | null) =>
  cause instanceof HttpError
    ? cause
    : new Unavailable('The source broke the transfer off, or sends no more bytes.', {
        cause,
        code: 'source_cut',
      })

const tooLong = () =>
  new Unavailable('The source sends more bytes than it announced.', { code: 'source_cut' })
