import { setTimeout as sleep } from 'node:timers/promises'
import pg from 'pg'
import type { Logger } from 'pino'
import { StartFailure } from '../errors.js'

/** The oldest release that all statements work on. */
const oldest = 14

/** Errors that pass while a server, its machine's name or its network comes up. */
const passing = new Set([
  'ECONNREFUSED',
  'ENOENT',
  'ENOTFOUND',
  'EAI_AGAIN',
  'EHOSTUNREACH',
  'ETIMEDOUT',
  '57P03',
])

/**
 * Resolves when an external PostgreSQL answers and is fit for use; one that is only just starting is waited for.
 * Throws StartFailure with where it was looked for, never with the password.
 */
export async function reachDatabase(
  url: string,
  { log, waitSeconds }: { log: Pick<Logger, 'warn'>; waitSeconds: number },
): Promise<void> {
  for (const deadline = Date.now() + waitSeconds * 1000; ; ) {
    const client = new pg.Client({ connectionString: url, connectionTimeoutMillis: 10_000 })
    client.on('error', () => {})
    const where = `The database ${client.database} at ${client.host} port ${client.port}`
    try {
      await client.connect()
      const { rows } = await client.query("select current_setting('server_version_num')::int as version")
      const major = Math.floor(rows[0].version / 10_000)
      if (major < oldest)
        throw new StartFailure(`${where} is PostgreSQL ${major}; ${oldest} or newer is needed.`)
      return
    } catch (err) {
      if (err instanceof StartFailure) throw err
      const { code, message } = err as { code?: string; message: string }
      const reason = message || code
      if (!passing.has(code ?? '') || Date.now() > deadline)
        throw new StartFailure(`${where} can't be used: ${reason}.`, { cause: err })
      log.warn(`${where} does not answer yet: ${reason}`)
      await sleep(1000)
    } finally {
      await client.end().catch(() => {})
    }
  }
}
