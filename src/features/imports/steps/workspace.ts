import { createReadStream } from 'node:fs'
import { type FileHandle, mkdir, mkdtemp, open, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import type { Readable } from 'node:stream'
import type { Deps } from '../../../deps.js'
import { TooLarge } from '../../../errors.js'
import { type Checksums, verifyChecksums } from '../../../streams/checksums.js'
import { ingest } from '../../../streams/ingest-ring.js'

/** A folder for one import whose bytes have to lie in a file on the way; all of it goes in the end. */
export interface Workspace extends AsyncDisposable {
  folder: string
  /**
   * Puts a stream into a file of that name and gives its path. Throws TooLarge past the largest image, BadRequest for
   * bytes that do not have the checksums.
   */
  save(name: string, stream: Readable, signal: AbortSignal, options?: SaveOptions): Promise<string>
}

export interface SaveOptions {
  checksums?: Checksums | undefined
  /** Told how many bytes have been taken. */
  onProgress?: ((bytes: number) => void) | undefined
}

/** Opens a workspace below the data directory. */
export async function openWorkspace(deps: Deps, task: string): Promise<Workspace> {
  const root = join(deps.config.data_dir, 'staging')
  await mkdir(root, { recursive: true, mode: 0o700 })
  const folder = await mkdtemp(join(root, `${task}-`))
  return {
    folder,
    async save(name, stream, signal, { checksums = {}, onProgress } = {}) {
      const path = join(folder, name)
      await using file = await open(path, 'wx', 0o600)
      // several blocks are written at once, each at its place
      let end = 0
      const write = (bytes: Uint8Array) => {
        end += bytes.length
        return writeAt(file, bytes, end - bytes.length)
      }
      const { digests } = await ingest(
        stream,
        {
          writer: { write },
          hashes: deps.hashes,
          algorithms: Object.keys(checksums),
        },
        // who fetches bytes watches that they come, and files do not stop
        { limit: deps.config.max_image_size, signal, idleSeconds: 0, onProgress },
      )
      verifyChecksums(checksums, digests)
      return path
    },
    [Symbol.asyncDispose]: () => rm(folder, { recursive: true, force: true }),
  }
}

/** Writes everything at a place of a file; one call may take less. */
async function writeAt(file: FileHandle, bytes: Uint8Array, place: number): Promise<void> {
  for (let done = 0; done < bytes.length; ) {
    done += (await file.write(bytes, done, bytes.length - done, place + done).catch(full)).bytesWritten
  }
}

function full(cause: NodeJS.ErrnoException): never {
  if (cause.code !== 'ENOSPC' && cause.code !== 'EDQUOT') throw cause
  throw new TooLarge('The server has no room left to unpack or convert the image.', {
    cause,
    code: 'store_full',
  })
}

/** A file as the source of bytes. */
export async function fileSource(path: string): Promise<{ size: number; open: () => Promise<Readable> }> {
  const { size } = await stat(path)
  return { size, open: async () => createReadStream(path, { highWaterMark: 2 ** 20 }) }
}
