import { readFileSync, realpathSync, statSync } from 'node:fs'
import { dirname } from 'node:path'

/** Who runs the embedded PostgreSQL. */
export interface Account {
  uid: number
  gid: number
}

/** What Debian, Fedora and most others call nobody. */
const nobody: Account = { uid: 65534, gid: 65534 }

/** Whether this process may become another account. */
export const isRoot = () => process.getuid?.() === 0

/** The account of this process. */
export const ownAccount = (): Account => ({ uid: process.getuid!(), gid: process.getgid!() })

/**
 * PostgreSQL refuses to run as root. Started by root it gets the account that the data directory belongs to, if
 * that is not root, so that the same account can start Vitrine later; else `vitrine`, where the operator has made
 * it; else nobody.
 */
export function databaseAccount(dataDir: string): Account {
  if (!isRoot()) return ownAccount()
  const { uid, gid } = statSync(dataDir)
  if (uid !== 0) return { uid, gid }
  return accountByName('vitrine') ?? nobody
}

function accountByName(name: string): Account | undefined {
  const entry = /^[^:]*:[^:]*:(\d+):(\d+):/
  const lines = readFileSync('/etc/passwd', 'utf8').split('\n')
  const match = lines.find(line => line.startsWith(`${name}:`))?.match(entry)
  return match ? { uid: Number(match[1]), gid: Number(match[2]) } : undefined
}

/** Whether an account may pass through every folder down to `path` (by permission bits; ACLs are not looked at). */
export function canReach(path: string, account: Account): boolean {
  for (let folder = realpathSync(path); ; folder = dirname(folder)) {
    const { uid, gid, mode } = statSync(folder)
    const bit = uid === account.uid ? 0o100 : gid === account.gid ? 0o010 : 0o001
    if (!(mode & bit)) return false
    if (folder === dirname(folder)) return true
  }
}
