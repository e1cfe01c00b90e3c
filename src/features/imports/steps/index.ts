import { holds } from '../../../data/import-lock.js'
import type { Deps } from '../../../deps.js'
import { Gone } from '../../../errors.js'
import type { Image } from '../../../images/image.js'
import { findUnscoped, update } from '../../../images/repository.js'
import type { Source } from '../methods/source.js'
import { convert } from './convert.js'
import { decompress } from './decompress.js'
import { fileSource, openWorkspace } from './workspace.js'

/**
 * What the operator wants done with imported bytes between fetching and storing them: decompressing, then converting.
 * Without either the source is passed on as it is; otherwise its bytes pass through a file, which qemu-img needs, and
 * `onProgress` is told how many of them have come.
 */
export async function applySteps(
  deps: Deps,
  image: Image,
  task: string,
  source: Source,
  signal: AbortSignal,
  onProgress?: (bytes: number) => void,
): Promise<Source> {
  const unpack = deps.config.import_decompress && image.container_format !== 'compressed'
  const target = deps.config.import_convert_to
  if (!unpack && target === null) return source
  const workspace = await openWorkspace(deps, task)
  try {
    let path = await workspace.save('fetched', await source.open(), signal, {
      checksums: source.checksums,
      onProgress,
    })
    if (unpack) path = await decompress(workspace, path, signal)
    if (target !== null) {
      const converted = await convert(workspace, path, image.disk_format ?? '', target, signal)
      path = converted.path
      await setFormats(deps, image, task, converted.disk_format)
    }
    return {
      ...(await fileSource(path)),
      adopted: () => undefined,
      copied: blob => source.copied?.(blob),
      [Symbol.asyncDispose]: () => workspace[Symbol.asyncDispose](),
    }
  } catch (error) {
    await workspace[Symbol.asyncDispose]()
    throw error
  }
}

/** A converted image is a bare one of its new format. */
async function setFormats(deps: Deps, image: Image, task: string, disk_format: string): Promise<void> {
  const columns = { disk_format, container_format: 'bare' }
  await deps.db.transaction().execute(async tx => {
    const current = await findUnscoped(tx, image.id, { lock: true })
    if (!current || !holds(current, task)) throw new Gone('The import lost its lock on the image.')
    await update(tx, image.id, { columns, properties: {}, removed: [] })
  })
  Object.assign(image, columns)
}
