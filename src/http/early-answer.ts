import type { FastifyReply, FastifyRequest } from 'fastify'

/** Milliseconds for which the rest of a refused body is read and thrown away. */
const LINGER = 10_000

/**
 * Asks a client that waits for it (`Expect: 100-continue`) to send its body; called when everything that can be
 * known before is checked.
 */
export function wantBody(request: FastifyRequest, reply: FastifyReply): void {
  if (/100-continue/i.test(request.headers.expect ?? '')) reply.raw.writeContinue()
}

/**
 * Lets an answer that came before the end of the body reach the client: what is still coming is read for a while,
 * as many clients look for an answer only when they have sent everything; then the connection ends.
 */
export function lingerAfter(request: FastifyRequest, reply: FastifyReply): void {
  const { raw } = request
  if (raw.complete || raw.destroyed) return
  reply.raw.once('finish', () => {
    if (raw.complete) return
    raw.unpipe()
    raw.resume()
    const timer = setTimeout(() => raw.destroy(), LINGER).unref()
    raw.once('close', () => clearTimeout(timer))
  })
}
