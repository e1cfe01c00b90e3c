import { createHmac, randomBytes } from 'node:crypto'
import { unwatchFile, watchFile } from 'node:fs'
import type { FastifyRequest } from 'fastify'
import type { Logger } from 'pino'
import { Unauthorized } from '../errors.js'
import { boundedMap } from './bounded-map.js'
import { type Caller, stillHeld } from './caller.js'
import { openGate, singleFlight } from './gate.js'
import type { Auth } from './index.js'
import { openThrottle } from './throttle.js'
import { readUsers, type User } from './users-file.js'

/** How long a password that was right is believed without hashing it anew. */
const believed = 60_000

/**
 * Mode `basic`: HTTP Basic against a users file. The file is read again when it changes; while it has faults, the
 * users read before stay. A hash is checked off the event loop, two at a time so that file work keeps its threads;
 * a user that does not exist costs what one that does costs; guessing is slowed.
 *
 * @param file path of the users file
 * @param pollMs how often the file is looked at for changes
 */
export function openBasic(
  file: string,
  log: Logger,
  isAdmin: (caller: Caller) => boolean,
  { pollMs = 2000 } = {},
): Omit<Auth, 'mode'> {
  let users = readUsers(file, isAdmin)
  // Watching by name and time, not by inode: editors and Kubernetes replace files instead of writing them.
  const reload = () => {
    try {
      users = readUsers(file, isAdmin)
      log.info({ file, users: users.size }, 'users file read again')
    } catch (err) {
      log.error({ err, file }, 'users file has faults; the users read before stay')
    }
  }
  watchFile(file, { interval: pollMs, persistent: false }, reload)

  const secret = randomBytes(32)
  const verified = boundedMap<true>(10_000)
  const once = singleFlight<boolean>()
  const gate = openGate(2, 200, 'Too many passwords wait for their check; try again.')
  const attempt = openThrottle()

  async function verify(name: string, password: string, key: string, address: string): Promise<boolean> {
    const tried = attempt(name, address)
    const user = users.get(name)
    const matches = await gate(() => (user ?? decoy(users, name, secret)).hash.matches(password))
    if (!user || !matches) return false
    tried.succeeded()
    verified.set(key, true, Date.now() + believed)
    return true
  }

  return {
    async authenticate(request: Pick<FastifyRequest, 'headers' | 'ip'>) {
      const [name, password] = credentials(request.headers.authorization)
      const stored = users.get(name)?.hash.encoded ?? ''
      // With the stored hash in it, a changed password ends what was believed.
      const key = createHmac('sha256', secret).update(`${name}\0${password}\0${stored}`).digest('base64')
      const right = verified.get(key) ?? (await once(key, () => verify(name, password, key, request.ip)))
      const user = right ? users.get(name) : undefined
      if (!user) throw unauthorized('The user name or the password is wrong.')
      return user.caller
    },
    async recall(kept) {
      const user = [...users.values()].find(({ caller }) => caller.user_id === kept.user_id)
      if (user?.caller.project_id !== kept.project_id) return null
      const left = stillHeld(kept, user.caller)
      return { ...left, is_admin: isAdmin(left) }
    },
    async check() {},
    async close() {
      unwatchFile(file, reload)
    },
  }
}

/** Whose hash is checked for a name that does not exist: always the same user's, so that time tells nothing. */
function decoy(users: ReadonlyMap<string, User>, name: string, secret: Buffer): User {
  const at = createHmac('sha256', secret).update(name).digest().readUInt32BE(0) % users.size
  return [...users.values()][at]!
}

function credentials(header: string | undefined): [name: string, password: string] {
  if (header === undefined) throw unauthorized('This needs a user name and a password (HTTP Basic).')
  const encoded = /^Basic +([A-Za-z0-9+/_=-]{1,4096}) *$/i.exec(header)?.[1]
  const text = encoded === undefined ? '' : Buffer.from(encoded, 'base64').toString('utf8')
  const colon = text.indexOf(':')
  if (colon < 0 || text.includes('\0'))
    throw unauthorized('The Authorization header is not HTTP Basic with a user name and a password.')
  return [text.slice(0, colon), text.slice(colon + 1)]
}

const unauthorized = (message: string) =>
  new Unauthorized(message, { headers: { 'WWW-Authenticate': 'Basic realm="Vitrine", charset="UTF-8"' } })
