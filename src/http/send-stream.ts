import type { OutgoingHttpHeaders } from 'node:http'
import type { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import type { FastifyReply, FastifyRequest } from 'fastify'

/** Milliseconds for which a client may take nothing. */
const IDLE = 120_000

/**
 * Answers with a stream whose length nobody knows, as fast as the client takes it. When the client goes away or stalls,
 * the stream is destroyed; a failure after the headers can only be told by breaking the connection, which clients
 * notice by the missing last chunk.
 */
export async function sendStream(
  request: FastifyRequest,
  reply: FastifyReply,
  stream: Readable,
  headers: OutgoingHttpHeaders,
): Promise<FastifyReply> {
  reply.hijack()
  const { raw } = reply
  const { socket } = raw
  const stalled = () => socket?.destroy()
  socket?.setTimeout(IDLE, stalled)
  raw.writeHead(200, { ...(reply.getHeaders() as OutgoingHttpHeaders), ...headers })
  try {
    await pipeline(stream, raw)
  } catch (error) {
    request.log.warn({ err: error }, 'an answer broke off')
    raw.destroy()
  } finally {
    socket?.setTimeout(0)
    socket?.off('timeout', stalled)
  }
  return reply
}
