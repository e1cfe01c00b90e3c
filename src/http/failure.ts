import {
  BadRequest,
  Conflict,
  type FailureCode,
  Forbidden,
  Gone,
  HttpError,
  NotFound,
  RequestTimeout,
  TooLarge,
  Unavailable,
  UnsupportedMedia,
} from '../errors.js'
import { describe } from './error-handler.js'

/** Why bytes did not come: a word for programs and a sentence for people. */
export interface Failure {
  code: FailureCode
  message: string
}

/** Longest sentence that is kept. */
const MAX_MESSAGE = 1000

/** What is told of anything thrown while bytes were on their way. */
export function failureOf(error: unknown): Failure {
  const { status, message } = describe(error)
  const code = error instanceof HttpError ? (error.code ?? byKind(error)) : undefined
  return {
    code: code ?? (status === 503 ? 'part_unavailable' : 'internal_error'),
    message: message.slice(0, MAX_MESSAGE),
  }
}

/**
 * The same for bytes that a client sends: what breaks off then is its request, by the client or, where that is
 * stopping, by the server.
 */
export function uploadFailureOf(error: unknown, { stopping }: { stopping: boolean }): Failure {
  const failure = failureOf(error)
  if (failure.code !== 'source_cut' && failure.code !== 'upload_cut') return failure
  return stopping ? interrupted : { ...failure, code: 'upload_cut' }
}

/** What ends with the process that did it. */
export const interrupted: Failure = {
  code: 'interrupted',
  message: 'The server stopped while the bytes came in.',
}

function byKind(error: HttpError): FailureCode | undefined {
  if (error instanceof TooLarge) return 'too_large'
  if (error instanceof UnsupportedMedia) return 'format_mismatch'
  if (error instanceof RequestTimeout) return 'source_cut'
  if (error instanceof Conflict || error instanceof Gone) return 'image_changed'
  if (error instanceof Unavailable) return 'part_unavailable'
  if (error instanceof BadRequest || error instanceof NotFound || error instanceof Forbidden) return 'refused'
  return undefined
}
