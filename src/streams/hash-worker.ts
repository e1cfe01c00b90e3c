import { createHash, type Hash } from 'node:crypto'
import { parentPort } from 'node:worker_threads'

/**
 * Runs on a thread of its own: digests of blocks that lie in shared memory, in the order in which they are named.
 * Several streams take turns, block by block.
 */

/** What the main thread says; `id` tells one stream of bytes from the others. */
export type Order =
  | { kind: 'start'; id: number; algorithms: string[]; memory: SharedArrayBuffer }
  | { kind: 'update'; id: number; at: number; length: number }
  | { kind: 'digest'; id: number }
  | { kind: 'drop'; id: number }

/** What the worker answers: one for each update, one for each digest, none for the others. */
export type Answer = { id: number; failed?: string; digests?: Record<string, string> }

interface Stream {
  memory: SharedArrayBuffer
  hashes: [string, Hash][]
}

const streams = new Map<number, Stream>()
const port = parentPort

port?.on('message', (order: Order) => {
  try {
    obey(order)
  } catch (err) {
    streams.delete(order.id)
    answer({ id: order.id, failed: String(err) })
  }
})

function obey(order: Order): void {
  switch (order.kind) {
    case 'start':
      streams.set(order.id, {
        memory: order.memory,
        hashes: order.algorithms.map(name => [name, createHash(name)]),
      })
      return
    case 'update': {
      const stream = streams.get(order.id)
      if (!stream) return
      const bytes = new Uint8Array(stream.memory, order.at, order.length)
      for (const [, hash] of stream.hashes) hash.update(bytes)
      answer({ id: order.id })
      return
    }
    case 'digest': {
      const stream = streams.get(order.id)
      if (!stream) return
      streams.delete(order.id)
      const digests = Object.fromEntries(stream.hashes.map(([name, hash]) => [name, hash.digest('hex')]))
      answer({ id: order.id, digests })
      return
    }
    case 'drop':
      streams.delete(order.id)
  }
}

function answer(message: Answer): void {
  port?.postMessage(message)
}
