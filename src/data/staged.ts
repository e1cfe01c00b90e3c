import type { Selectable } from 'kysely'
import type { Database } from '../db/connect.js'
import type { Staged as StagedTable } from '../db/schema.js'
import type { Facts } from '../formats/index.js'
import * as blobs from './blobs.js'
import type { Learnt } from './write-copy.js'

/** Bytes that wait for their import, with what was learnt of them; the only writer of the table. */
export type Staged = Omit<Selectable<StagedTable>, 'facts'> & { facts: Facts }

/** Notes an image's staged bytes. */
export async function add(
  tx: Database,
  imageId: string,
  blob: blobs.BlobName,
  learnt: Learnt,
): Promise<void> {
  await tx
    .insertInto('staged')
    .values({ image_id: imageId, ...blob, ...learnt, facts: JSON.stringify(learnt.facts) })
    .execute()
}

export async function find(db: Database, imageId: string): Promise<Staged | undefined> {
  const row = await db.selectFrom('staged').selectAll().where('image_id', '=', imageId).executeTakeFirst()
  return row as Staged | undefined
}

/** Forgets that bytes are staged; the object stays, to be adopted by a location. */
export async function forget(tx: Database, imageId: string): Promise<void> {
  await tx.deleteFrom('staged').where('image_id', '=', imageId).execute()
}

/** Throws an image's staged bytes away: the object is doomed, to be erased after the transaction. */
export async function discard(tx: Database, imageId: string): Promise<blobs.BlobName[]> {
  const gone = await tx
    .deleteFrom('staged')
    .where('image_id', '=', imageId)
    .returning(['store', 'key'])
    .execute()
  for (const blob of gone) await blobs.doom(tx, blob)
  return gone
}
