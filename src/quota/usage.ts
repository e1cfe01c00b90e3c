import { sql } from 'kysely'
import type { Database } from '../db/connect.js'
import type { LimitName } from './limits.js'

/**
 * What a project has, counted as Glance counts it. Sizes are whole MiB, rounded down: the bytes of every copy, and of
 * what is announced and still coming in.
 */
const MiB = 2 ** 20

const busy = sql`('saving', 'uploading', 'importing')`
const copying = sql`exists (select from image_properties p where p.image_id = i.id
  and p.name = 'os_glance_importing_to_stores' and p.value <> '')`

const counts: Readonly<Record<LimitName, (project: string) => ReturnType<typeof sql<{ used: number }>>>> = {
  image_size_total: project => sql<{ used: number }>`select
    (coalesce((select sum(i.size * (select count(*) from image_locations l where l.image_id = i.id))
      from images i where i.owner = ${project} and i.deleted_at is null and i.size > 0
      and i.status not in ('killed', 'pending_delete')), 0)
    + coalesce((select sum(b.reserved) from blobs b join images i on i.id = b.image_id
      where b.project = ${project} and b.state = 'writing' and i.status <> 'uploading'), 0))::float8 / ${MiB} as used`,
  image_stage_total: project => sql<{ used: number }>`select
    (coalesce((select sum(i.size) from images i where i.owner = ${project} and i.deleted_at is null and i.size > 0
      and (i.status in ('uploading', 'importing') or i.status <> 'killed' and ${copying})), 0)
    + coalesce((select sum(b.reserved) from blobs b join images i on i.id = b.image_id
      where b.project = ${project} and b.state = 'writing' and i.status = 'uploading' and i.size is null), 0))::float8
      / ${MiB} as used`,
  image_count_total: project => sql<{ used: number }>`select count(*) as used from images
    where owner = ${project} and deleted_at is null and status not in ('killed', 'pending_delete')`,
  image_count_uploading: project => sql<{ used: number }>`select count(*) as used from images i
    where i.owner = ${project} and i.deleted_at is null
    and (i.status in ${busy} or i.status not in ('killed', 'pending_delete') and ${copying})`,
}

/** How much of one limit a project has used. */
export async function usageOf(db: Database, name: LimitName, project: string): Promise<number> {
  const { rows } = await counts[name](project).execute(db)
  return Math.floor(Number(rows[0]?.used ?? 0))
}
