import { sql } from 'kysely'
import type { Database } from '../db/connect.js'
import { Conflict } from '../errors.js'
import type { Status } from './image.js'

/** Glance's state machine: from each state, where it may go. No way leads from active back to queued. */
export const transitions: Readonly<Record<Status, readonly Status[]>> = {
  queued: ['saving', 'uploading', 'importing', 'active', 'deleted'],
  saving: ['active', 'killed', 'deleted', 'queued'],
  uploading: ['importing', 'queued', 'deleted'],
  importing: ['active', 'deleted', 'queued'],
  active: ['pending_delete', 'deleted', 'deactivated'],
  deactivated: ['active', 'deleted'],
  killed: ['deleted'],
  pending_delete: ['deleted', 'active'],
  deleted: [],
}

/** Whether the state machine has that step. */
export const canMove = (from: Status, to: Status) => transitions[from].includes(to)

/** The sentence for a step that is not there, or that somebody else made first. */
export const notAllowed = (from: Status, to: Status) =>
  `Image status transition from ${from} to ${to} is not allowed.`

/**
 * Moves an image from one state to another, together with other columns, if it is still in the first. Returns false
 * when it is not: somebody else won. Reaching `queued` clears size and virtual_size, as Glance does.
 */
export async function move(
  db: Database,
  id: string,
  from: Status,
  to: Status,
  columns: Partial<{
    size: number | null
    virtual_size: number | null
    checksum: string | null
    os_hash_algo: string | null
    os_hash_value: string | null
  }> = {},
): Promise<boolean> {
  if (!canMove(from, to)) throw new Conflict(notAllowed(from, to))
  const cleared = to === 'queued' ? { size: null, virtual_size: null } : {}
  const result = await db
    .updateTable('images')
    .set({ ...cleared, ...columns, status: to, updated_at: sql`now()` })
    .where('id', '=', id)
    .where('status', '=', from)
    .where('deleted_at', 'is', null)
    .executeTakeFirst()
  return result.numUpdatedRows === 1n
}
