import { TooLarge } from '../errors.js'
import { PIECE, type Pieces } from './pieces.js'
import type { Bucket, Part } from './s3-bucket.js'
import { codeOf, translate } from './s3-faults.js'
import type { ObjectWriter } from './store.js'

/**
 * How an object is cut. S3 allows 10 000 parts and 5 TiB; parts that must be kept until they are stored have to be
 * small; so the size grows in steps, and the last parts are made by the service itself, of segments that were uploaded
 * as objects of their own. Sizes are whole numbers of MiB.
 */
export interface Cut {
  /** Bytes of each of the first `smallParts` parts. */
  smallPart: number
  smallParts: number
  /** Bytes of all later parts, also of those that segments are made of. */
  bigPart: number
  /** Parts that are uploaded as such; those after them are copies of segments. */
  directParts: number
  /** Parts of one segment; the service copies at most 5 GiB at once. */
  segmentParts: number
  maxSize: number
  /** Parts under way at once. */
  parallel: number
}

const MiB = 2 ** 20
export const cut: Cut = {
  smallPart: 16 * MiB,
  smallParts: 1000,
  bigPart: 64 * MiB,
  directParts: 9000,
  segmentParts: 80,
  maxSize: 5 * 2 ** 40,
  parallel: 4,
}

/** The name of the object that a segment is, beside the object that it becomes a part of. No key can have it. */
export const segmentName = (name: string) => `${name}~segment`

interface Filling {
  pieces: Buffer[]
  length: number
  capacity: number
}

/** A multipart upload under way. */
interface Upload {
  id: Promise<string>
  parts: Part[]
  /** Bytes of all its parts. */
  size: number
  /** Its parts that are being sent. */
  sending: Set<Promise<void>>
}

/**
 * Writes an object of unknown size in constant memory. What is smaller than one part goes up in one request. Failures
 * of single requests are repeated; what fails for good stops everything.
 */
