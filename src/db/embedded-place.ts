import { createHash, randomBytes } from 'node:crypto'
import {
  chmodSync,
  chownSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readFileSync,
  realpathSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { StartFailure } from '../errors.js'
import { makeFolder } from '../folder.js'
import { type Account, canReach, databaseAccount, isRoot, ownAccount } from './embedded-account.js'

/**
 * Where the embedded database of a data directory lives. Below `base`: `data` (the cluster), `run` (its socket),
 * `password`, `postgresql-<version>` (a copy of the programs, when one is needed).
 */
export interface Place {
  base: string
  /** PostgreSQL's data directory; may not exist yet. */
  data: string
  /** Folder of the socket. */
  run: string
  /** Who runs PostgreSQL. */
  account: Account
  /** Of role vitrine, who owns everything. */
  password: string
}

/** A socket's path, .s.PGSQL.5432.lock included, has to fit into 107 bytes on Linux and 103 on macOS. */
const longestSocketDir = 103 - '/.s.PGSQL.5432'.length

/** Where databases go that root can reach under the data directory and the account of PostgreSQL can't. */
const systemDir = '/var/lib/vitrine'

/**
 * Finds the database that belongs to a data directory, without making anything; undefined when there is none yet.
 * Throws StartFailure when there is one that this process has no access to.
 */
export function findPlace(dataDir: string): Place | undefined {
  const link = join(dataDir, 'postgres')
  if (!existsSync(link)) return undefined
  const base = realpathSync(link)
  const password = readPassword(base)
  if (password === undefined) return undefined
  const data = join(base, 'data')
  const account =
    isRoot() && existsSync(data) ? owner(data) : isRoot() ? owner(join(base, 'run')) : ownAccount()
  if (account.uid === 0)
    throw new StartFailure(`${data} belongs to root, but PostgreSQL refuses to run as root.`)
  if (existsSync(data) && owner(data).uid !== account.uid) throw foreign(data)
  return { base, data, run: socketDir(base), account, password }
}

/** Finds the place of a data directory's database, or makes it; the cluster itself is not made here. */
export function makePlace(dataDir: string): Place {
  makeFolder(dataDir)
  const found = findPlace(dataDir)
  if (found) {
    makeSocketDir(found)
    return found
  }
  const account = databaseAccount(dataDir)
  const base = makeBase(dataDir, account)
  const place = { base, data: join(base, 'data'), run: socketDir(base), account, password: '' }
  if (existsSync(place.data))
    throw new StartFailure(
      `${base} has a database, but not the file with its password: restore ${base}/password.`,
    )
  makeSocketDir(place)
  try {
    const owner = statSync(dataDir)
    const password = randomBytes(24).toString('base64url')
    writeFileSync(join(base, 'password'), password, { flag: 'wx', mode: 0o600 })
    if (isRoot()) chownSync(join(base, 'password'), owner.uid, owner.gid)
  } catch (err) {
    // Another starter, at the same moment, was first.
    if ((err as NodeJS.ErrnoException).code !== 'EEXIST') throw err
  }
  return { ...place, password: readPassword(base)! }
}

/** The folder `postgres` of the data directory, or what it links to. */
function makeBase(dataDir: string, account: Account): string {
  const link = join(dataDir, 'postgres')
  if (existsSync(link)) return realpathSync(link)
  if (!isRoot() || canReach(dataDir, account)) {
    makeOpenFolder(link, 0o711)
    return realpathSync(link)
  }
  // A new name each time: a removed data directory never comes back with its old database.
  const base = join(systemDir, `${shortHash(realpathSync(dataDir))}-${randomBytes(4).toString('hex')}`)
  makeOpenFolder(systemDir, 0o755)
  makeOpenFolder(base, 0o711)
  // For the operator who finds it there, perhaps after the data directory is gone.
  writeFileSync(join(base, 'belongs-to'), `${realpathSync(dataDir)}\n`)
  try {
    symlinkSync(base, link)
  } catch (err) {
    if ((err as NodeJS.ErrnoException).code !== 'EEXIST') throw err
    rmSync(base, { recursive: true }) // another starter, at the same moment, was first
    return realpathSync(link)
  }
  return base
}

/** Makes a folder with exactly this mode: the umask of root may be 077, and PostgreSQL's account must pass. */
function makeOpenFolder(path: string, mode: number): void {
  if (existsSync(path)) return
  makeFolder(path)
  chmodSync(path, mode)
}

function readPassword(base: string): string | undefined {
  try {
    return readFileSync(join(base, 'password'), 'utf8').trim()
  } catch (err) {
    const { code } = err as NodeJS.ErrnoException
    if (code === 'ENOENT') return undefined
    if (code === 'EACCES') throw foreign(base)
    throw err
  }
}

function foreign(path: string): StartFailure {
  const { uid } = statSync(path)
  return new StartFailure(
    `The embedded database in ${path} belongs to another account (uid ${uid}): start Vitrine as the account that ` +
      'started it first, or set VITRINE_DATA_DIR to a folder of your own.',
  )
}

const owner = (path: string): Account => {
  const { uid, gid } = statSync(path)
  return { uid, gid }
}

const shortHash = (text: string) => createHash('sha256').update(text).digest('hex').slice(0, 16)

/** `run` below the base, or a folder with a short name where that path is too long for a socket. */
function socketDir(base: string): string {
  const run = join(base, 'run')
  if (Buffer.byteLength(run) <= longestSocketDir) return run
  const parent = isRoot() ? '/run' : process.env.XDG_RUNTIME_DIR || tmpdir()
  const { ino } = statSync(base)
  return join(parent.length < 60 ? parent : '/tmp', `vitrine-${shortHash(`${base} ${ino}`)}`)
}

/** Makes the socket's folder, which only PostgreSQL's account may enter (and root). */
function makeSocketDir({ run, account }: Place): void {
  try {
    mkdirSync(run, { mode: 0o700 })
    if (isRoot()) chownSync(run, account.uid, account.gid)
  } catch (err) {
    if ((err as NodeJS.ErrnoException).code !== 'EEXIST') throw err
  }
  // In a folder like /tmp somebody else may have made it, and would be trusted with what we send.
  const { uid, mode } = lstatSync(run)
  if (!lstatSync(run).isDirectory() || (uid !== account.uid && uid !== 0) || mode & 0o022)
    throw new StartFailure(`${run} is needed for the database's socket, but belongs to somebody else.`)
}
