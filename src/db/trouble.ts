/** SQLSTATE classes of a database that can't serve: no connection, no resources, shutting down or starting up. */
const states = /^(?:08|53|57P)/
const sockets = new Set([
  'ECONNREFUSED',
  'ECONNRESET',
  'EPIPE',
  'ENOENT',
  'ETIMEDOUT',
  'EHOSTUNREACH',
  'ENOTFOUND',
])
/** What pg says itself, without a code. */
const sentences =
  /^(?:Connection terminated|timeout exceeded when trying to connect|Client has encountered a connection error|Query read timeout)/

/**
 * Whether a statement failed because the database does not answer, which is nobody's fault here and passes. `socket`
 * errors count only as pg throws them: with the system call that dials or writes.
 */
export function isDatabaseTrouble(error: unknown): boolean {
  if (!(error instanceof Error)) return false
  const { code, syscall } = error as NodeJS.ErrnoException
  if (sentences.test(error.message)) return true
  if (code === undefined) return false
  if (sockets.has(code)) return ['connect', 'read', 'write', 'getaddrinfo'].includes(syscall ?? '')
  return 'severity' in error && states.test(code)
}
