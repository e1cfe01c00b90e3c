import { Kysely, PostgresDialect } from 'kysely'
import pg from 'pg'
import type { Logger } from 'pino'
import type { DB } from './schema.js'

/** The database, or an open transaction of it: whoever opens one just passes it down. */
export type Database = Kysely<DB>

const int8 = 20
const int8Array = 1016

/**
 * Reads bigint columns as numbers: sizes, quotas and sequence numbers stay below 2^53 (8 PiB). Everything else is
 * read as pg does by default, timestamptz as Date among it. The table is our own, not pg's global one.
 */
const types: pg.CustomTypesConfig = {
  getTypeParser: ((oid: number, format?: 'text' | 'binary') => {
    if (oid === int8) return Number
    const parse = pg.types.getTypeParser(oid, format as 'text')
    if (oid === int8Array)
      return (text: string) =>
        (parse(text) as (string | null)[]).map(item => (item === null ? null : Number(item)))
    return parse
  }) as typeof pg.types.getTypeParser,
}

export interface ConnectOptions {
  /** Where errors of idle connections are told; they are replaced by themselves. */
  log?: Pick<Logger, 'warn'>
  /** Connections of this process at most. */
  connections?: number
  /** Seconds that one statement may take; 0 for no limit (migrations). */
  statementSeconds?: number
  /** What pg_stat_activity shows. */
  applicationName?: string
}

/**
 * Opens a pool on a PostgreSQL by URL (`postgres://…`; `?host=/folder` for a unix socket). Nothing is dialled
 * before the first statement. A statement fails after 30 s, a forgotten transaction after 60 s, waiting for a
 * connection after 10 s, so that a database in trouble gives errors and not a growing heap of requests.
 */
export function openPool(url: string, options: ConnectOptions = {}): pg.Pool {
  const statement = (options.statementSeconds ?? 30) * 1000
  const pool = new pg.Pool({
    connectionString: url,
    types,
    max: options.connections ?? 16,
    application_name: options.applicationName ?? 'vitrine',
    connectionTimeoutMillis: 10_000,
    idleTimeoutMillis: 60_000,
    statement_timeout: statement,
    // The server's own limit does not help against a server that went away without a word.
    query_timeout: statement && statement + 15_000,
    idle_in_transaction_session_timeout: 60_000,
    keepAlive: true,
    keepAliveInitialDelayMillis: 10_000,
  })
  // Without listeners a connection that breaks while nobody or a transaction holds it would end the process.
  // The error itself holds the client with all it has.
  const tell = (err: Error) => {
    if (!pool.ending) options.log?.warn({ reason: err.message }, 'a database connection broke')
  }
  pool.on('error', tell)
  pool.on('connect', client => client.on('error', tell))
  return pool
}

/** Kysely over a pool; destroying it ends the pool. */
export function openDatabase(pool: pg.Pool): Database {
  return new Kysely<DB>({ dialect: new PostgresDialect({ pool }) })
}
