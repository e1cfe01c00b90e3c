import type { Logger } from 'pino'
import type { Config } from '../config/schema.js'
import { findRunningEmbedded, startEmbedded } from '../db/embedded.js'
import { reachDatabase } from '../db/reach.js'

/** A database that a command uses; `close` stops it when it is embedded and the command has started it. */
export interface OpenDatabase {
  url: string
  close(): Promise<void>
}

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
): Promise<OpenDatabase> {
  if (config.database_url) return openExternal(config.database_url, log, 0)
  const url = findRunningEmbedded(config.data_dir)
  if (url) return { url, async close() {} }
  return startEmbedded(config.data_dir, { log, purpose, connections: connectionsFor(config) })
}

/** The database of the settings for the server, which holds the lock of the data directory when it is embedded. */
export async function openServerDatabase(
  config: Config,
  log: Logger,
  onLost: (err: Error) => void,
): Promise<OpenDatabase> {
  if (config.database_url) return openExternal(config.database_url, log, 60)
  return startEmbedded(config.data_dir, {
    log,
    purpose: 'serve',
    connections: connectionsFor(config),
    onLost,
  })
}

async function openExternal(url: string, log: Logger, waitSeconds: number): Promise<OpenDatabase> {
  await reachDatabase(url, { log, waitSeconds })
  return { url, async close() {} }
}
