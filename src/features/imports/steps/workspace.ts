import { createReadStream, createWriteStream } from 'node:fs'
import { mkdir, mkdtemp, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import type { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import type { Deps } from '../../../deps.js'
import { limit } from '../../../streams/limit.js'

/** A folder for one import whose bytes have to lie in a file on the way; all of it goes in the end. */
export interface Workspace extends AsyncDisposable {
  folder: string
  /** Puts a stream into a file of that name and gives its path. Throws TooLarge past the largest image. */
  save(name: string, stream: Readable, signal: AbortSignal): Promise<string>
}

/** Opens a workspace below the data directory. */
export async function openWorkspace(deps: Deps, task: string): Promise<Workspace> {
  const root = join(deps.config.data_dir, 'staging')
  await mkdir(root, { recursive: true, mode: 0o700 })
  const folder = await mkdtemp(join(root, `${task}-`))
  return {
    folder,
    async save(name, stream, signal) {
      const path = join(folder, name)
      await pipeline(stream, limit(deps.config.max_image_size), createWriteStream(path, { mode: 0o600 }), {
        signal,
      })
      return path
    },
    [Symbol.asyncDispose]: () => rm(folder, { recursive: true, force: true }),
  }
}

/** A file as the source of bytes. */
export async function fileSource(path: string): Promise<{ size: number; open: () => Promise<Readable> }> {
  const { size } = await stat(path)
  return { size, open: async () => createReadStream(path, { highWaterMark: 2 ** 20 }) }
}
