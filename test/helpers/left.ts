import { readdirSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Test } from 'tap'
import type { TestApp } from './app.js'

/** Waits until `look` gives something true, and gives that; fails after some seconds. */
export async function until<T>(
  look: () => Promise<T> | T,
  what = 'the state',
  seconds = 20,
): Promise<NonNullable<T>> {
  const end = Date.now() + seconds * 1000
  for (;;) {
    const seen = await look()
    if (seen) return seen
    if (Date.now() > end) throw new Error(`${what} did not come within ${seconds} seconds`)
    await sleep(20)
  }
}

/** What the ledger says: objects by state. */
export const ledger = (server: Pick<TestApp, 'deps'>) =>
  server.deps.db.selectFrom('blobs').select(['store', 'key', 'state', 'image_id']).execute()

/** Files of both stores, finished or not, as `store/name`. */
export const files = ({ folders }: Pick<TestApp, 'folders'>) =>
  Object.entries(folders).flatMap(([store, folder]) => readdirSync(folder).map(name => `${store}/${name}`))

/**
 * Proves that nothing is under way and nothing is left over: every file is an object that an image has, every such
 * object is a file, no digest is open, no image waits for bytes that nobody brings.
 */
export async function tidy(t: Test, server: TestApp): Promise<void> {
  const rows = await until(async () => {
    const found = await ledger(server)
    return found.every(row => row.state === 'stored') ? found : null
  }, 'an empty ledger')
  t.strictSame(
    files(server).toSorted(),
    rows.map(row => `${row.store}/${row.key}`).toSorted(),
    'the stores hold what the ledger says',
  )
  t.equal(server.deps.hashes.active, 0, 'no digest is open')
  const busy = await server.deps.db
    .selectFrom('images')
    .select('id')
    .where('status', 'in', ['saving', 'uploading', 'importing'])
    .execute()
  t.strictSame(busy, [], 'no image waits')
  const unforeseen = server.logs.filter(line => Number(line.level) >= 50)
  t.strictSame(unforeseen, [], 'nothing unforeseen was logged')
}

type Body = (t: Test) => Promise<unknown>

/** Makes tests that end with that proof. */
export const tidying =
  (t: Test, server: TestApp) =>
  (name: string, fn: Body, skip: string | false = false) =>
    t.test(name, { skip }, async t => {
      await fn(t)
      await tidy(t, server)
    })
