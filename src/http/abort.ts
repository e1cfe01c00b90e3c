import type { FastifyReply } from 'fastify'
import { BadRequest } from '../errors.js'

/** A signal that follows the client: it aborts when the connection ends before the answer is complete. */
export function abortSignal(reply: FastifyReply): AbortSignal {
  const controller = new AbortController()
  const { raw } = reply
  const closed = () => {
    if (!raw.writableFinished)
      controller.abort(new BadRequest('The client closed the connection.', { code: 'upload_cut' }))
  }
  if (raw.destroyed) closed()
  else raw.once('close', closed)
  return controller.signal
}
