import type { FastifyRequest } from 'fastify'
import { BadRequest } from '../errors.js'

/** The parameters of a query string in their order, repeated ones included. Throws BadRequest when they are not UTF-8. */
export function queryOf(request: Pick<FastifyRequest, 'url'>): URLSearchParams {
  const at = request.url.indexOf('?')
  const text = at < 0 ? '' : request.url.slice(at + 1)
  const bytes = text.replace(/%([0-9a-f]{2})/gi, (_, hex) => String.fromCharCode(Number.parseInt(hex, 16)))
  try {
    new TextDecoder('utf-8', { fatal: true }).decode(Buffer.from(bytes, 'latin1'))
  } catch (cause) {
    throw new BadRequest('The query string is not valid UTF-8.', { cause })
  }
  return new URLSearchParams(text)
}
