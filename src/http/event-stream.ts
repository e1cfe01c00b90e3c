import type { OutgoingHttpHeaders } from 'node:http'
import type { FastifyReply, FastifyRequest } from 'fastify'
import { addVary } from './vary.js'

/** An answer that goes on: server-sent events. */
export interface EventStream {
  /** Aborts when the client has gone. */
  closed: AbortSignal
  /** Sends an event; one for which the client takes too long is left out. */
  send(data: object): void
  /** Sends a sign of life, which clients and proxies pass over. */
  beat(): void
  end(): void
}

/** Whether a client asks for events instead of one answer. */
export function wantsEvents(request: FastifyRequest, reply: FastifyReply): boolean {
  addVary(reply, 'Accept')
  return (request.headers.accept ?? '').split(',').some(part => {
    const [type = '', ...parameters] = part.split(';').map(text => text.trim().toLowerCase())
    return type === 'text/event-stream' && !parameters.some(text => /^q=0(\.0*)?$/.test(text))
  })
}

/** Begins to answer with events, past Fastify's own sending. */
export function openEventStream(reply: FastifyReply): EventStream {
  const closed = new AbortController()
  reply.hijack()
  const { raw } = reply
  raw.once('close', () => closed.abort())
  if (raw.destroyed) closed.abort()
  raw.writeHead(200, {
    ...(reply.getHeaders() as OutgoingHttpHeaders),
    'content-type': 'text/event-stream',
    'cache-control': 'no-store',
    // nginx would hold the events back
    'x-accel-buffering': 'no',
  })
  raw.flushHeaders()
  const write = (text: string) => {
    if (!raw.writableNeedDrain && !raw.writableEnded && !raw.destroyed) raw.write(text)
  }
  return {
    closed: closed.signal,
    send: data => write(`data: ${JSON.stringify(data)}\n\n`),
    beat: () => write(':\n\n'),
    end: () => raw.end(),
  }
}
