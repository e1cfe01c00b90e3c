import { randomBytes } from 'node:crypto'
import type { Deps } from '../deps.js'
import { Gone } from '../errors.js'
import { newKey } from '../stores/store.js'
import * as blobs from './blobs.js'
import { erase } from './erase.js'

/** Seconds between two signs of life of a running write. */
const RENEWAL = 5

/** One attempt to write an image's bytes into a store: its entry in the ledger and its end, whichever it is. */
export interface Attempt {
  blob: blobs.BlobName
  /** Aborts when the caller's signal does, and with Gone when the image went away meanwhile. */
  signal: AbortSignal
  /** Ends the signs of life; the object is the caller's transaction's from here on. */
  finish(): void
  /** Gives the object up and removes what there is of it. */
  undo(): Promise<void>
}

/** Enters a new object in the ledger and keeps its lease renewed until it ends. */
export async function attempt(
  deps: Deps,
  imageId: string,
  store: string,
  signal?: AbortSignal,
): Promise<Attempt> {
  const blob = { store, key: newKey(imageId, randomBytes(8).toString('hex')) }
  await blobs.begin(deps.db, blob, imageId)
  const gone = new AbortController()
  const timer = setInterval(() => {
    blobs.renew(deps.db, blob).then(
      alive =>
        alive || gone.abort(new Gone(`Image ${imageId} was deleted or given up while its bytes came in.`)),
      err => deps.log.warn({ err, image: imageId }, 'the lease of a write could not be renewed'),
    )
  }, RENEWAL * 1000)
  return {
    blob,
    signal: signal ? AbortSignal.any([signal, gone.signal]) : gone.signal,
    finish: () => clearInterval(timer),
    async undo() {
      clearInterval(timer)
      await blobs.doom(deps.db, blob)
      await erase(deps, [blob])
    },
  }
}
