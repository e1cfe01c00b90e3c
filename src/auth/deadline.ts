/**
 * Runs work with a signal that aborts after a time, or with another signal. Not AbortSignal.any: on Node 20 one that
 * joins an AbortSignal.timeout can be collected as garbage before its time comes, and then never aborts.
 *
 * @param ms how long the work may take; the signal's reason is then a TimeoutError
 */
export async function withDeadline<T>(
  ms: number,
  signal: AbortSignal | undefined,
  work: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const control = new AbortController()
  const abort = () => control.abort(signal!.reason)
  if (signal?.aborted) abort()
  signal?.addEventListener('abort', abort, { once: true })
  const timer = setTimeout(() => {
    control.abort(new DOMException(`no answer in ${ms / 1000} s`, 'TimeoutError'))
  }, ms)
  try {
    return await work(control.signal)
  } finally {
    clearTimeout(timer)
    signal?.removeEventListener('abort', abort)
  }
}
