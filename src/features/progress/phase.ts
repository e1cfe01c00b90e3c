import { type SqlBool, sql } from 'kysely'

/** Where an image is between its first byte and its last, in a word. */
export const phases = {
  making: 'queued, and nothing has come yet',
  uploading: 'bytes come by a request, or are staged and wait for their import',
  importing: 'an import or a copy waits or runs',
  available: 'the bytes are there',
  failed: 'queued, after something that failed',
  deleting: 'deleted, and its bytes are being removed',
  deleted: 'in the recycle bin',
} as const
export type Phase = keyof typeof phases
export const phaseNames = Object.keys(phases) as Phase[]

/** An image of `images as i` that was destroyed, and has objects left. */
const removing = sql<SqlBool>`i.status = 'deleted' and i.id in
  (select b.image_id from blobs b where b.state <> 'stored')`

/** The phase of a row of `images as i` with its `transfers as t`, if it has one; null when nothing of it is left. */
export const phase = sql<Phase | null>`case
  when i.status = 'deleted' then case when ${removing} then 'deleting' end
  when i.deleted_at is not null then 'deleted'
  when i.status = 'saving' then 'uploading'
  when t.kind = 'import' and t.ended_at is null then 'importing'
  when i.status in ('active', 'deactivated') then 'available'
  when i.status = 'uploading' then 'uploading'
  when i.status = 'importing' then 'importing'
  when i.status = 'killed' or t.code is not null then 'failed'
  else 'making' end`

/** Rows of which some are in that phase, by what indexes know; without a phase those that are not deleted. */
export function candidates(wanted: Phase | undefined) {
  if (wanted === 'deleting') return removing
  if (wanted === 'deleted') return sql<SqlBool>`i.deleted_at is not null and i.status <> 'deleted'`
  if (wanted === 'failed') return sql<SqlBool>`i.deleted_at is null and t.code is not null`
  return sql<SqlBool>`i.deleted_at is null`
}
