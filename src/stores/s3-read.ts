import type { IncomingMessage } from 'node:http'
import { Readable, type Writable } from 'node:stream'
import { Unavailable } from '../errors.js'
import type { Bucket } from './s3-bucket.js'
import { backOff, isPassing, translate } from './s3-faults.js'

/** A stretch of an object that is to be read once. */
export interface ObjectSource {
  bucket: Bucket
  name: string
  key: string
  size: number
  start: number
  length: number
  signal: AbortSignal | undefined
  /** Seconds before the first resumption. */
  repeat: number
}

/** Times in a row that a transfer is taken up again where it broke off. */
const RESUMES = 4

/** Opens the rest of a stretch. */
async function rest(
  source: ObjectSource,
  done: number,
  signal: AbortSignal | undefined,
): Promise<IncomingMessage> {
  const { bucket, name, size, start, length } = source
  const whole = done === 0 && length === size
  const range = whole ? undefined : `bytes=${start + done}-${start + length - 1}`
  const response = await bucket.get(name, range, signal)
  const wanted = length - done
  if (Number(response.headers['content-length']) !== wanted) {
    response.destroy()
    throw new Unavailable(
      `The object store offers ${response.headers['content-length']} bytes in place of ${wanted}`,
    )
  }
  return response
}

/** The bytes as a stream, taken up again where a connection breaks. */
export function objectStream(source: ObjectSource): Readable {
  const control = new AbortController()
  const signal = source.signal ? AbortSignal.any([source.signal, control.signal]) : control.signal
  async function* chunks() {
    for (let done = 0, failures = 0; done < source.length; ) {
      try {
        for await (const chunk of await rest(source, done, signal)) {
          done += chunk.length
          failures = 0
          yield chunk
        }
      } catch (err) {
        signal.throwIfAborted()
        if (++failures > RESUMES || !isPassing(err)) throw translate(err, source.key)
        await backOff(failures, signal, source.repeat)
      }
    }
  }
  const stream = Readable.from(chunks(), { objectMode: false, highWaterMark: 2 ** 20 })
  stream.once('close', () => control.abort(new Error('The reader went away')))
  return stream
}

/** Sends the bytes into a sink as they come, taken up again where a connection breaks. */
export async function sendObject(source: ObjectSource, sink: Writable): Promise<void> {
  const { length, signal, key } = source
  let done = 0
  let failures = 0
  signal?.throwIfAborted()
  try {
    while (done < length) {
      try {
        const response = await rest(source, done, signal)
        await pour(response, sink, signal, count => {
          done += count
          failures = 0
        })
      } catch (err) {
        signal?.throwIfAborted()
        if (isGone(err) || ++failures > RESUMES || !isPassing(err)) throw err
        await backOff(failures, signal, source.repeat)
      }
    }
    if (length === 0 && sink.destroyed) throw gone()
  } catch (err) {
    const failure = isGone(err) || (signal?.aborted && err === signal.reason) ? err : translate(err, key)
    // Before the first byte the sink is still good for an error of another kind.
    if (!sink.destroyed && (done > 0 || signal?.aborted)) {
      sink.on('error', ignore)
      sink.destroy(failure instanceof Error ? failure : undefined)
    }
    throw failure
  }
}

/** Resolves when the sink has taken all of the response. */
function pour(
  response: IncomingMessage,
  sink: Writable,
  signal: AbortSignal | undefined,
  passed: (count: number) => void,
): Promise<void> {
  return new Promise((resolve, reject) => {
    let waiting = 0
    let ended = false
    const settle = (err?: unknown) => {
      response.off('data', onData).off('end', onEnd).off('error', settle).off('close', onClose)
      sink.off('drain', onDrain).off('error', onSink).off('close', onSink)
      signal?.removeEventListener('abort', onAbort)
      if (err === undefined) return resolve()
      response.on('error', ignore)
      response.destroy()
      reject(err)
    }
    const onAbort = () => settle(signal!.reason)
    const onSink = (err?: Error | null) => settle(Object.assign(gone(), err ? { cause: err } : {}))
    const onDrain = () => response.resume()
    const onData = (chunk: Buffer) => {
      passed(chunk.length)
      waiting++
      const more = sink.write(chunk, err => {
        waiting--
        if (err) onSink(err)
        else if (ended && waiting === 0) settle()
      })
      if (!more) response.pause()
    }
    const onEnd = () => {
      ended = true
      if (waiting === 0) settle()
    }
    const onClose = () => {
      if (!ended) settle(Object.assign(new Error('The connection broke off'), { code: 'ECONNRESET' }))
    }
    if (sink.destroyed) return onSink(sink.errored)
    signal?.addEventListener('abort', onAbort)
    sink.on('drain', onDrain).on('error', onSink).on('close', onSink)
    response.on('end', onEnd).on('error', settle).on('close', onClose).on('data', onData)
  })
}

function gone(): Error {
  return Object.assign(new Error('The reader went away'), {
    code: 'ERR_STREAM_PREMATURE_CLOSE',
    reader: true,
  })
}

function isGone(err: unknown): boolean {
  return (err as { reader?: boolean } | null)?.reader === true
}

function ignore(): void {}
