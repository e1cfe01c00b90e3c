import { type ChildProcess, spawn } from 'node:child_process'
import { chownSync, existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Logger } from 'pino'
import { StartFailure } from '../errors.js'
import { isRoot } from './embedded-account.js'
import type { Binaries } from './embedded-binaries.js'
import type { Place } from './embedded-place.js'
import { readPidFile, servesCluster, startedByUs } from './embedded-process.js'

export interface ServerOptions {
  log: Pick<Logger, 'debug' | 'warn'>
  /** Connections that PostgreSQL accepts; 100 unless more are asked for. */
  connections?: number
  /** Further settings of PostgreSQL, such as `{ fsync: 'off' }` in tests. */
  settings?: Record<string, string>
}

/** The release of PostgreSQL whose clusters the programs can read. */
const majorVersion = '18'

/** initdb into a folder beside, renamed when it is complete: neither a kill nor a second starter leaves half of one. */
export async function makeCluster(place: Place, binaries: Binaries): Promise<void> {
  if (existsSync(place.data)) {
    const version = readFileSync(join(place.data, 'PG_VERSION'), 'utf8').trim()
    if (version === majorVersion) return
    throw new StartFailure(
      `${place.data} was made by PostgreSQL ${version}, this release has ${majorVersion}: dump it with the ` +
        'release of Vitrine that made it and restore it into a new data directory.',
    )
  }
  const { uid, gid } = place.account
  const fresh = join(place.base, `fresh-${process.pid}`)
  rmSync(fresh, { recursive: true, force: true })
  mkdirSync(fresh, { mode: 0o700 })
  const passwordFile = join(fresh, 'password')
  writeFileSync(passwordFile, place.password, { mode: 0o600 })
  if (isRoot()) for (const path of [passwordFile, fresh]) chownSync(path, uid, gid)
  try {
    await run(join(binaries.bin, 'initdb'), place, [
      ...['--pgdata', join(fresh, 'data'), '--username', 'vitrine', '--pwfile', passwordFile],
      ...['--auth', 'scram-sha-256', '--encoding', 'UTF8', '--locale', 'C', '--no-instructions'],
    ])
    renameSync(join(fresh, 'data'), place.data)
  } catch (err) {
    const { code } = err as NodeJS.ErrnoException
    if (code !== 'ENOTEMPTY' && code !== 'EEXIST') throw err // else another starter was first
  } finally {
    rmSync(fresh, { recursive: true, force: true })
  }
}

/** PostgreSQL's programs see none of our environment: PGPORT, PGDATA and LC_* would change what they do. */
const environment = { PATH: '/usr/bin:/bin', LC_ALL: 'C', TZ: 'UTC' }

function launch(program: string, place: Place, args: string[]): Spawned {
  const child = spawn(program, args, {
    cwd: place.base,
    env: environment,
    stdio: ['ignore', 'pipe', 'pipe'],
    // A group of its own: Ctrl+C in a terminal reaches Vitrine alone, which stops PostgreSQL last.
    detached: true,
    ...(isRoot() ? place.account : {}),
  })
  let tail = ''
  for (const stream of [child.stdout!, child.stderr!])
    stream.setEncoding('utf8').on('data', (text: string) => {
      tail = (tail + text).slice(-4000)
    })
  return { process: child, output: () => tail.trim() }
}

async function run(program: string, place: Place, args: string[]): Promise<void> {
  const { process: child, output } = launch(program, place, args)
  const code = await new Promise<number | string | null>((resolve, reject) => {
    child.once('error', reject)
    child.once('close', (code, signal) => resolve(code ?? signal))
  })
  if (code !== 0) throw new StartFailure(`${program} failed (${code}): ${output()}`)
}

/** A program of PostgreSQL that was started, and the end of what it has printed. */
export interface Spawned {
  process: ChildProcess
  output: () => string
}

export function spawnPostgres(place: Place, binaries: Binaries, options: ServerOptions): Spawned {
  const settings: Record<string, string> = {
    ...startedByUs,
    listen_addresses: '',
    unix_socket_directories: `"${place.run}"`,
    unix_socket_permissions: '0700',
    port: '5432',
    max_connections: String(Math.max(100, options.connections ?? 0)),
    timezone: 'UTC',
    log_timezone: 'UTC',
    log_line_prefix: '',
    log_checkpoints: 'off',
    // Short statements by the thousand: neither compiling them nor parallel workers would pay. Parallel workers
    // would also need more shared memory than a container has by default.
    jit: 'off',
    max_parallel_workers_per_gather: '0',
    ...options.settings,
  }
  const args = Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`])
  const spawned = launch(join(binaries.bin, 'postgres'), place, ['-D', place.data, ...args])
  for (const stream of [spawned.process.stdout!, spawned.process.stderr!])
    stream.on('data', (text: string) => {
      // Connections that are ended at a stop are no news.
      for (const line of text.split('\n').filter(Boolean))
        if (/^(WARNING|FATAL|PANIC):/.test(line) && !line.includes('terminating connection due to admin'))
          options.log.warn({ database: line }, 'embedded database')
        else options.log.debug({ database: line }, 'embedded database')
    })
  return spawned
}

/** Resolves when the server takes connections, with 'taken' when another one has the cluster. */
export async function waitUntilReady(
  { process: child, output }: Spawned,
  place: Place,
): Promise<'ready' | 'taken'> {
  let failure: Error | undefined
  child.once('error', err => {
    failure = err
  })
  // A recovery after a crash replays what was not yet in the tables; it may take minutes, and it ends.
  for (;;) {
    const ended = failure || child.exitCode !== null || child.signalCode !== null
    const pidFile = readPidFile(place.data)
    if (!ended && pidFile?.pid === child.pid && pidFile?.ready) return 'ready'
    if (ended) {
      if (/lock file ".*" already exists|pre-existing shared memory block/.test(output())) {
        await sleep(100)
        return 'taken'
      }
      const reason = failure?.message ?? (output() || `it ended with ${child.exitCode ?? child.signalCode}`)
      throw new StartFailure(`The embedded PostgreSQL did not start: ${reason}`)
    }
    await sleep(15)
  }
}

/** Stops a PostgreSQL: SIGINT lets it write a checkpoint; the harder SIGQUIT leaves a recovery to the next start. */
export async function stopPostgres(pid: number, data: string): Promise<void> {
  for (const [signal, seconds] of [
    ['SIGINT', 60],
    ['SIGQUIT', 10],
    ['SIGKILL', 10],
  ] as const) {
    if (!servesCluster(pid, data)) return
    process.kill(pid, signal)
    for (const deadline = Date.now() + seconds * 1000; Date.now() < deadline; await sleep(20))
      if (!servesCluster(pid, data)) return
  }
  throw new StartFailure(`PostgreSQL (process ${pid}) does not stop.`)
}
