import type { Database } from '../db/connect.js'
import type { Location } from '../images/image.js'
import * as blobs from './blobs.js'

/** The only writer of image_locations: adds the place of an image's bytes. The blob must be in the ledger. */
export async function add(tx: Database, imageId: string, blob: blobs.BlobName): Promise<void> {
  await tx
    .insertInto('image_locations')
    .values({ image_id: imageId, ...blob })
    .execute()
}

/** Removes one place of an image's bytes; the object itself is the ledger's matter. */
export async function remove(tx: Database, imageId: string, blob: blobs.BlobName): Promise<void> {
  await tx
    .deleteFrom('image_locations')
    .where('image_id', '=', imageId)
    .where('store', '=', blob.store)
    .where('key', '=', blob.key)
    .execute()
}

/** A place that is not an object of our own. */
export interface ExternalPlace {
  /** The store that reads it. */
  store: string
  url: string
  metadata?: Record<string, unknown>
}

/** Adds a place on somebody else's server. */
export async function addExternal(
  tx: Database,
  imageId: string,
  { store, url, metadata = {} }: ExternalPlace,
): Promise<void> {
  await tx
    .insertInto('image_locations')
    .values({ image_id: imageId, store, url, metadata: JSON.stringify(metadata) })
    .execute()
}

/** Replaces what came along with a location. */
export async function setMetadata(
  tx: Database,
  { id }: Pick<Location, 'id'>,
  metadata: Record<string, unknown>,
): Promise<void> {
  await tx
    .updateTable('image_locations')
    .set({ metadata: JSON.stringify(metadata) })
    .where('id', '=', id)
    .execute()
}

/** Puts a location behind all others of its image; what it names stays. */
export async function moveToEnd(
  tx: Database,
  imageId: string,
  { id, store, key, url, metadata }: Location,
): Promise<void> {
  await tx.deleteFrom('image_locations').where('id', '=', id).execute()
  await tx
    .insertInto('image_locations')
    .values({
      image_id: imageId,
      store,
      key: url === null ? key : null,
      url,
      metadata: JSON.stringify(metadata),
    })
    .execute()
}

/**
 * Removes what a failed POST of a location has left on an image that is about to get other bytes. Call it with the move
 * away from queued, where all locations are such.
 */
export async function dropLeft(tx: Database, imageId: string): Promise<void> {
  await tx
    .deleteFrom('image_locations')
    .where('image_id', '=', imageId)
    .where('url', 'is not', null)
    .execute()
}

/** Removes any location. An object of our own is doomed with it, and returned to be erased after the transaction. */
export async function drop(tx: Database, { id, store, key, url }: Location): Promise<blobs.BlobName[]> {
  await tx.deleteFrom('image_locations').where('id', '=', id).execute()
  if (url !== null) return []
  const blob = { store, key }
  await blobs.doom(tx, blob)
  return [blob]
}
