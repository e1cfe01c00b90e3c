import { type Selectable, sql } from 'kysely'
import type { Database } from '../db/connect.js'
import type { Transfers as TransfersTable } from '../db/schema.js'

/**
 * What brings bytes to images, now or last, one row for each image; the only writer of the table. A row that has not
 * ended is wanted still: whoever ends it ends the work, on any replica.
 */

export type TransferKind = 'upload' | 'import' | 'hash'
export type TransferRow = Omit<Selectable<TransfersTable>, 'kind'> & { kind: TransferKind }

export interface NewTransfer {
  image_id: string
  /** The task's id, or a fresh one. */
  id: string
  kind: TransferKind
  task_id?: string | null
  /** Bytes that were announced. */
  bytes_total?: number | null
}

/** Which transfer of which image. */
export type TransferName = Pick<NewTransfer, 'image_id' | 'id'>

/** Notes that a transfer begins, also once more; one that the image had before is not wanted any more. */
export async function begin(tx: Database, transfer: NewTransfer): Promise<void> {
  const fresh = {
    id: transfer.id,
    kind: transfer.kind,
    task_id: transfer.task_id ?? null,
    bytes_done: 0,
    bytes_total: transfer.bytes_total ?? null,
    bytes_per_second: null,
    started_at: sql<Date>`now()`,
    updated_at: sql<Date>`now()`,
    ended_at: null,
    code: null,
    message: null,
  }
  await tx
    .insertInto('transfers')
    .values({ image_id: transfer.image_id, ...fresh })
    .onConflict(c => c.column('image_id').doUpdateSet(fresh))
    .execute()
}

const running = (db: Database, { image_id, id }: TransferName) =>
  db
    .updateTable('transfers')
    .where('image_id', '=', image_id)
    .where('id', '=', id)
    .where('ended_at', 'is', null)

/** The image has its bytes: from now on they are only read, to describe them. */
export async function becomeHashing(tx: Database, name: TransferName): Promise<void> {
  await running(tx, name).set({ kind: 'hash' }).execute()
}

/** All bytes came; `bytes` of them, where it is known. */
export async function succeed(tx: Database, name: TransferName, bytes?: number): Promise<void> {
  await running(tx, name)
    .set({
      ended_at: sql`now()`,
      updated_at: sql`now()`,
      bytes_per_second: null,
      ...(bytes !== undefined && { bytes_done: bytes, bytes_total: bytes }),
    })
    .execute()
}

/** Why a transfer failed; a code of `failureCodes`. */
interface Failure {
  code: string
  message: string
}

const failed = ({ code, message }: Failure) => ({
  code,
  message,
  ended_at: sql<Date>`now()`,
  updated_at: sql<Date>`now()`,
  bytes_per_second: null,
})

/** The transfer failed, unless it had ended already. `bytes` came before. */
export async function fail(
  db: Database,
  name: TransferName,
  failure: Failure,
  bytes?: number,
): Promise<void> {
  await running(db, name)
    .set({ ...failed(failure), ...(bytes !== undefined && { bytes_done: bytes }) })
    .execute()
}

/** The image's running transfer of bytes, whosever it is. */
export async function findRunning(tx: Database, imageId: string): Promise<TransferRow | undefined> {
  const row = await tx
    .selectFrom('transfers')
    .selectAll()
    .where('image_id', '=', imageId)
    .where('ended_at', 'is', null)
    .where('kind', '<>', 'hash')
    .executeTakeFirst()
  return row as TransferRow | undefined
}

/** Uploads whose process died. */
export async function interrupt(tx: Database, imageIds: readonly string[], failure: Failure): Promise<void> {
  if (imageIds.length === 0) return
  await tx
    .updateTable('transfers')
    .set(failed(failure))
    .where('image_id', 'in', imageIds)
    .where('kind', '=', 'upload')
    .where('ended_at', 'is', null)
    .execute()
}

/** How far a transfer is. */
export interface Report extends TransferName {
  bytes_done: number
  bytes_total: number | null
  bytes_per_second: number
}

/** Writes how far transfers are, all in one statement; those that have ended stay as they are. */
export async function report(db: Database, reports: readonly Report[]): Promise<void> {
  const column = <K extends keyof Report>(name: K) => reports.map(one => one[name])
  await sql`update transfers t set bytes_done = r.bytes_done, bytes_total = r.bytes_total,
      bytes_per_second = r.bytes_per_second, updated_at = now()
    from unnest(${column('image_id')}::text[], ${column('id')}::text[], ${column('bytes_done')}::bigint[],
      ${column('bytes_total')}::bigint[], ${column('bytes_per_second')}::bigint[])
      as r(image_id, id, bytes_done, bytes_total, bytes_per_second)
    where t.image_id = r.image_id and t.id = r.id and t.ended_at is null`.execute(db)
}

/** Of running transfers those that are wanted still, and the codes of those that somebody has ended. */
export async function look(
  db: Database,
  imageIds: readonly string[],
): Promise<{ id: string; wanted: boolean; code: string | null }[]> {
  return db
    .selectFrom('transfers as t')
    .innerJoin('images as i', 'i.id', 't.image_id')
    .select(['t.id', 't.code'])
    .select(sql<boolean>`t.ended_at is null and i.deleted_at is null`.as('wanted'))
    .where('t.image_id', 'in', imageIds)
    .execute()
}
