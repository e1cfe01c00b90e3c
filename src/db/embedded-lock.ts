import { setTimeout as sleep } from 'node:timers/promises'
import pg from 'pg'
import { StartFailure } from '../errors.js'

/** The right to work on an embedded database's data directory; it ends with this process, however that ends. */
export interface Held {
  /** Says that the connection will end soon and that this is no fault. */
  closing(): void
  release(): Promise<void>
}

/** Two numbers of our own: advisory locks have no names. */
const lockKey = [0x56697472, 1]

const prefix = 'vitrine '

/**
 * Takes the lock of a data directory: an advisory lock in its own PostgreSQL, held by a connection. The kernel closes
 * that when the process dies, so there is never a stale one; and whoever can use the database, as whatever account
 * or in whatever container, sees the same lock. Throws StartFailure, with who holds it, after a second (a killed
 * holder's connection may take a moment to end) or, when it is a short command, after a minute.
 *
 * @param url any server of the cluster, database postgres
 * @param onBroken called when the connection breaks without having been released
 */
export async function takeLock(url: string, purpose: string, onBroken?: () => void): Promise<Held> {
  const client = new pg.Client({
    connectionString: url,
    application_name: `${prefix}${purpose} ${process.pid}`,
    connectionTimeoutMillis: 5000,
    keepAlive: true,
  })
  let expected = false
  client.on('error', () => {})
  client.on('end', () => {
    if (!expected) onBroken?.()
    expected = true
  })
  const release = async () => {
    expected = true
    await client.end().catch(() => {})
  }
  try {
    await client.connect()
    await acquire(client)
  } catch (err) {
    await release()
    throw err
  }
  return {
    closing() {
      expected = true
    },
    release,
  }
}

async function acquire(client: pg.Client): Promise<void> {
  for (const began = Date.now(); ; await sleep(100)) {
    const { rows } = await client.query('select pg_try_advisory_lock($1, $2) as taken', lockKey)
    if (rows[0].taken) return
    const holder = await client.query(
      `select application_name as name from pg_locks join pg_stat_activity using (pid)
       where locktype = 'advisory' and classid = $1 and objid = $2 and granted`,
      lockKey,
    )
    const name: string = holder.rows[0]?.name ?? prefix
    const [purpose = 'serve', pid = '?'] = name.slice(prefix.length).split(' ')
    if (Date.now() - began < (purpose === 'serve' ? 1000 : 60_000)) continue
    const { rows: where } = await client.query("select current_setting('data_directory') as data")
    throw new StartFailure(
      `Another Vitrine (process ${pid}, ${purpose}) works on this data directory (database in ${where[0].data}): ` +
        'stop it, or set VITRINE_DATA_DIR to another folder.',
    )
  }
}
