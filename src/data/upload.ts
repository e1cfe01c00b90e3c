import type { Readable } from 'node:stream'
import type { Caller } from '../auth/caller.js'
import type { Deps } from '../deps.js'
import { BadRequest, Conflict, Gone } from '../errors.js'
import { inspect, judge } from '../formats/index.js'
import { requireOn } from '../images/access.js'
import { HASH_ALGORITHM, type Image } from '../images/image.js'
import { find } from '../images/repository.js'
import { move, notAllowed } from '../images/status.js'
import type { ObjectWriter } from '../stores/store.js'
import { ingest } from '../streams/ingest-ring.js'
import { attempt } from './attempt.js'
import * as blobs from './blobs.js'
import * as locations from './locations.js'

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

  const { blob, undo, finish, ...write } = await attempt(deps, id, target.name, signal)
  let writer: ObjectWriter | undefined
  if (!(await move(deps.db, id, 'queued', 'saving'))) {
    await undo()
    throw new Conflict(notAllowed('saving', 'saving'))
  }
  try {
    const inspection = inspect()
    writer = await target.write(blob.key, { size: expected, signal: write.signal })
    const { size, digests } = await ingest(
      await open(),
      {
        writer,
        hashes: deps.hashes,
        algorithms: ['md5', HASH_ALGORITHM],
        inspect: chunk => inspection.eat(chunk),
      },
      { limit: deps.config.max_image_size, expected, signal: write.signal, keepSource: true },
    )
    const { virtual_size } = judge(inspection.finish(), { ...formatsOf(image), size })
    await writer.commit()
    finish()
    await deps.db.transaction().execute(async tx => {
      const facts = {
        size,
        virtual_size,
        checksum: digests.md5,
        os_hash_algo: HASH_ALGORITHM,
        os_hash_value: digests[HASH_ALGORITHM],
      }
      const won = (await blobs.settle(tx, blob, size)) && (await move(tx, id, 'saving', 'active', facts))
      if (!won) throw new Gone(`Image ${id} was deleted or changed while its bytes came in.`)
      await locations.add(tx, id, blob)
    })
  } catch (error) {
    // first the image, so that its owner may try again while the store cleans up
    await move(deps.db, id, 'saving', 'queued')
    await writer?.cancel()
    await undo()
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