export function openUpload(
  bucket: Bucket,
  {
    name,
    key,
    pieces,
    plan,
    signal,
  }: { name: string; key: string; pieces: Pieces; plan: Cut; signal?: AbortSignal | undefined },
): ObjectWriter {
  const control = new AbortController()
  const stopped = control.signal
  const share = pieces.share(plan.smallPart / PIECE)
  const bigShare = () => pieces.share(plan.bigPart / PIECE)
  let memory = share
  let filling: Filling | null = null
  let size = 0
  /** Parts that were sent or are being sent, those of segments included. */
  let sent = 0
  let main: Upload | undefined
  let segment: (Upload & { number: number }) | undefined
  /** Segments that are being made parts, one after another. */
  let joining: Promise<void> = Promise.resolve()
  let tail: Promise<void> = Promise.resolve()
  const underWay = new Set<Promise<void>>()
  let state: 'open' | 'committing' | 'done' | 'cancelled' = 'open'
  let committing: Promise<void> | undefined
  let cancelling: Promise<void> | undefined
  /** Whether the service could know of the object. */
  let touched = false
  /** Whether there may be uploads that nobody knows. */
  let strays = false

  const stop = (err: unknown) => {
    if (!stopped.aborted) control.abort(translate(err, key))
  }
  const onAbort = () => {
    if (!stopped.aborted) control.abort(signal!.reason)
  }
  signal?.addEventListener('abort', onAbort)
  if (signal?.aborted) onAbort()

  function begin(target: string): Upload {
    touched = true
    // Not to be broken off: the service could begin an upload that nobody hears of.
    const id = bucket.begin(target).then(({ upload, alone }) => {
      if (!alone) strays = true
      return upload
    })
    id.catch(stop)
    return { id, parts: [], size: 0, sending: new Set() }
  }

  /** Takes bytes into the part that is being filled; sends those that are full. */
  async function take(chunk: Uint8Array): Promise<void> {
    if (size + chunk.length > plan.maxSize) {
      throw new TooLarge(`An object can have at most ${plan.maxSize} bytes`)
    }
    size += chunk.length
    for (let from = 0; from < chunk.length; ) {
      if (filling && filling.length === filling.capacity) await send()
      filling ??= { pieces: [], length: 0, capacity: sent < plan.smallParts ? plan.smallPart : plan.bigPart }
      const at = filling.length % PIECE
      if (at === 0) filling.pieces.push(await memory.take(stopped))
      const room = Math.min(chunk.length - from, PIECE - at)
      filling.pieces.at(-1)!.set(chunk.subarray(from, from + room), at)
      filling.length += room
      from += room
    }
  }

  /** Sends the part that was filled, as soon as few enough are under way. */
  async function send(): Promise<void> {
    const part = filling!
    filling = null
    while (underWay.size >= plan.parallel) await Promise.race(underWay)
    stopped.throwIfAborted()
    main ??= begin(name)
    const index = sent++
    let upload: Upload = main
    let number = index + 1
    if (index >= plan.directParts) {
      const at = index - plan.directParts
      if (at % plan.segmentParts === 0) await nextSegment(plan.directParts + 1 + at / plan.segmentParts)
      upload = segment!
      number = (at % plan.segmentParts) + 1
    }
    const target = upload === main ? name : segmentName(name)
    upload.size += part.length
    const from = memory
    const task = (async () => {
      try {
        const id = await upload.id
        const body = trimmed(part.pieces, part.length)
        upload.parts.push(await bucket.putPart(target, id, number, body, part.length, stopped))
        from.give(part.pieces)
      } catch (err) {
        from.forget(part.pieces)
        stop(err)
      }
    })()
    underWay.add(task)
    upload.sending.add(task)
    void task.then(() => {
      underWay.delete(task)
      upload.sending.delete(task)
    })
    if (sent === plan.smallParts && plan.bigPart !== plan.smallPart) memory = bigShare()
  }

  /** Begins the segment that becomes part `number`; the one before it goes its way. */
  async function nextSegment(number: number): Promise<void> {
    const before = joining
    if (segment) joinSegment()
    // At most one segment is being joined while the next is filled.
    await before
    stopped.throwIfAborted()
    segment = { ...begin(segmentName(name)), number }
  }

  /** Makes the current segment a part of the object, after those before it. */
  function joinSegment(): void {
    const { id, parts, size, sending, number } = segment!
    segment = undefined
    joining = joining.then(async () => {
      try {
        await Promise.all(sending)
        stopped.throwIfAborted()
        const source = segmentName(name)
        await complete(source, await id, parts, size)
        main!.parts.push(await bucket.copyPart(name, await main!.id, number, source, stopped))
        await bucket.remove(source)
      } catch (err) {
        stop(err)
      }
    })
  }

  /** What is begun here is not broken off, or the object could come to be after it was cancelled. */
  async function finish(): Promise<void> {
    await tail
    stopped.throwIfAborted()
    touched = true
    if (!main) {
      const { pieces: body, length } = filling ?? { pieces: [], length: 0 }
      await bucket.put(name, trimmed(body, length), length)
      memory.give(body)
      filling = null
      return
    }
    if (filling) await send()
    if (segment) joinSegment()
    await Promise.all(underWay)
    await joining
    stopped.throwIfAborted()
    await complete(name, await main.id, main.parts, size)
    // Those of the object and its segments are all completed: what is still open is a stray.
    if (strays)
      await Promise.all(namesOf(name).map(target => abortAll(bucket, target, undefined))).catch(() => {})
  }

  /** Completes an upload; an answer that got lost is made up for by looking. */
  async function complete(target: string, id: string, parts: Part[], bytes: number): Promise<void> {
    try {
      await bucket.complete(
        target,
        id,
        parts.toSorted((a, b) => a.part - b.part),
      )
    } catch (err) {
      if (codeOf(err) !== 'NoSuchUpload') throw err
      const found = await bucket.stat(target).catch(() => undefined)
      if (found?.size !== bytes) throw err
    }
  }

  return {
    write(chunk) {
      if (state !== 'open') return Promise.reject(stopped.reason ?? new Error(`The writer is ${state}`))
      const taken = tail.then(async () => {
        stopped.throwIfAborted()
        try {
          await take(chunk)
        } catch (err) {
          stop(err)
          stopped.throwIfAborted()
        }
      })
      tail = taken.catch(() => {})
      return taken
    },

    commit() {
      if (state !== 'open') return Promise.reject(stopped.reason ?? new Error(`The writer is ${state}`))
      state = 'committing'
      committing = finish().then(
        () => stopped.throwIfAborted(),
        err => {
          stop(err)
          throw stopped.reason
        },
      )
      return until(stopped, committing).then(() => {
        stopped.throwIfAborted()
        state = 'done'
        signal?.removeEventListener('abort', onAbort)
      })
    },

    cancel() {
      cancelling ??= (async () => {
        if (state === 'done') return
        state = 'cancelled'
        signal?.removeEventListener('abort', onAbort)
        if (!stopped.aborted) control.abort(new Error('The write was cancelled'))
        await tail
        await committing?.catch(() => {})
        await Promise.all(underWay)
        await joining
        await main?.id.catch(() => {})
        await segment?.id.catch(() => {})
        if (filling) memory.give(filling.pieces)
        filling = null
        if (touched) await clear(bucket, name, undefined)
      })().catch(err => {
        cancelling = undefined
        throw translate(err, key)
      })
      return cancelling
    },
  }
}

/** Removes an object and every trace of unfinished writes of it. */
export async function clear(bucket: Bucket, name: string, signal: AbortSignal | undefined): Promise<void> {
  await Promise.all(
    namesOf(name).map(async target => {
      await abortAll(bucket, target, signal)
      await bucket.remove(target, signal)
    }),
  )
}

function namesOf(name: string): string[] {
  return [name, segmentName(name)]
}

/**
 * Ends all uploads of a name. They are looked for by their exact name, the only way that MinIO knows; and looked for
 * again, since a part that was still arriving can outlive an abort.
 */
async function abortAll(bucket: Bucket, name: string, signal: AbortSignal | undefined): Promise<void> {
  for (let round = 0; round < 3; round++) {
    const uploads = await bucket.uploads(name, signal)
    if (uploads.length === 0) return
    for (const upload of uploads) await bucket.abort(name, upload, signal)
  }
}

/** Pieces that hold so many bytes, the last of them cut to what it holds. */
function trimmed(pieces: Buffer[], length: number): Uint8Array[] {
  return pieces.map((piece, i) => piece.subarray(0, Math.min(PIECE, length - i * PIECE)))
}

/** The promise, or earlier the reason of the signal. */
function until<T>(signal: AbortSignal, promise: Promise<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    const stop = () => reject(signal.reason)
    if (signal.aborted) stop()
    signal.addEventListener('abort', stop, { once: true })
    promise.then(resolve, reject).finally(() => signal.removeEventListener('abort', stop))
  })
}
