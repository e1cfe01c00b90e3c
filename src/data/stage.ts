import type { Readable } from 'node:stream'
import type { Caller } from '../auth/caller.js'
import type { Deps } from '../deps.js'
import { Conflict, Gone } from '../errors.js'
import { requireOn } from '../images/access.js'
import { find, setSize } from '../images/repository.js'
import { notAllowed } from '../images/status.js'
import { openQuota } from '../quota/check.js'
import type { Checksums } from '../streams/checksums.js'
import { attempt } from './attempt.js'
import { erase } from './erase.js'
import * as staged from './staged.js'
import { writeCopy } from './write-copy.js'

export interface Stage {
  id: string
  /** Bytes that were announced; undefined when unknown. */
  expected: number | undefined
  /** Digests that the bytes must have. */
  checksums?: Checksums | undefined
  /** Opens the body, when all that can be known before is checked. */
  open: () => Promise<Readable> | Readable
  signal: AbortSignal
}

/**
 * Takes bytes in for a later import: queued → uploading. They go where images go, into the default store, which every
 * replica reaches, so that an import into that store has nothing to move; hashes and inspection run on the way.
 */
export async function stage(
  deps: Deps,
  caller: Caller,
  { id, expected, checksums, open, signal }: Stage,
): Promise<void> {
  const image = await find(deps, caller, id)
  requireOn(deps.policy, caller, 'modify_image', image)
  if (image.status !== 'queued') throw new Conflict(notAllowed(image.status, 'uploading'))

  const quota = await openQuota(deps, caller.project_id)
  const room = { quota, name: 'image_stage_total', expected } as const
  const write = await attempt(deps, id, deps.stores.defaultName, { signal, during: 'uploading', room })
  try {
    const learnt = await writeCopy(deps, write, open, { expected, checksums, keepSource: true })
    const replaced = await deps.db.transaction().execute(async tx => {
      await write.hold(tx)
      const won = (await setSize(tx, id, 'uploading', learnt.size)) && (await write.settle(tx, learnt.size))
      if (!won) throw new Gone(`Image ${id} was deleted or changed while its bytes came in.`)
      const old = await staged.discard(tx, id)
      await staged.add(tx, id, write.blob, learnt)
      return old
    })
    write.finish()
    await erase(deps, replaced)
  } catch (error) {
    await write.undo(error)
    throw error
  }
}
