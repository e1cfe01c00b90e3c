import type { IncomingMessage } from 'node:http'
import { Readable, Writable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { HttpError, NotFound, Unavailable } from '../errors.js'
import type { Rules } from '../fetch/guard.js'
import { type HttpRequest, requestHttp } from '../fetch/http.js'
import { refuseUnknown, type StoreKind } from './kind.js'
import type { ReadOnlyStore, Window } from './store.js'
import { extent } from './window.js'

/** There is nothing to set: the keys say where their bytes are. */
export type HttpSettings = Record<string, never>

/** `http:`: objects on web servers, each under its http or https URL, which is its key. Glance's store of this name. */
export const httpKind: StoreKind<HttpSettings> = {
  parse(text, parameters) {
    refuseUnknown(parameters, [])
    if (text !== 'http:') throw new Error('names no place: an http store is written http:')
    return { url: text, settings: {} }
  },
  open: async (name, _settings, { rules }) => openHttpStore(name, rules),
  properties: () => ({}),
}

/** Opens the store. The rules hold for every request, and for every redirect on its way. */
export function openHttpStore(name: string, rules: Rules): ReadOnlyStore {
  const ask = (key: string, options: HttpRequest) => answerTo(rules, key, options)
  const stat = (key: string, signal?: AbortSignal) => sizeOf(ask, key, signal)
  return {
    name,
    kind: 'http',
    stat: async (key, signal) => ({ size: await stat(key, signal) }),
    async read(key, window, signal) {
      const size = await stat(key, signal)
      const { start, length } = extent(size, window)
      const open = () =>
        windowStream(ask, { key, size, start, length, partial: window !== undefined, signal })
      return {
        size,
        stream: open,
        sendTo: sink => send(open(), sink),
      }
    },
    // there is no server of its own that could fail
    check: async () => undefined,
  }
}

type Ask = (key: string, options: HttpRequest) => Promise<IncomingMessage>

/** The answer to a request, with one sentence for every way in which none came, so that nobody maps a network by it. */
async function answerTo(rules: Rules, key: string, options: HttpRequest): Promise<IncomingMessage> {
  try {
    return await requestHttp(rules, key, options)
  } catch (cause) {
    options.signal?.throwIfAborted()
    throw new Unavailable('The web server could not be reached.', { cause })
  }
}

/** Bytes of an object: by HEAD, or by asking for its first byte where a server has no HEAD or does not say. */
async function sizeOf(ask: Ask, key: string, signal: AbortSignal | undefined): Promise<number> {
  const head = await ask(key, { method: 'HEAD', signal })
  head.destroy()
  const told = lengthOf(head)
  if (head.statusCode === 200 && told !== undefined) return told
  refuseMissing(head)
  const first = await ask(key, { range: 'bytes=0-0', signal })
  first.destroy()
  refuseMissing(first)
  const total = first.statusCode === 206 ? rangeOf(first)?.total : undefined
  const whole = first.statusCode === 200 ? lengthOf(first) : undefined
  const size = total ?? whole
  if (size !== undefined) return size
  throw new Unavailable(
    first.statusCode === 200 || first.statusCode === 206
      ? 'The web server does not say how long the object is.'
      : `The web server answered with status ${first.statusCode}.`,
  )
}

function refuseMissing({ statusCode }: IncomingMessage): void {
  if (statusCode === 404 || statusCode === 410) throw new NotFound('The web server has no such object.')
}

const integer = (text: string | undefined) =>
  text !== undefined && /^\d{1,15}$/.test(text) ? Number(text) : undefined

const lengthOf = ({ headers }: IncomingMessage) => integer(headers['content-length'])

/** Content-Range, as far as it is of one whole kind: `bytes 0-9/100`. */
function rangeOf({ headers }: IncomingMessage): (Window & { total: number }) | undefined {
  const [, start, end, total] =
    /^bytes (\d{1,15})-(\d{1,15})\/(\d{1,15})$/.exec(headers['content-range'] ?? '') ?? []
  return total === undefined ? undefined : { start: Number(start), end: Number(end), total: Number(total) }
}

interface Stretch {
  key: string
  /** Bytes of the whole object, as they were told before. */
  size: number
  start: number
  length: number
  /** Whether it is not simply the whole. */
  partial: boolean
  signal: AbortSignal | undefined
}

/** The bytes as a stream, asked for when it is first read; destroying it ends the transfer. */
function windowStream(ask: Ask, stretch: Stretch): Readable {
  const over = new AbortController()
  const signal = stretch.signal ? AbortSignal.any([stretch.signal, over.signal]) : over.signal
  const stream = Readable.from(bytesOf(ask, { ...stretch, signal }), {
    objectMode: false,
    highWaterMark: 2 ** 18,
  })
  stream.once('close', () => over.abort(new Error('the reader went away')))
  return stream
}

/** Resolves when the sink, which is left open, has taken everything. One that got only a part is of no more use. */
async function send(source: Readable, sink: Writable): Promise<void> {
  let sent = false
  const taking = new Writable({
    write(chunk, _encoding, done) {
      sent = true
      sink.write(chunk, done)
    },
  })
  const gone = () => taking.destroy(new Error('The reader went away'))
  sink.once('close', gone)
  try {
    await pipeline(source, taking)
  } catch (err) {
    if (sent) sink.destroy()
    throw err
  } finally {
    sink.off('close', gone)
  }
}

/** Exactly the bytes of the stretch. A server that ignores ranges sends what is before them too: it is skipped. */
async function* bytesOf(
  ask: Ask,
  { key, size, start, length, partial, signal }: Stretch,
): AsyncGenerator<Buffer> {
  if (length === 0) return
  const range = partial ? `bytes=${start}-${start + length - 1}` : undefined
  const answer = await ask(key, { range, signal })
  try {
    let skip = before(answer, { size, start, length })
    let left = length
    for await (const chunk of answer as AsyncIterable<Buffer>) {
      const wanted = chunk.subarray(Math.min(skip, chunk.length), skip + left)
      skip -= Math.min(skip, chunk.length)
      left -= wanted.length
      if (wanted.length > 0) yield wanted
      if (left === 0) return
    }
    throw new Unavailable(`The object ends after ${length - left} of ${length} bytes`)
  } catch (cause) {
    signal?.throwIfAborted()
    if (cause instanceof HttpError) throw cause
    throw new Unavailable('The web server broke the transfer off.', { cause })
  } finally {
    answer.destroy()
  }
}

/** Bytes that come before the wanted ones. Throws when the answer is of another object than the one that was measured. */
function before(
  answer: IncomingMessage,
  { size, start, length }: Pick<Stretch, 'size' | 'start' | 'length'>,
): number {
  refuseMissing(answer)
  const range = rangeOf(answer)
  const changed =
    answer.statusCode === 206
      ? range?.start !== start || range.end !== start + length - 1 || range.total !== size
      : answer.statusCode === 200 && (lengthOf(answer) ?? size) !== size
  if (changed) throw new Unavailable('The object on the web server has changed.')
  if (answer.statusCode === 206) return 0
  if (answer.statusCode === 200) return start
  throw new Unavailable(`The web server answered with status ${answer.statusCode}.`)
}
