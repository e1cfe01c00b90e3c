import { readdir, readFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { Logger as QueueLogger, runMigrations } from 'graphile-worker'
import { Kysely, type Migration, type MigrationProvider, Migrator, PostgresDialect, sql } from 'kysely'
import { openPool } from './connect.js'

const folder = new URL('../../../migrations/', import.meta.url)

/** Migrations are plain SQL, several statements a file, run in the order of their names and never changed later. */
const provider: MigrationProvider = {
  async getMigrations() {
    const names = (await readdir(fileURLToPath(folder))).filter(name => name.endsWith('.sql')).sort()
    const migrations: Record<string, Migration> = {}
    for (const name of names) {
      const text = await readFile(new URL(name, folder), 'utf8')
      // Without parameters pg uses the simple protocol, which takes many statements at once.
      migrations[name.slice(0, -4)] = { up: async db => void (await sql.raw(text).execute(db)) }
    }
    return migrations
  },
}

/**
 * Brings a database to the newest schema, the job queue's own tables included. All pending files run in one
 * transaction; their names are the result. Replicas that start at once wait for each other on the Migrator's lock, the later ones find nothing to do. A database
 * that a newer release has migrated is left as it is: releases only expand, so the older one can go on.
 */
export async function migrate(url: string): Promise<string[]> {
  // A new index may take long, and so may waiting for the replica that makes it: no limit.
  const pool = openPool(url, { connections: 2, statementSeconds: 0, applicationName: 'vitrine migrate' })
  const db = new Kysely<unknown>({ dialect: new PostgresDialect({ pool }) })
  try {
    if (await isNewer(db)) return []
    const { error, results } = await new Migrator({ db, provider }).migrateToLatest()
    if (error) {
      const failed = results?.find(result => result.status === 'Error')
      const where = failed ? `migration ${failed.migrationName} failed` : 'the database could not be migrated'
      throw new Error(`${where}: ${error instanceof Error ? error.message : String(error)}`, { cause: error })
    }
    await runMigrations({ pgPool: pool, logger: new QueueLogger(() => () => undefined) })
    return (results ?? []).map(result => result.migrationName)
  } finally {
    await db.destroy()
  }
}

/** Whether all of our migrations have run and further ones, which we do not know, as well. */
async function isNewer(db: Kysely<unknown>): Promise<boolean> {
  const known = Object.keys(await provider.getMigrations())
  const table = await sql<{
    found: boolean
  }>`select to_regclass('kysely_migration') is not null as found`.execute(db)
  if (!table.rows[0]?.found) return false
  const done = (await sql<{ name: string }>`select name from kysely_migration`.execute(db)).rows.map(
    row => row.name,
  )
  return done.length > known.length && known.every(name => done.includes(name))
}
