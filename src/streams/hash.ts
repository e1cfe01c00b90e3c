import { getHashes } from 'node:crypto'
import { Worker } from 'node:worker_threads'
import type { Answer, Order } from './hash-worker.js'

/**
 * Digests on worker threads. A stream's bytes lie in a ring of shared blocks that the main thread fills; each of its
 * algorithms is computed in place by one worker, so that an upload's md5 and sha512 take a core each.
 */
export interface HashPool {
  /**
   * Begins digests over one stream of bytes; algorithms are node crypto names. With no algorithm it only lends the
   * blocks. End it with `digest` or `drop`, always.
   */
  start(algorithms: readonly string[], options?: { blockSize?: number; blocks?: number }): Hashing
  /** Streams that were started and neither digested nor dropped. */
  readonly active: number
  /** Stops the workers; streams under way fail. */
  close(): Promise<void>
}

/** The digests of one stream, and the memory its bytes pass through. */
export interface Hashing {
  /** Shared memory, all blocks of one size. A block may be filled while no update of it is under way. */
  readonly blocks: readonly Uint8Array[]
  /**
   * Adds the first `length` bytes of a block, after those of the updates before, and resolves when the block may be
   * filled again. Updates may overlap.
   */
  update(block: number, length: number): Promise<void>
  /** The digests in hex by algorithm. To be called when all updates have resolved and nobody uses the blocks any more. */
  digest(): Promise<Record<string, string>>
  /** Gives the digests up, at any time; updates under way never resolve. */
  drop(): void
}

/** A worker and the streams that it works for. */
interface Hand {
  worker: Worker
  /** Streams by id: who takes the next answer, in order, and what happens when the worker dies. */
  streams: Map<number, { next: ((answer: Answer) => void)[]; fail: (err: Error) => void }>
}

const MiB = 2 ** 20
/** Rings that are kept for the next upload instead of being allocated again. */
const KEPT_RINGS = 4

/** Opens the pool. The workers start with the first stream and hold the process open only while one is under way. */
export function openHashPool({ workers = 2 }: { workers?: number } = {}): HashPool {
  const hands: (Hand | undefined)[] = new Array(workers).fill(undefined)
  const spare: SharedArrayBuffer[] = []
  let turn = 0
  let lastId = 0
  let active = 0
  let closed = false

  function hire(index: number): Hand {
    const present = hands[index]
    if (present) return present
    const worker = new Worker(new URL('./hash-worker.js', import.meta.url))
    const hand: Hand = { worker, streams: new Map() }
    hands[index] = hand
    worker.unref()
    worker.on('message', (answer: Answer) => {
      const stream = hand.streams.get(answer.id)
      if (answer.failed === undefined) stream?.next.shift()?.(answer)
      else stream?.fail(new Error(`Hashing failed: ${answer.failed}`))
    })
    const lost = (err: Error) => {
      if (hands[index] === hand) hands[index] = undefined
      for (const stream of [...hand.streams.values()]) stream.fail(err)
    }
    worker.on('error', lost)
    worker.on('exit', () => lost(new Error('The hash worker ended')))
    return hand
  }

  /** The workers for so many algorithms: different ones, those with the fewest streams first. */
  function choose(count: number): Hand[] {
    const order = hands.map((_, i) => (i + turn) % workers)
    turn = (turn + 1) % workers
    const load = (i: number) => hands[i]?.streams.size ?? 0
    order.sort((a, b) => load(a) - load(b))
    return order.slice(0, Math.min(count, workers)).map(hire)
  }

  function start(
    algorithms: readonly string[],
    { blockSize = MiB, blocks = 8 }: { blockSize?: number; blocks?: number } = {},
  ): Hashing {
    if (closed) throw new Error('The hash pool is closed')
    for (const name of algorithms) {
      if (!known.has(name)) throw new Error(`Unknown digest algorithm ${name}`)
    }
    const id = ++lastId
    const memory = borrow(blockSize * blocks)
    const parts = choose(algorithms.length).map((hand, i, all) => ({
      hand,
      algorithms: algorithms.filter((_, n) => n % all.length === i),
    }))
    let over = false
    let failure: Error | null = null
    const waiting = new Set<(err: Error) => void>()

    function fail(err: Error) {
      if (over) return
      failure = err
      leave()
      for (const reject of waiting) reject(err)
    }
    function leave() {
      over = true
      active--
      for (const { hand } of parts) {
        hand.streams.delete(id)
        hand.worker.postMessage({ kind: 'drop', id } satisfies Order)
        if (hand.streams.size === 0) hand.worker.unref()
      }
    }
    function tell(make: () => Order): Promise<Answer[]> {
      if (failure) return Promise.reject(failure)
      if (over) return Promise.reject(new Error('The digest has ended'))
      return new Promise((resolve, reject) => {
        const answers: Answer[] = []
        let open = parts.length
        if (open === 0) return resolve(answers)
        waiting.add(reject)
        for (const { hand } of parts) {
          hand.streams.get(id)!.next.push(answer => {
            answers.push(answer)
            if (--open > 0) return
            waiting.delete(reject)
            resolve(answers)
          })
          hand.worker.postMessage(make())
        }
      })
    }

    active++
    for (const { hand, algorithms } of parts) {
      if (hand.streams.size === 0) hand.worker.ref()
      hand.streams.set(id, { next: [], fail })
      hand.worker.postMessage({ kind: 'start', id, algorithms, memory } satisfies Order)
    }
    return {
      blocks: Array.from({ length: blocks }, (_, i) => new Uint8Array(memory, i * blockSize, blockSize)),
      async update(block, length) {
        await tell(() => ({ kind: 'update', id, at: block * blockSize, length }))
      },
      async digest() {
        const answers = await tell(() => ({ kind: 'digest', id }))
        leave()
        if (spare.length < KEPT_RINGS) spare.push(memory)
        const found = Object.assign({}, ...answers.map(answer => answer.digests)) as Record<string, string>
        return Object.fromEntries(algorithms.map(name => [name, found[name]!]))
      },
      drop() {
        if (!over) leave()
      },
    }
  }

  function borrow(size: number): SharedArrayBuffer {
    const index = spare.findIndex(memory => memory.byteLength === size)
    return index < 0 ? new SharedArrayBuffer(size) : spare.splice(index, 1)[0]!
  }

  return {
    start,
    get active() {
      return active
    },
    async close() {
      closed = true
      await Promise.all(hands.map(hand => hand?.worker.terminate()))
    },
  }
}

const known = new Set(getHashes())
