import { constants } from 'node:fs'
import { access, type FileHandle, lstat, open, opendir, rename, stat, statfs, unlink } from 'node:fs/promises'
import path from 'node:path'
import { Conflict, Gone, HttpError, NotFound, TooLarge, Unavailable } from '../errors.js'
import { makeFolder } from '../folder.js'
import { fileStream, sendFile } from './file-read.js'
import { assertKey, isKey } from './keys.js'
import { refuseUnknown, type StoreKind } from './kind.js'
import type { ObjectWriter, Store } from './store.js'
import { extent } from './window.js'

export interface FileSettings {
  /** Folder that holds the objects, absolute. */
  root: string
}

const MiB = 2 ** 20
/** Bytes after which what was written is sent to the disk in the background, so that the sync at the end is short. */
const FLUSH_EVERY = 64 * MiB

/** `file:/path`: objects as files of one folder. */
export const fileKind: StoreKind<FileSettings> = {
  parse(text, parameters) {
    refuseUnknown(parameters, [])
    const match = /^file:(?:\/\/)?(\/[^/].*|\/)$/s.exec(text)
    if (!match) throw new Error('needs an absolute path, as in file:/var/lib/images')
    const root = path.resolve(decode(match[1]!))
    return { url: `file:${root}`, settings: { root } }
  },
  open: (name, settings) => openFileStore(name, settings),
  properties: ({ root }) => ({ data_dir: root, chunk_size: MiB, thin_provisioning: false }),
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    throw new Error('has a % that is not followed by two hex digits (a plain % is written %25)')
  }
}

/**
 * Opens a store of files in one folder, which is made when it is missing (mode 0750, files 0640). An object is the file
 * of its key's name; while it is written it is `.KEY.partial`. Throws StartFailure when the folder can't be made.
 */
export async function openFileStore(name: string, { root }: FileSettings): Promise<Store> {
  const fail = (err: unknown, key?: string) => translate(err, root, key)
  makeFolder(root, 0o750)

  const store: Store = {
    name,
    kind: 'file',

    async write(key, { size, signal } = {}) {
      const { final, partial } = place(root, key)
      signal?.throwIfAborted()
      try {
        if (size !== undefined) {
          const disk = await statfs(root)
          if (size > disk.bavail * disk.bsize) throw new TooLarge(`There is no room for ${size} bytes`)
        }
        if (await exists(final)) throw new Conflict(`There is an object ${key} already`)
        return openWriter(await open(partial, 'wx', 0o640), { root, final, partial, key, signal })
      } catch (err) {
        throw fail(err, key)
      }
    },

    async stat(key, signal) {
      signal?.throwIfAborted()
      const { final } = place(root, key)
      try {
        return { size: await sizeOf(root, final, key) }
      } catch (err) {
        throw fail(err, key)
      }
    },

    async read(key, window, signal) {
      const { size } = await store.stat(key, signal)
      const { start, length } = extent(size, window)
      const source = {
        open: () => open(place(root, key).final, 'r'),
        start,
        length,
        translate: (err: unknown) =>
          (err as { code?: string })?.code === 'ENOENT' ? none(key) : fail(err, key),
        signal,
      }
      return {
        size,
        stream: () => fileStream(source),
        sendTo: sink => sendFile(source, sink),
      }
    },

    async remove(key, signal) {
      signal?.throwIfAborted()
      const { final, partial } = place(root, key)
      for (const file of [partial, final]) {
        await unlink(file).catch(err => {
          if (err.code !== 'ENOENT') throw fail(err, key)
        })
      }
      if (!(await exists(root))) throw missing(root)
    },

    async *list(signal) {
      signal?.throwIfAborted()
      try {
        for await (const { name } of await opendir(root, { bufferSize: 512 })) {
          signal?.throwIfAborted()
          const unfinished = /^\.(.+)\.partial$/.exec(name)
          const key = unfinished ? unfinished[1]! : name
          if (!isKey(key)) continue
          const facts = await lstat(path.join(root, name)).catch(ignoreMissing)
          if (facts?.isFile()) yield { key, size: facts.size, modified: facts.mtime, finished: !unfinished }
        }
      } catch (err) {
        throw fail(err)
      }
    },

    async check(signal) {
      signal?.throwIfAborted()
      try {
        await access(root, constants.R_OK | constants.W_OK | constants.X_OK)
        await statfs(root)
      } catch (err) {
        throw fail(err)
      }
    },
  }
  return store
}

/** Where an object is, and where it is made. Proven to be within the root, whatever the rule for keys may become. */
function place(root: string, key: string): { final: string; partial: string } {
  assertKey(key)
  const final = path.join(root, key)
  const partial = path.join(root, `.${key}.partial`)
  for (const file of [final, partial]) {
    if (path.dirname(path.resolve(file)) !== root) throw new Error(`${JSON.stringify(key)} leaves the store`)
  }
  return { final, partial }
}

interface Place {
  root: string
  final: string
  partial: string
  key: string
  signal: AbortSignal | undefined
}

/**
 * Writes one after another: several threads in one file only wait for each other, and burn time doing so. Blocks that
 * came meanwhile go out in one call.
 */
