import { open } from 'node:fs/promises'
import type { Logger } from 'pino'
import { StartFailure } from '../errors.js'
import type { HashPool } from '../streams/hash.js'
import { type Fill, startFill, watchFile } from './cached-fill.js'
import { type Entry, nameOf, openCacheFolder } from './cached-folder.js'
import { cachedBytes } from './cached-read.js'
import type { StoredBytes, Window } from './store.js'

export type { Entry } from './cached-folder.js'

/** What the cache has to know of an image whose bytes it is asked for. */
export interface Cacheable {
  id: string
  /** Bytes. */
  size: number
  /** MD5 in hex, which what is kept has to sum up to; null when nobody knows it. */
  md5: string | null
  /** Any text that changes when the bytes do. */
  version: string
}

/** What came of fetching: it is there now; it can't be kept; or another process is fetching it. */
export type Fetched = 'there' | 'refused' | 'elsewhere'

/** Reads from the store, as `ReadOnlyStore.read` does. */
export type Open = (window?: Window, signal?: AbortSignal) => Promise<StoredBytes>

/**
 * Copies of images on this machine's disk, in a bounded folder that the processes of one machine may share. What goes
 * wrong with it never keeps anybody from an image's bytes: they come from the store then.
 */
export interface ImageCache {
  /**
   * An image's bytes: from the cache when it is there; else from the store, through the cache when all of it is asked
   * for. Many who ask for one image that is not there yet share one read of the store. `open` fails as the store does.
   */
  read(
    image: Cacheable,
    open: Open,
    options?: { window?: Window | undefined; signal?: AbortSignal },
  ): Promise<StoredBytes>
  /** Whether an image is there. */
  has(image: Cacheable): Promise<boolean>
  /** Brings an image into the cache. Throws as `open` does. */
  fetch(image: Cacheable, open: Open): Promise<Fetched>
  /** Complete images, the longest not served first. */
  list(): Promise<Entry[]>
  /** Takes images out of the cache; who reads one goes on. Resolves with how many there were. */
  evict(ids: Iterable<string> | 'all'): Promise<number>
  /** Takes out what was not served for longest until the rest is within the bounds. */
  prune(): Promise<{ files: number; bytes: number }>
  /** Removes what was left incomplete and belongs to nobody any more. */
  clean(): Promise<void>
  /** Images that are to be fetched, in the order in which they came. It survives a restart. */
  queue: {
    list(): Promise<string[]>
    add(id: string): Promise<void>
    remove(ids: Iterable<string> | 'all'): Promise<number>
    /** Has somebody told when this process adds to it. */
    onAdded(tell: (() => void) | null): void
  }
  /** Stops what is being filled. */
  close(): Promise<void>
}

export interface CacheOptions {
  /** Folder of the cache; made when it is missing. */
  folder: string
  /** Bytes it may hold. */
  maxSize: number
  hashes: HashPool
  log: Logger
  /** Whether other processes may be filling files in it right now: then those are not thrown away. */
  shared?: boolean
}

/** How an image that is asked for comes: by a fill of ours, of another process, out of the cache, or past it. */
type Flight = Fill | 'elsewhere' | 'there' | 'past'

