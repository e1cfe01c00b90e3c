import type { Logger } from 'pino'
import type { Config } from '../config/schema.js'
import { type EmbeddedDatabase, findRunningEmbedded, startEmbedded } from '../db/embedded.js'

/** Connections that the embedded database must accept: those of all processes, and some for commands beside them. */
const connectionsFor = (config: Config) => (config.processes + 1) * (config.database_connections + 1) + 20

/**
 * The database of the settings for a command: the external one; the embedded one of a server that is running; else
 * the embedded one is started, and stopped again by `close`.
 */
export async function openCommandDatabase(
  config: Config,
  log: Logger,
  purpose: string,
): Promise<EmbeddedDatabase> {
  const url = config.database_url ?? findRunningEmbedded(config.data_dir)
  if (url) return { url, async close() {} }
  return startEmbedded(config.data_dir, { log, purpose, connections: connectionsFor(config) })
}

/** The database of the settings for the server, which holds the lock of the data directory when it is embedded. */
export async function openServerDatabase(
  config: Config,
  log: Logger,
  onLost: (err: Error) => void,
): Promise<EmbeddedDatabase> {
  if (config.database_url) return { url: config.database_url, async close() {} }
  return startEmbedded(config.data_dir, {
    log,
    purpose: 'serve',
    connections: connectionsFor(config),
    onLost,
  })
}