function openWriter(file: FileHandle, { root, final, partial, key, signal }: Place): ObjectWriter {
  const queue: { chunk: Uint8Array; resolve: () => void; reject: (err: unknown) => void }[] = []
  let position = 0
  let unflushed = 0
  let flushing: Promise<void> | null = null
  let running: Promise<void> | null = null
  let failure: unknown
  let state: 'open' | 'committing' | 'done' | 'cancelled' = 'open'
  let committing: Promise<void> | undefined
  let cancelling: Promise<void> | undefined

  async function drain(): Promise<void> {
    while (queue.length > 0) {
      const batch = queue.splice(0)
      try {
        if (failure) throw failure
        await writeAll(batch.map(entry => entry.chunk))
        for (const entry of batch) entry.resolve()
      } catch (err) {
        failure ??= translate(err, root, key)
        for (const entry of batch) entry.reject(failure)
      }
    }
    running = null
  }

  async function writeAll(chunks: Uint8Array[]): Promise<void> {
    let left = chunks
    while (left.length > 0) {
      const { bytesWritten } = await file.writev(left, position)
      position += bytesWritten
      unflushed += bytesWritten
      left = after(left, bytesWritten)
    }
    if (unflushed >= FLUSH_EVERY && !flushing) {
      unflushed = 0
      flushing = file.datasync().then(
        () => {
          flushing = null
        },
        err => {
          flushing = null
          failure ??= translate(err, root, key)
        },
      )
    }
  }

  const onAbort = () => {
    failure ??= signal!.reason
  }
  signal?.addEventListener('abort', onAbort)

  async function settle(): Promise<void> {
    while (running || flushing) await (running ?? flushing)
  }

  return {
    write(chunk) {
      if (failure) return Promise.reject(failure)
      if (state !== 'open') return Promise.reject(new Error(`The writer is ${state}`))
      return new Promise((resolve, reject) => {
        queue.push({ chunk, resolve, reject })
        running ??= drain()
      })
    },

    commit() {
      if (state !== 'open') return Promise.reject(new Error(`The writer is ${state}`))
      state = 'committing'
      committing = (async () => {
        await settle()
        if (failure) throw failure
        try {
          await file.sync()
          if (failure) throw failure
          await file.close()
          await rename(partial, final).catch(err => {
            throw err.code === 'ENOENT' ? new Gone(`Object ${key} was removed while it was written`) : err
          })
          await syncFolder(root)
        } catch (err) {
          throw translate(err, root, key)
        }
        if (failure) throw failure
        state = 'done'
        signal?.removeEventListener('abort', onAbort)
      })()
      return committing
    },

    cancel() {
      cancelling ??= (async () => {
        if (state === 'done') return
        state = 'cancelled'
        failure ??= new Error('The write was cancelled')
        signal?.removeEventListener('abort', onAbort)
        await settle()
        await committing?.catch(() => {})
        await file.close().catch(() => {})
        // A commit that was under way may have come as far as to the rename.
        for (const path of committing !== undefined ? [partial, final] : [partial]) {
          await unlink(path).catch(err => {
            if (err.code !== 'ENOENT') throw translate(err, root, key)
          })
        }
      })()
      return cancelling
    },
  }
}

/** What is left of the chunks when their first `count` bytes are gone. */
function after(chunks: Uint8Array[], count: number): Uint8Array[] {
  let gone = count
  for (const [i, chunk] of chunks.entries()) {
    if (gone < chunk.length) return [chunk.subarray(gone), ...chunks.slice(i + 1)]
    gone -= chunk.length
  }
  return []
}

/** Makes a rename survive a power cut. */
async function syncFolder(root: string): Promise<void> {
  const folder = await open(root, 'r')
  try {
    await folder.sync()
  } finally {
    await folder.close()
  }
}

async function sizeOf(root: string, file: string, key: string): Promise<number> {
  const facts = await stat(file).catch(ignoreMissing)
  if (facts?.isFile()) return facts.size
  if (!(await exists(root))) throw missing(root)
  throw none(key)
}

function none(key: string): NotFound {
  return new NotFound(`There is no object ${key}`)
}

async function exists(file: string): Promise<boolean> {
  return (await lstat(file).catch(ignoreMissing)) !== undefined
}

function ignoreMissing(err: NodeJS.ErrnoException): undefined {
  if (err.code !== 'ENOENT') throw err
}

/** A folder that went away, such as one on a disk that is no longer mounted; its images are not to be called lost. */
function missing(root: string): Unavailable {
  return new Unavailable('The folder of the store is missing', { cause: new Error(`${root} is missing`) })
}

const full = new Set(['ENOSPC', 'EDQUOT', 'EFBIG'])

/** Errors of the file system in our kinds; others, such as a signal's reason, pass as they are. */
function translate(err: unknown, root: string, key?: string): unknown {
  const code = (err as NodeJS.ErrnoException | undefined)?.code
  if (err instanceof HttpError || typeof code !== 'string' || !/^E[A-Z0-9]+$/.test(code)) return err
  if (full.has(code)) return new TooLarge('The store has no room left', { cause: err })
  if (code === 'EEXIST') return new Conflict(`Object ${key} is being written already`, { cause: err })
  if (code === 'ENOENT') return missing(root)
  return new Unavailable(`The folder of the store can't be used (${code})`, { cause: err })
}
