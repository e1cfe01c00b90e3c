import type { Readable } from 'node:stream'
import type { Caller } from '../auth/caller.js'
import type { Deps } from '../deps.js'
import { BadRequest, Conflict, Gone } from '../errors.js'
import { judge } from '../formats/index.js'
import { requireOn } from '../images/access.js'
import type { Image } from '../images/image.js'
import { find } from '../images/repository.js'
import { move, notAllowed } from '../images/status.js'
import { attempt } from './attempt.js'
import * as blobs from './blobs.js'
import * as locations from './locations.js'
import { writeCopy } from './write-copy.js'

export interface Upload {
  id: string
  /** Bytes that were announced; undefined when unknown. */
  expected: number | undefined
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
  { id, expected, store, open, signal }: Upload,
): Promise<void> {
  const target =
    deps.stores.multi && store !== undefined
      ? deps.stores.get(store)
      : deps.stores.get(deps.stores.defaultName)
  const image = await find(deps.pool, caller, id)
  requireOn(deps.policy, caller, 'upload_image', image)
  mayTakeBytes(image)

  const write = await attempt(deps, id, target.name, signal)
  if (!(await move(deps.db, id, 'queued', 'saving'))) {
    await write.undo()
    throw new Conflict(notAllowed('saving', 'saving'))
  }
  try {
    let virtual_size: number | null = null
    const { facts: _, ...learnt } = await writeCopy(deps, write, open, {
      expected,
      keepSource: true,
      declared: formatsOf(image),
      judge: ({ facts, size }) => {
        virtual_size = judge(facts, { ...formatsOf(image), size }).virtual_size
      },
    })
    await deps.db.transaction().execute(async tx => {
      const won =
        (await blobs.settle(tx, write.blob, learnt.size)) &&
        (await move(tx, id, 'saving', 'active', { ...learnt, virtual_size }))
      if (!won) throw new Gone(`Image ${id} was deleted or changed while its bytes came in.`)
      await locations.add(tx, id, write.blob)
    })
    write.finish()
  } catch (error) {
    // first the image, so that its owner may try again while the store cleans up
    await move(deps.db, id, 'saving', 'queued')
    await write.undo()
    throw error
  }
}

const formatsOf = (image: Image) => ({
  disk_format: image.disk_format ?? '',
  container_format: image.container_format ?? '',
})

const signature = [
  'img_signature',
  'img_signature_hash_method',
  'img_signature_key_type',
  'img_signature_certificate_uuid',
]

/** Whether the image is in a state to take bytes: queued, formats set, and nothing promised that is not kept. */
function mayTakeBytes(image: Image): void {
  if (image.status !== 'queued') throw new Conflict(notAllowed(image.status, 'saving'))
  const missing = (['disk_format', 'container_format'] as const).filter(name => image[name] === null)
  if (missing.length > 0)
    throw new BadRequest(`Properties ${missing.join(', ')} must be set prior to saving data.`)
  if (signature.every(name => Object.hasOwn(image.properties, name))) {
    throw new BadRequest('Image signatures are not verified here, so bytes for a signed image are refused.')
  }
}
