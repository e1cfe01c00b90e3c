import type { FastifyReply } from 'fastify'

/** Tells caches that the answer depends on a header of the request. */
export function addVary(reply: FastifyReply, name: string): void {
  const before = reply.getHeader('vary')
  reply.header('vary', before === undefined ? name : `${before}, ${name}`)
}
