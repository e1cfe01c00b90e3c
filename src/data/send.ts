import type { OutgoingHttpHeaders } from 'node:http'
import type { FastifyReply, FastifyRequest } from 'fastify'
import type { Download } from './download.js'

/** Milliseconds for which a client may take nothing of a download. */
const IDLE = 120_000

/**
 * Sends an image's bytes to the client with Glance's headers, past Fastify's own sending, at the store's best speed.
 * A failure after the headers can only be told by breaking the connection, which Content-Length lets clients notice.
 */
export async function send(request: FastifyRequest, reply: FastifyReply, download: Download): Promise<void> {
  const { image, bytes, window } = download
  const length = window ? window.end - window.start + 1 : bytes.size
  reply.hijack()
  const { raw } = reply
  const { socket } = raw
  const stalled = () => socket?.destroy()
  socket?.setTimeout(IDLE, stalled)
  raw.writeHead(window ? 206 : 200, {
    ...(reply.getHeaders() as OutgoingHttpHeaders),
    'content-type': 'application/octet-stream',
    'content-length': length,
    ...(image.checksum && { 'content-md5': image.checksum }),
    ...(window && { 'content-range': `bytes ${window.start}-${window.end}/${bytes.size}` }),
  })
  try {
    if (length > 0) await bytes.sendTo(raw)
    raw.end()
  } catch (error) {
    request.log.warn({ err: error, image: image.id }, 'a download broke off')
    raw.destroy()
  } finally {
    socket?.setTimeout(0)
    socket?.off('timeout', stalled)
  }
}
