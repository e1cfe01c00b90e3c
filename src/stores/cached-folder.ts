import { createHash } from 'node:crypto'
import { appendFile, open, readdir, rename, rm, stat, statfs, unlink, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { makeFolder } from '../folder.js'

/**
 * The files of an image cache. `images` holds complete ones, `incomplete` those that are being filled, `hits` beside
 * each image one byte for every time it was served, and `queue` the ids of images that are to be fetched. All that is
 * known of the cache is in these files, so that several processes of one machine can share it.
 */

/** One complete image. */
export interface Entry {
  image_id: string
  /** Name of its file. */
  name: string
  /** Bytes. */
  size: number
  /** Times it was served. */
  hits: number
  /** Seconds since 1970, with a fraction. */
  last_accessed: number
  last_modified: number
}

/** Seconds without growth after which a file that is being filled counts as left behind by a dead process. */
export const STALLED = 120

/**
 * The name of the file for some version of an image's bytes; undefined for an id that is no plain word, which no image
 * of ours has.
 */
export function nameOf(id: string, version: string): string | undefined {
  if (!isId(id)) return undefined
  return `${id}.${createHash('sha256').update(version).digest('hex').slice(0, 32)}`
}

const isId = (id: string) => /^[0-9A-Za-z-]{1,36}$/.test(id)
const idOf = (name: string) => name.slice(0, name.indexOf('.'))

export type CacheFolder = Awaited<ReturnType<typeof openCacheFolder>>

/** Makes the folders where they are missing, and throws away what was left incomplete unless told to keep it. */
export async function openCacheFolder(root: string, { keep = false } = {}) {
  const at = (folder: 'images' | 'incomplete' | 'hits' | 'queue', name = '') => path.join(root, folder, name)
  if (!keep) await rm(at('incomplete'), { recursive: true, force: true })
  for (const folder of ['images', 'incomplete', 'hits', 'queue'] as const) makeFolder(at(folder), 0o750)

  /** Complete images, in no order. */
  async function entries(): Promise<Entry[]> {
    const names = await readdir(at('images'))
    const found = await Promise.all(names.map(entry))
    return found.filter(one => one !== undefined)
  }

  async function entry(name: string): Promise<Entry | undefined> {
    const [file, hits] = await Promise.all([facts(at('images', name)), facts(at('hits', name))])
    if (!file) return undefined
    return {
      image_id: idOf(name),
      name,
      size: file.size,
      hits: hits?.size ?? 0,
      last_accessed: Math.max(hits?.mtimeMs ?? 0, file.mtimeMs) / 1000,
      last_modified: file.mtimeMs / 1000,
    }
  }

  /** Removes a complete image; those who read it go on. False when it was not there. */
  async function drop(name: string): Promise<boolean> {
    const dropped = await removed(at('images', name))
    await removed(at('hits', name))
    return dropped
  }

  return {
    entries,
    drop,

    /** Path of a complete image of that many bytes; undefined when there is none. */
    async complete(name: string, size: number): Promise<string | undefined> {
      const file = at('images', name)
      const found = await facts(file)
      if (found?.size === size) return file
      if (found) await drop(name)
      return undefined
    },

    /** Counts that an image was served. */
    hit: (name: string) => appendFile(at('hits', name), '.', { mode: 0o640 }),

    incomplete: (name: string) => at('incomplete', name),

    /** Creates the file that is to be filled. Fails with EEXIST while another process fills it. */
    async create(name: string) {
      const file = at('incomplete', name)
      const found = await facts(file)
      if (found && Date.now() - found.mtimeMs > STALLED * 1000) await removed(file)
      return open(file, 'wx+', 0o640)
    },

    /** Makes a filled file a complete image, in place of other versions; false when it was thrown away meanwhile. */
    async publish(name: string, ino: number): Promise<boolean> {
      if ((await facts(at('incomplete', name)))?.ino !== ino) return false
      await removed(at('hits', name))
      await rename(at('incomplete', name), at('images', name))
      for (const other of await readdir(at('images')))
        if (other !== name && idOf(other) === idOf(name)) await drop(other)
      return true
    },

    /** Removes a file that was not filled to its end, if it is still the one. */
    async discard(name: string, ino: number): Promise<void> {
      if ((await facts(at('incomplete', name)))?.ino === ino) await removed(at('incomplete', name))
    },

    /** Bytes in incomplete files, by name. */
    async growing(): Promise<Map<string, number>> {
      const found = new Map<string, number>()
      for (const name of await readdir(at('incomplete')))
        found.set(name, (await facts(at('incomplete', name)))?.size ?? 0)
      return found
    },

    /** Removes what belongs to nothing: files that nobody fills any more, hits of images that are gone. */
    async clean(): Promise<void> {
      for (const name of await readdir(at('incomplete'))) {
        const found = await facts(at('incomplete', name))
        if (found && Date.now() - found.mtimeMs > STALLED * 1000) await removed(at('incomplete', name))
      }
      for (const name of await readdir(at('hits')))
        if (!(await facts(at('images', name)))) await removed(at('hits', name))
    },

    /** Bytes that the disk has left. */
    async free(): Promise<number> {
      const disk = await statfs(root)
      return disk.bavail * disk.bsize
    },

    /** Ids of images that are to be fetched, the longest waiting first. */
    async queue(): Promise<string[]> {
      const names = await readdir(at('queue'))
      const found = await Promise.all(
        names.map(async id => ({ id, since: (await facts(at('queue', id)))?.mtimeMs })),
      )
      return found
        .filter(({ since }) => since !== undefined)
        .sort((a, b) => a.since! - b.since!)
        .map(({ id }) => id)
    },

    /** Adds an image to the queue; one that is there keeps its place. */
    async enqueue(id: string): Promise<void> {
      if (!isId(id)) return
      await writeFile(at('queue', id), '', { flag: 'wx', mode: 0o640 }).catch(err => {
        if (err.code !== 'EEXIST') throw err
      })
    },

    /** Takes an image from the queue; false when it was not there. */
    dequeue: async (id: string) => isId(id) && removed(at('queue', id)),
  }
}

const missing = (err: NodeJS.ErrnoException) => {
  if (err.code !== 'ENOENT') throw err
  return undefined
}

const facts = (file: string) => stat(file).catch(missing)

const removed = async (file: string) => (await unlink(file).then(() => true, missing)) ?? false
