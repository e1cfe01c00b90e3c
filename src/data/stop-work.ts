import type { Database } from '../db/connect.js'
import type { Image } from '../images/image.js'
import { setHashes } from '../images/repository.js'
import { endTask, findTask } from '../queue/tasks.js'
import * as transfers from '../queue/transfers.js'
import * as blobs from './blobs.js'
import { holder, unlock } from './import-lock.js'
import * as tracking from './import-tracking.js'
import * as staged from './staged.js'

const failure = { code: 'image_deleted', message: 'The image was deleted meanwhile.' } as const

/**
 * Ends what is still being done for an image that has its bytes: copies to further stores, the reading for its hashes.
 * Whoever does it loses, also when the image is restored before he hears of it. Needs the image's lock. Returns what
 * was staged, to be erased after the transaction.
 */
export async function stopWork(tx: Database, image: Image): Promise<blobs.BlobName[]> {
  const { id, os_hash_algo, os_hash_value } = image
  await blobs.doomWriting(tx, id)
  const name = holder(image)
  if (name !== undefined) {
    const task = await findTask(tx, name)
    const { backend } = (task?.input ?? {}) as { backend?: string[] }
    if (backend) await tracking.untrack(tx, id, backend)
    await unlock(tx, id, name)
    await transfers.fail(tx, { image_id: id, id: name }, failure)
    if (task) await endTask(tx, task.id, 'failure', failure)
  }
  // an algorithm alone says that hashes will come
  if (os_hash_algo !== null && os_hash_value === null) {
    await setHashes(tx, id, { checksum: null, os_hash_algo: null, os_hash_value: null })
  }
  return staged.discard(tx, id)
}
