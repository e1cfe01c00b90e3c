import type { ChildProcess } from 'node:child_process'
import { existsSync } from 'node:fs'
import { rmdir } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import pg from 'pg'
import type { Logger } from 'pino'
import { StartFailure } from '../errors.js'
import { findBinaries } from './embedded-binaries.js'
import { type Held, takeLock } from './embedded-lock.js'
import { findPlace, makePlace, type Place } from './embedded-place.js'
import {
  disownPidFile,
  isAlive,
  livingStarterOf,
  readPidFile,
  removeStaleSocketLock,
  servesCluster,
} from './embedded-process.js'
import {
  makeCluster,
  type ServerOptions,
  spawnPostgres,
  stopPostgres,
  waitUntilReady,
} from './embedded-server.js'

/**
 * A real PostgreSQL for starting with no set-up: the programs come from npm, the cluster is in the data directory,
 * it is reached over a unix socket by its owner only, and it stops with the process that started it.
 */
export interface EmbeddedDatabase {
  /** postgres://… of the application's database. */
  url: string
  /** Stops PostgreSQL after all connections are closed; what still runs is cancelled. */
  close(): Promise<void>
}

export interface EmbeddedOptions extends ServerOptions {
  log: Pick<Logger, 'debug' | 'info' | 'warn' | 'error'>
  /** What this process does, as another one is told that finds the data directory in use: serve, migrate, … */
  purpose: string
  /** Called once when the database is lost for good: it can't be started again, or another server has taken it. */
  onLost?: (err: Error) => void
}

/** Name of the application's database in the cluster. */
const databaseName = 'vitrine'

/**
 * Starts the database of a data directory, which is made if need be. Throws StartFailure with a sentence when
 * another server works on it. What a killed run has left, a running PostgreSQL or its lock files, is cleared away.
 */
export async function startEmbedded(dataDir: string, options: EmbeddedOptions): Promise<EmbeddedDatabase> {
  const place = makePlace(dataDir)
  const binaries = findBinaries(place.base, place.account)
  await makeCluster(place, binaries)

  let closing = false
  let child: ChildProcess | undefined
  let lock: Held | undefined

  /** One start; every turn either wins the cluster or finds who has it. */
  const start = async () => {
    for (const deadline = Date.now() + 90_000; ; ) {
      await clearLeftover(place, options)
      const spawned = spawnPostgres(place, binaries, options)
      if ((await waitUntilReady(spawned, place)) === 'taken') {
        if (Date.now() < deadline) continue
        throw new StartFailure(`The embedded PostgreSQL did not start: ${spawned.output()}`)
      }
      try {
        lock = await takeLock(urlOf(place, place.run, 'postgres'), options.purpose, superviseLock)
        child = spawned.process
        child.once('exit', () => void restart())
        return
      } catch (err) {
        await stopPostgres(spawned.process.pid!, place.data)
        throw err
      }
    }
  }

  /** PostgreSQL died (killed for memory, say): start it again, the pools connect anew by themselves. */
  const restart = async () => {
    for (let attempt = 1; !closing; attempt++) {
      options.log.error({ attempt }, 'the embedded database has stopped; starting it again')
      try {
        await lock?.release()
        return await start()
      } catch (err) {
        if (attempt >= 5) return options.onLost?.(err as Error)
        await sleep(attempt * 500)
      }
    }
  }

  /**
   * The lock's connection broke. Either PostgreSQL died and `restart` takes the lock anew, or it lives and recovers
   * from a crash of one of its processes, which breaks all connections.
   */
  const superviseLock = async () => {
    const broken = child
    for (let attempt = 1; ; attempt++) {
      await sleep(200)
      if (closing || child !== broken || broken?.exitCode !== null || broken.signalCode !== null) return
      try {
        lock = await takeLock(urlOf(place, place.run, 'postgres'), options.purpose, superviseLock)
        return
      } catch (err) {
        if (attempt >= 50 || err instanceof StartFailure) return options.onLost?.(err as Error)
      }
    }
  }

  await start()
  // A process that ends without close(): PostgreSQL is told to stop, too.
  const stopAtExit = () => child?.kill('SIGINT')
  process.once('exit', stopAtExit)
  await createDatabase(place)

  return {
    url: urlOf(place, place.run, databaseName),
    async close() {
      if (closing) return
      closing = true
      process.off('exit', stopAtExit)
      // The lock is held until PostgreSQL has ended, so that the next server can't get hold of one that is stopping.
      lock?.closing()
      if (child?.pid && child.exitCode === null && child.signalCode === null)
        await stopPostgres(child.pid, place.data)
      await lock?.release()
      // One with a short name, elsewhere, is not kept.
      if (dirname(place.run) !== place.base) await rmdir(place.run).catch(() => {})
    },
  }
}

