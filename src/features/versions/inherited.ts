import { type RawBuilder, sql } from 'kysely'
import type { Database } from '../../db/connect.js'

type Copy = (from: string, to: string) => RawBuilder<unknown>

/**
 * What a new version takes over from the image that it is made from, beside the record itself: one statement for each
 * table in which other features keep something of an image.
 */
const copies: readonly Copy[] = [
  (from, to) => sql`insert into image_members (image_id, member, status)
    select ${to}, member, status from image_members where image_id = ${from}`,
  (from, to) => sql`insert into image_launch_defaults (image_id, cpu_cores, memory_mb, max_concurrent_use)
    select ${to}, cpu_cores, memory_mb, max_concurrent_use from image_launch_defaults where image_id = ${from}`,
  (from, to) => sql`insert into image_shares (id, image_id, kind, target, created_by)
    select gen_random_uuid()::text, ${to}, kind, target, created_by from image_shares where image_id = ${from}`,
]

/** Copies all of it. */
export async function inherit(tx: Database, from: string, to: string): Promise<void> {
  for (const copy of copies) await copy(from, to).execute(tx)
}
