import type { Database } from '../db/connect.js'
import type { BlobName } from './blobs.js'

/** The only writer of image_locations: adds the place of an image's bytes. The blob must be in the ledger. */
export async function add(tx: Database, imageId: string, blob: BlobName): Promise<void> {
  await tx
    .insertInto('image_locations')
    .values({ image_id: imageId, ...blob })
    .execute()
}

/** Removes one place of an image's bytes; the object itself is the ledger's matter. */
export async function remove(tx: Database, imageId: string, blob: BlobName): Promise<void> {
  await tx
    .deleteFrom('image_locations')
    .where('image_id', '=', imageId)
    .where('store', '=', blob.store)
    .where('key', '=', blob.key)
    .execute()
}
