import type { Database } from '../db/connect.js'
import { setProperties, touch } from '../images/repository.js'

/**
 * What an import shows of itself on its image: the stores it still has to write to and those that failed, as comma
 * lists, sorted. They stay behind empty, as with Glance; clients take that for none.
 */
const IMPORTING = 'os_glance_importing_to_stores'
const FAILED = 'os_glance_failed_import'

async function change(
  tx: Database,
  imageId: string,
  edit: (lists: { importing: string[]; failed: string[] }) => { importing: string[]; failed: string[] },
): Promise<void> {
  await tx.selectFrom('images').select('id').where('id', '=', imageId).forUpdate().execute()
  const rows = await tx
    .selectFrom('image_properties')
    .select(['name', 'value'])
    .where('image_id', '=', imageId)
    .where('name', 'in', [IMPORTING, FAILED])
    .execute()
  const list = (name: string) =>
    (rows.find(row => row.name === name)?.value ?? '').split(',').filter(store => store !== '')
  const { importing, failed } = edit({ importing: list(IMPORTING), failed: list(FAILED) })
  await setProperties(tx, imageId, {
    [IMPORTING]: importing.sort().join(','),
    [FAILED]: failed.sort().join(','),
  })
  await touch(tx, imageId)
}

const without = (list: string[], stores: readonly string[]) => list.filter(store => !stores.includes(store))

/** The import begins: these stores are to be written. */
export const track = (tx: Database, imageId: string, stores: readonly string[]) =>
  change(tx, imageId, ({ importing, failed }) => ({
    importing: [...without(importing, stores), ...stores],
    failed: without(failed, stores),
  }))

/** A store is written. */
export const succeeded = (tx: Database, imageId: string, store: string) =>
  change(tx, imageId, ({ importing, failed }) => ({ importing: without(importing, [store]), failed }))

/** Stores could not be written. */
export const failed = (tx: Database, imageId: string, stores: readonly string[]) =>
  change(tx, imageId, lists => ({
    importing: without(lists.importing, stores),
    failed: [...without(lists.failed, stores), ...stores],
  }))

/** Nothing is to be said of these stores any more. */
export const untrack = (tx: Database, imageId: string, stores: readonly string[]) =>
  change(tx, imageId, lists => ({
    importing: without(lists.importing, stores),
    failed: without(lists.failed, stores),
  }))
