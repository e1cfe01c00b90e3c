import { type Static, Type } from '@sinclair/typebox'
import { sql } from 'kysely'
import type { Database } from '../../db/connect.js'

const OrNull = (description: string) =>
  Type.Union([Type.Integer({ minimum: 1, maximum: 2 ** 31 - 1 }), Type.Null()], { description })

/** The launch defaults of an image; null: none, or no limit. */
export const LaunchDefaults = Type.Object(
  {
    cpu_cores: OrNull('Number of CPU cores.'),
    memory_mb: OrNull('Memory in MB.'),
    max_concurrent_use: OrNull('How many consumers the image may have at a time.'),
  },
  { additionalProperties: false },
)
export type LaunchDefaults = Static<typeof LaunchDefaults>

const none: LaunchDefaults = { cpu_cores: null, memory_mb: null, max_concurrent_use: null }

/** The launch defaults of an image: nulls when nothing was set. */
export async function read(db: Database, imageId: string): Promise<LaunchDefaults> {
  const row = await db
    .selectFrom('image_launch_defaults')
    .select(['cpu_cores', 'memory_mb', 'max_concurrent_use'])
    .where('image_id', '=', imageId)
    .executeTakeFirst()
  return row ?? none
}

/** Sets all launch defaults of an image; what is not given is null. The only writer of image_launch_defaults. */
export async function replace(
  tx: Database,
  imageId: string,
  given: Partial<LaunchDefaults>,
): Promise<LaunchDefaults> {
  const values = { ...none, ...given }
  await tx
    .insertInto('image_launch_defaults')
    .values({ image_id: imageId, ...values })
    .onConflict(c => c.column('image_id').doUpdateSet({ ...values, updated_at: sql`now()` }))
    .execute()
  return values
}