/** URL of the data directory's embedded database when a server runs it; undefined when none does. */
export function findRunningEmbedded(dataDir: string): string | undefined {
  const place = findPlace(dataDir)
  const pidFile = place && readPidFile(place.data)
  if (!pidFile?.ready || !existsSync(join(pidFile.socketDir, '.s.PGSQL.5432'))) return undefined
  return servesCluster(pidFile.pid, place!.data) ? urlOf(place!, pidFile.socketDir, databaseName) : undefined
}

/** The port and no TLS are said, or pg would take them from the operator's PGPORT and PGSSLMODE. */
function urlOf(place: Place, socketDir: string, database: string): string {
  const query = new URLSearchParams({ host: socketDir, sslmode: 'disable' })
  return `postgres://vitrine:${place.password}@localhost:5432/${database}?${query}`
}

/**
 * Clears away what an earlier run left: a PostgreSQL that outlived it is stopped (a new one is our own child and
 * has our settings), lock files whose process is gone are removed. Throws StartFailure when a server is at work.
 */
async function clearLeftover(place: Place, options: EmbeddedOptions): Promise<void> {
  for (const deadline = Date.now() + 60_000; ; ) {
    const pidFile = readPidFile(place.data)
    if (!pidFile) return removeStaleSocketLock(place.run, place.data)
    const ours = servesCluster(pidFile.pid, place.data)
    // Asked before the number is believed: in another container the same process has another number.
    const lock = await lockOf(place, pidFile.socketDir, options.purpose)
    if (lock && !ours) {
      await lock.release()
      throw new StartFailure(`A PostgreSQL of another container works on ${place.data}: stop it first.`)
    }
    const starter = ours && livingStarterOf(pidFile.pid)
    if (lock && starter) {
      // Its owner has just started it anew, or lost the lock's connection, and is about to take the lock.
      await lock.release()
      if (Date.now() > deadline)
        throw new StartFailure(`Another Vitrine (process ${starter}) works on ${place.data}: stop it first.`)
      await sleep(200)
    } else if (lock) {
      options.log.info({ postgres: pidFile.pid }, 'stopping the database that an earlier run has left')
      lock.closing()
      await stopPostgres(pidFile.pid, place.data)
      await lock.release()
    } else if (!ours) {
      // PostgreSQL itself sees to the file of a process that is gone, but would believe one that is somebody else's.
      if (isAlive(pidFile.pid)) disownPidFile(place, pidFile)
      return removeStaleSocketLock(place.run, place.data)
    } else if (Date.now() > deadline)
      throw new StartFailure(
        `PostgreSQL (process ${pidFile.pid}) works on ${place.data}, but does not answer.`,
      )
    else await sleep(50) // it is about to take connections, or about to end
  }
}

/** The lock, when a PostgreSQL answers on that socket and nobody has it; undefined when none answers. */
async function lockOf(place: Place, socketDir: string, purpose: string): Promise<Held | undefined> {
  if (!socketDir || !existsSync(join(socketDir, '.s.PGSQL.5432'))) return undefined
  try {
    return await takeLock(urlOf(place, socketDir, 'postgres'), purpose)
  } catch (err) {
    const wrongPassword = (err as { code?: string }).code === '28P01'
    if (wrongPassword)
      throw new StartFailure(`The database in ${place.base} refuses the password in ${place.base}/password.`)
    if (err instanceof StartFailure) throw err
    return undefined
  }
}

async function createDatabase(place: Place): Promise<void> {
  const client = new pg.Client(urlOf(place, place.run, 'postgres'))
  await client.connect()
  try {
    const { rowCount } = await client.query('select from pg_database where datname = $1', [databaseName])
    if (!rowCount) await client.query(`create database ${databaseName}`)
  } finally {
    await client.end()
  }
}