/** Opens the cache and throws away what a killed process left incomplete. Throws StartFailure when the folder can't be used. */
export async function openCache({
  folder: root,
  maxSize,
  hashes,
  log,
  shared = false,
}: CacheOptions): Promise<ImageCache> {
  const folder = await openCacheFolder(root, { keep: shared }).catch(cause => {
    throw new StartFailure(`The folder of the image cache can't be used: ${cause.message}.`, { cause })
  })
  const flights = new Map<string, { size: number; begun: Promise<Flight> }>()
  const fills = new Set<Fill>()
  const closing = new AbortController()
  let tellAdded: (() => void) | null = null

  const warn = (image: string, what: string) => (err: unknown) => log.warn({ err, image }, what)

  /** The name under which an image is kept; undefined when it can't be. */
  const keptAs = ({ id, size, version }: Cacheable) =>
    size > 0 && size <= maxSize && !closing.signal.aborted ? nameOf(id, version) : undefined

  async function entries(): Promise<Entry[]> {
    return (await folder.entries()).sort((a, b) => a.last_accessed - b.last_accessed)
  }

  /** Bytes that running fills will have had, those of other processes as far as they have come. */
  async function coming(): Promise<number> {
    const growing = await folder.growing()
    for (const [name, { size }] of flights) growing.set(name, size)
    return [...growing.values()].reduce((a, b) => a + b, 0)
  }

  async function prune(): Promise<{ files: number; bytes: number }> {
    const present = await entries()
    let excess = present.reduce((sum, { size }) => sum + size, await coming()) - maxSize
    const pruned = { files: 0, bytes: 0 }
    for (const { name, size } of present) {
      if (excess <= 0) break
      excess -= size
      if (!(await folder.drop(name))) continue
      pruned.files++
      pruned.bytes += size
    }
    return pruned
  }

  let turn: Promise<unknown> = Promise.resolve()
  /** One at a time, so that all agree on how much room there is. */
  function alone<T>(run: () => Promise<T>): Promise<T> {
    const done = turn.then(run)
    turn = done.catch(() => {})
    return done
  }

  /** Makes room for an image whose flight is counted already. */
  async function makeRoom(size: number): Promise<boolean> {
    if ((await coming()) > maxSize) return false
    await prune()
    return (await folder.free()) > size
  }

  async function begin(name: string, image: Cacheable, openStore: Open): Promise<Flight> {
    const failed = warn(image.id, 'an image could not be kept in the cache')
    const file = await alone(async () => {
      // it may have come between the caller's look and its turn
      if (await folder.complete(name, image.size)) return 'there'
      return (await makeRoom(image.size)) ? folder.create(name) : 'past'
    }).catch(err => {
      if (err.code === 'EEXIST') return 'elsewhere' as const
      failed(err)
      return 'past' as const
    })
    if (typeof file === 'string') return file
    const { ino } = await file.stat()
    try {
      const bytes = await openStore(undefined, closing.signal)
      const fill = startFill({ ...image, name, ino, folder, hashes, file, bytes, failed })
      fills.add(fill)
      void fill.ended.then(() => fills.delete(fill))
      return fill
    } catch (err) {
      await file.close()
      await folder.discard(name, ino).catch(failed)
      throw err
    }
  }

  /** The one flight of an image, begun when there is none. */
  function flightOf(name: string, image: Cacheable, openStore: Open): Promise<Flight> {
    const present = flights.get(name)
    if (present) return present.begun
    const flight = { size: image.size, begun: begin(name, image, openStore) }
    flights.set(name, flight)
    const over = () => {
      if (flights.get(name) === flight) flights.delete(name)
    }
    flight.begun.then(fill => (typeof fill === 'string' ? over() : fill.ended.then(over)), over)
    return flight.begun
  }

  /** Joins an image's flight; one that is just being given up is waited for, and followed by another. */
  async function board(name: string, image: Cacheable, openStore: Open): Promise<Flight> {
    for (;;) {
      const flight = await flightOf(name, image, openStore)
      if (typeof flight === 'string' || flight.expect()) return flight
      await flight.ended
    }
  }

  async function openComplete(name: string, size: number) {
    const path = await folder.complete(name, size)
    if (path === undefined) return undefined
    const file = await open(path)
    return { file, reach: async () => size, close: () => file.close() }
  }

  async function openElsewhere(name: string) {
    const file = await open(folder.incomplete(name))
    return { ...watchFile(file), close: () => file.close() }
  }

  async function evict(ids: Iterable<string> | 'all'): Promise<number> {
    const chosen = ids === 'all' ? null : new Set(ids)
    const wanted = (id: string) => chosen === null || chosen.has(id)
    for (const [name, { begun }] of flights) {
      if (!wanted(name.slice(0, name.indexOf('.')))) continue
      flights.delete(name)
      begun.then(fill => (typeof fill === 'string' ? undefined : fill.discard())).catch(() => {})
    }
    let count = 0
    for (const { name, image_id } of await folder.entries())
      if (wanted(image_id) && (await folder.drop(name))) count++
    return count
  }

  return {
    async read(image, openStore, { window, signal } = {}) {
      const { id, size } = image
      const name = keptAs(image)
      if (name === undefined) return openStore(window, signal)
      const failed = warn(id, 'the cache could not be read')
      const rest = (part: Window) => openStore(part, signal)
      const common = { size, window, rest, failed }
      const hit = !flights.has(name) && (await folder.complete(name, size).catch(failed))
      if (hit) {
        await folder.hit(name).catch(failed)
        return cachedBytes({ ...common, open: () => openComplete(name, size) })
      }
      if (window) return openStore(window, signal)
      const fill = await board(name, image, openStore)
      if (fill === 'past') return openStore(undefined, signal)
      if (typeof fill === 'string') {
        const openAny = async () =>
          (await openComplete(name, size)) ??
          (await openElsewhere(name).catch(() => openComplete(name, size)))
        return cachedBytes({ ...common, open: openAny })
      }
      return cachedBytes({
        ...common,
        async open() {
          const growing = fill.join()
          return growing ? { ...growing, close: () => fill.leave() } : openComplete(name, size)
        },
      })
    },

    async has(image) {
      const name = keptAs(image)
      if (name === undefined) return false
      const found = await folder
        .complete(name, image.size)
        .catch(warn(image.id, 'the cache could not be read'))
      return typeof found === 'string'
    },

    async fetch(image, openStore) {
      const name = keptAs(image)
      if (name === undefined) return 'refused'
      if (await folder.complete(name, image.size)) return 'there'
      const fill = await board(name, image, openStore)
      if (fill === 'past') return 'refused'
      if (typeof fill === 'string') return fill
      return (await fill.ended) ? 'there' : 'refused'
    },

    list: entries,
    evict,
    prune: () => alone(prune),
    clean: () => folder.clean(),

    queue: {
      list: () => folder.queue(),
      async add(id) {
        await folder.enqueue(id)
        tellAdded?.()
      },
      onAdded(tell) {
        tellAdded = tell
      },
      async remove(ids) {
        let count = 0
        for (const id of ids === 'all' ? await folder.queue() : ids) if (await folder.dequeue(id)) count++
        return count
      },
    },

    async close() {
      closing.abort(new Error('the cache is closed'))
      await Promise.allSettled([...flights.values()].map(({ begun }) => begun))
      for (const fill of fills) fill.stop()
      await Promise.all([...fills].map(({ ended }) => ended))
    },
  }
}
