import type { Readable } from 'node:stream'
import type { Caller } from '../auth/caller.js'
import type { Deps } from '../deps.js'
import { BadRequest, Conflict, Gone } from '../errors.js'
import { judge } from '../formats/index.js'
import { requireOn } from '../images/access.js'
import type { Image } from '../images/image.js'
import { find, findUnscoped } from '../images/repository.js'
import { move, notAllowed } from '../images/status.js'
import { openQuota } from '../quota/check.js'
import type { Checksums } from '../streams/checksums.js'
import { attempt } from './attempt.js'
import * as locations from './locations.js'
import { refuseSigned } from './signed.js'
import { writeCopy } from './write-copy.js'

export interface Upload {
  id: string
  /** Bytes that were announced; undefined when unknown. */
  expected: number | undefined
  /** Digests that the bytes must have. */
  checksums?: Checksums | undefined
  /** The store asked for; the default one when undefined. */
  store: string | undefined
  /** Opens the body, when all that can be known before is checked. */
  open: () => Promise<Readable> | Readable
  signal: AbortSignal
}

/** Takes an image's bytes in: queued → saving → active. Whatever fails, the image is queued again and no byte is left. */
export async function upload(
  deps: Deps,
  caller: Caller,
  { id, expected, checksums, store, open, signal }: Upload,
): Promise<void> {
  const target =
    deps.stores.multi && store !== undefined
      ? deps.stores.get(store)
      : deps.stores.get(deps.stores.defaultName)
  const found = await find(deps, caller, id)
  requireOn(deps.policy, caller, 'upload_image', found)
  if (found.status !== 'queued') throw new Conflict(notAllowed(found.status, 'saving'))
  mayTakeBytes(found)

  const quota = await openQuota(deps, caller.project_id)
  const room = { quota, name: 'image_size_total', expected } as const
  const write = await attempt(deps, id, target.name, { signal, during: 'saving', room })
  try {
    // formats are fixed from here on, and may have changed since the image was looked at
    const image = await findUnscoped(deps.db, id)
    if (!image) throw gone(id)
    mayTakeBytes(image)
    let virtual_size: number | null = null
    const { facts: _, ...learnt } = await writeCopy(deps, write, open, {
      expected,
      checksums,
      keepSource: true,
      declared: formatsOf(image),
      judge: ({ facts, size }) => {
        virtual_size = judge(facts, { ...formatsOf(image), size }).virtual_size
      },
    })
    await deps.db.transaction().execute(async tx => {
      await write.hold(tx)
      const won =
        (await move(tx, id, 'saving', 'active', { ...learnt, virtual_size })) &&
        (await write.settle(tx, learnt.size))
      if (!won) throw gone(id)
      await locations.add(tx, id, write.blob)
    })
    write.finish()
  } catch (error) {
    await write.undo(error)
    throw error
  }
}

const gone = (id: string) => new Gone(`Image ${id} was deleted or changed while its bytes came in.`)

const formatsOf = (image: Image) => ({
  disk_format: image.disk_format ?? '',
  container_format: image.container_format ?? '',
})

/** Whether the image's record is fit for bytes: formats set, and nothing promised that is not kept. */
function mayTakeBytes(image: Image): void {
  const missing = (['disk_format', 'container_format'] as const).filter(name => image[name] === null)
  if (missing.length > 0)
    throw new BadRequest(`Properties ${missing.join(', ')} must be set prior to saving data.`)
  refuseSigned(image)
}
