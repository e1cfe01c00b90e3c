import { Gone, HttpError, NotFound, TooLarge, Unavailable } from '../errors.js'

/** What an S3 service answered instead of what was asked for. Holds nothing of the request, which bears a signature. */
export class S3Fault extends Error {
  constructor(
    readonly status: number,
    /** The service's own word, such as NoSuchKey; empty when it gave none. */
    readonly code: string,
  ) {
    super(`S3 answered ${status} ${code}`.trim())
    this.name = 'S3Fault'
  }
}

const absent = new Set(['NoSuchKey', 'NotFound', 'NoSuchVersion'])
const refused = new Set([
  'AccessDenied',
  'InvalidAccessKeyId',
  'SignatureDoesNotMatch',
  'InvalidToken',
  'ExpiredToken',
  'AuthorizationHeaderMalformed',
])
const full = new Set([
  'QuotaExceeded',
  'EntityTooLarge',
  'XMinioStorageFull',
  'XMinioAdminBucketQuotaExceeded',
  'InsufficientStorage',
])

/** The service's own word for a failure, or the network's (ECONNREFUSED, …). */
export function codeOf(err: unknown): string {
  const code = (err as { code?: unknown } | null)?.code
  return typeof code === 'string' ? code : ''
}

/** Whether the same request may well succeed a moment later. */
export function isPassing(err: unknown): boolean {
  if (err instanceof HttpError) return false
  if (err instanceof S3Fault) {
    const { status, code } = err
    return (
      (status >= 500 && status !== 501 && !full.has(code)) ||
      status === 429 ||
      status === 408 ||
      code === 'RequestTimeout'
    )
  }
  return /^E[A-Z]+$|^ERR_(STREAM|HTTP|SOCKET)/.test(codeOf(err)) || /socket hang up|aborted/.test(String(err))
}

/**
 * A failure in our kinds, without names of hosts and buckets, which are nobody's business. What the S3 client or Node
 * threw is not kept: it can hold a key id or a signed string.
 */
export function translate(err: unknown, key?: string): unknown {
  if (err instanceof HttpError) return err
  const code = codeOf(err)
  const cause = err instanceof S3Fault ? err : plain(err, code)
  if (absent.has(code)) return new NotFound(`There is no object ${key ?? ''}`.trim(), { cause })
  if (code === 'NoSuchUpload') return new Gone(`Object ${key} was removed while it was written`, { cause })
  if (code === 'NoSuchBucket') return new Unavailable('The bucket does not exist', { cause })
  if (full.has(code) || (err instanceof S3Fault && err.status === 507)) {
    return new TooLarge('The object store has no room left', { cause })
  }
  if (refused.has(code))
    return new Unavailable(`The object store refuses the credentials (${code})`, { cause })
  if (err instanceof S3Fault) {
    return new Unavailable(`The object store failed (${code || err.status})`, { cause })
  }
  return new Unavailable(`The object store does not answer${code ? ` (${code})` : ''}`, { cause })
}

function plain(err: unknown, code: string): Error {
  const name = err instanceof Error ? err.name : typeof err
  return new Error(code ? `${name} ${code}` : name)
}

/** Runs something again, a little later each time, while its failures look passing. A signal ends it with its reason. `delay` is in seconds. */
export async function retrying<T>(
  run: (attempt: number) => Promise<T>,
  signal: AbortSignal | undefined,
  delay: number,
  attempts = 4,
): Promise<T> {
  for (let attempt = 1; ; attempt++) {
    signal?.throwIfAborted()
    try {
      return await run(attempt)
    } catch (err) {
      signal?.throwIfAborted()
      if (attempt >= attempts || !isPassing(err)) throw err
    }
    await backOff(attempt, signal, delay)
  }
}

/** Waits before the next try: about `delay` seconds after the first, twice that after the second, …; less when the signal fires. */
export function backOff(attempt: number, signal: AbortSignal | undefined, delay: number): Promise<void> {
  const milliseconds = delay * 1000 * 2 ** (attempt - 1) * (0.75 + Math.random() / 2)
  return new Promise(resolve => {
    if (signal?.aborted) return resolve()
    const done = () => {
      clearTimeout(timer)
      signal?.removeEventListener('abort', done)
      resolve()
    }
    const timer = setTimeout(done, milliseconds)
    signal?.addEventListener('abort', done)
  })
}
