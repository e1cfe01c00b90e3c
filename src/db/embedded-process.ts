import { execFileSync } from 'node:child_process'
import {
  chownSync,
  existsSync,
  readFileSync,
  readlinkSync,
  realpathSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'

/** What a running PostgreSQL says about itself in postmaster.pid. */
export interface PidFile {
  pid: number
  /** Folder of its unix socket; empty while it has none. */
  socketDir: string
  ready: boolean
  /** The file as it was read. */
  text: string
}

/** Reads postmaster.pid of a cluster; undefined when there is none, which means that nothing runs. */
export function readPidFile(data: string): PidFile | undefined {
  let text: string
  try {
    text = readFileSync(join(data, 'postmaster.pid'), 'utf8')
  } catch (err) {
    if ((err as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw err
  }
  const lines = text.split('\n')
  return {
    pid: Number(lines[0]),
    socketDir: lines[4]?.trim() ?? '',
    ready: lines[7]?.trim() === 'ready',
    text,
  }
}

/** Whether a process of this id exists, whoever runs it. */
export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch (err) {
    return (err as NodeJS.ErrnoException).code === 'EPERM'
  }
}

/** Whether `pid` is a PostgreSQL that works on the cluster `data`, and not somebody who got the number later. */
export function servesCluster(pid: number, data: string): boolean {
  if (!Number.isInteger(pid) || pid <= 1 || !isAlive(pid)) return false
  try {
    // A postmaster's working directory is its data directory.
    if (existsSync('/proc/self/cwd')) return readlinkSync(`/proc/${pid}/cwd`) === realpathSync(data)
    return execFileSync('ps', ['-o', 'command=', '-p', String(pid)], { encoding: 'utf8' }).includes(data)
  } catch {
    return false
  }
}

/** The setting by which a PostgreSQL is known to have been started by this process. */
export const startedByUs = { cluster_name: `vitrine-${process.pid}` }

/**
 * The process that started a PostgreSQL of ours, while it lives: PostgreSQL is its child until it ends. Undefined
 * for one that has outlived its starter.
 */
export function livingStarterOf(pid: number): number | undefined {
  const [, parent, starter] = /^\s*(\d+) .*cluster_name=vitrine-(\d+)/.exec(parentAndCommand(pid)) ?? []
  return starter !== undefined && parent === starter ? Number(starter) : undefined
}

/** "PARENT COMMAND", or an empty text when there is no such process. */
function parentAndCommand(pid: number): string {
  try {
    if (!existsSync('/proc/self/stat'))
      return execFileSync('ps', ['-ww', '-o', 'ppid=,command=', '-p', String(pid)], { encoding: 'utf8' })
    // The name before the state is in parentheses and may hold anything.
    const [, parent = ''] = /\) \S (\d+)/.exec(readFileSync(`/proc/${pid}/stat`, 'utf8')) ?? []
    return `${parent} ${readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ')}`
  } catch {
    return ''
  }
}

/**
 * Puts a number that no process has into a postmaster.pid whose number now belongs to somebody else. PostgreSQL
 * then sees that its predecessor is gone, and still looks whether a child of it works on (by the shared memory
 * that the file names), which it would not when the file were removed.
 */
export function disownPidFile(
  place: { data: string; account: { uid: number; gid: number } },
  stale: PidFile,
): void {
  const path = join(place.data, 'postmaster.pid')
  const corrected = `${path}.${process.pid}`
  writeFileSync(corrected, stale.text.replace(/^\d+/, '2147483646'), { mode: 0o600 })
  if (process.getuid?.() === 0) chownSync(corrected, place.account.uid, place.account.gid)
  // Another starter may have come as far as a new server in between: its file stays.
  if (readPidFile(place.data)?.text === stale.text) renameSync(corrected, path)
  else rmSync(corrected)
}

/** PostgreSQL keeps its number beside its socket as well, and believes it as blindly. */
export function removeStaleSocketLock(socketDir: string, data: string): void {
  const lock = join(socketDir, '.s.PGSQL.5432.lock')
  if (existsSync(lock) && !servesCluster(Number(readFileSync(lock, 'utf8').split('\n')[0]), data))
    rmSync(lock)
}
