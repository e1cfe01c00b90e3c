import { createReadStream, open as openFd } from 'node:fs'
import { open } from 'node:fs/promises'
import { pipeline, type Readable } from 'node:stream'
import { promisify } from 'node:util'
import { createGunzip } from 'node:zlib'
import { type Entry, fromFd } from 'yauzl'
import { BadRequest } from '../../../errors.js'
import type { Workspace } from './workspace.js'

/**
 * Takes compressed bytes out of what they came in: gzip, or a zip with exactly one member, by their first bytes, as
 * Glance's image_decompression. Anything else stays as it is. What comes out counts against the largest image.
 */
export async function decompress(workspace: Workspace, path: string, signal: AbortSignal): Promise<string> {
  const handle = await open(path)
  const head = Buffer.alloc(4)
  await handle.read(head, 0, 4, 0)
  await handle.close()
  if (head[0] === 0x1f && head[1] === 0x8b) {
    // what ends one of them ends both, told by the one that is read
    const unpacked = pipeline(
      createReadStream(path, { highWaterMark: 2 ** 20 }),
      createGunzip(),
      () => undefined,
    )
    return workspace.save('decompressed', unpacked, signal).catch(broken)
  }
  if (head.readUInt32LE(0) === 0x04034b50) {
    return workspace.save('decompressed', await onlyMember(path), signal).catch(broken)
  }
  return path
}

function broken(cause: unknown): never {
  const { code, message } = cause as NodeJS.ErrnoException
  // yauzl has words only for members that are not as long as the zip says
  if (code?.startsWith('Z_') || (code === undefined && /bytes in the stream/.test(message)))
    throw new BadRequest('The compressed data is damaged.', { cause, code: 'conversion_failed' })
  throw cause
}

/** The bytes of a zip's only member. */
async function onlyMember(path: string): Promise<Readable> {
  const fd = await promisify(openFd)(path, 'r')
  return new Promise((resolve, reject) => {
    const refuse = (cause?: unknown) =>
      reject(
        new BadRequest(
          cause === undefined
            ? 'The zip file must have exactly one member.'
            : 'The zip file is damaged, or of a kind that can not be read.',
          { cause, code: 'conversion_failed' },
        ),
      )
    fromFd(fd, { lazyEntries: true, autoClose: true }, (error, zip) => {
      if (error) return refuse(error)
      if (zip.entryCount !== 1) {
        zip.close()
        return refuse()
      }
      zip.once('error', refuse)
      zip.once('entry', (entry: Entry) => {
        zip.openReadStream(entry, (failed, stream) => {
          if (failed) return refuse(failed)
          // one that is not read to its end keeps the file open
          stream.once('close', () => zip.close())
          resolve(stream)
        })
      })
      zip.readEntry()
    })
  })
}
