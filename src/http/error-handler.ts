import { STATUS_CODES } from 'node:http'
import type { FastifyError, FastifyReply, FastifyRequest } from 'fastify'
import { isDatabaseTrouble } from '../db/trouble.js'
import { HttpError } from '../errors.js'
import { takesJsonErrors } from './accept.js'
import { lingerAfter } from './early-answer.js'

/** Reason phrases in which Glance differs from today's names. */
const phrases: Record<number, string> = {
  413: 'Request Entity Too Large',
  416: 'Request Range Not Satisfiable',
}

/** The reason phrase of a status, in Glance's words. */
export const reason = (status: number) => phrases[status] ?? STATUS_CODES[status] ?? 'Unknown'

/** The status and sentence of anything thrown; what nobody foresaw is 500 and says nothing of itself. */
export function describe(error: unknown): {
  status: number
  message: string
  headers: Record<string, string>
} {
  if (error instanceof HttpError)
    return { status: error.status, message: error.message, headers: error.headers }
  const known = error as Partial<FastifyError>
  if (known.validation)
    return { status: 400, message: known.message ?? 'The request is not valid.', headers: {} }
  if (known.statusCode !== undefined && known.statusCode >= 400 && known.statusCode < 500) {
    return { status: known.statusCode, message: known.message ?? reason(known.statusCode), headers: {} }
  }
  if (isDatabaseTrouble(error)) {
    return {
      status: 503,
      message: 'The database does not answer; try again in a while.',
      headers: { 'retry-after': '5' },
    }
  }
  return {
    status: 500,
    message: 'The server met an error it did not expect; its log has the details.',
    headers: {},
  }
}

/**
 * The body of an error: Glance's JSON where Glance would send it, plain text otherwise (never Glance's HTML, as a
 * browser would run what it quotes). `code` is the string "404 Not Found", as Glance sends it.
 */
export function errorBody(
  accept: string | undefined,
  status: number,
  message: string,
): { type: string; body: string } {
  const title = reason(status)
  if (takesJsonErrors(accept)) {
    const body = JSON.stringify({ message, code: `${status} ${title}`, title })
    return { type: 'application/json', body }
  }
  return { type: 'text/plain; charset=UTF-8', body: `${status} ${title}\n\n${message}\n` }
}

/** Answers anything thrown; what nobody foresaw is logged whole, a part that does not answer is told, refusals quietly. */
export function handleError(error: unknown, request: FastifyRequest, reply: FastifyReply): void {
  const { status, message, headers } = describe(error)
  if (status === 500) request.log.error({ err: error }, message)
  else if (status === 503) request.log.warn({ err: error }, message)
  else request.log.debug({ status, reason: message }, 'refused')
  lingerAfter(request, reply)
  const { type, body } = errorBody(request.headers.accept, status, message)
  void reply.code(status).headers(headers).header('content-type', type).send(Buffer.from(body))
}
