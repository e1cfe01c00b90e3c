import { setTimeout as sleep } from 'node:timers/promises'
import type { Logger } from 'pino'
import { Unavailable } from '../errors.js'
import { boundedMap } from './bounded-map.js'
import { type Caller, stillHeld } from './caller.js'
import { singleFlight } from './gate.js'
import type { KeystoneClient } from './keystone-client.js'

/** What Keystone says of a user in a project; null where it does not let the service account look. */
interface Standing {
  /** Whether a token could be had: user, project and their domains are there and enabled. */
  readonly enabled: boolean
  /** Role names, lower-cased. */
  readonly roles: readonly string[] | null
  readonly groups: readonly string[] | null
}

interface Known {
  readonly standing: Standing
  /** Milliseconds since the epoch. */
  readonly askAfter: number
  readonly until: number
}

export interface RecallOptions {
  /** How long an answer counts before Keystone is asked again (milliseconds). */
  freshMs?: number | undefined
  /** How much longer it counts while Keystone does not answer (milliseconds). */
  believedMs: number
  /** How long a new answer is waited for at most while the last one still counts (milliseconds). */
  patienceMs?: number
  now?: () => number
}

/** A Keystone that did not answer is left alone for so long (milliseconds). */
const pause = 10_000

/**
 * Who was here before, without a token of theirs: asked of Keystone with the service account, at most every minute for
 * one user in one project. Roles and groups can be lost, not won. What the service account may not read (that needs
 * role admin, or reader on the system) is said once in the log, and stays as it was kept; so do roles and groups of
 * federated users, which Keystone knows only while it makes a token.
 */
export function openRecall(
  client: KeystoneClient,
  log: Logger,
  { freshMs = 60_000, believedMs, patienceMs = 1500, now = Date.now }: RecallOptions,
): (kept: Caller) => Promise<Caller | null> {
  const known = boundedMap<Known>(10_000, now)
  const once = singleFlight<Standing>()
  const told = new Set<string>()

  /** A resource's body; null when there is none; undefined when the service account may not look. */
  async function read(what: string, path: string): Promise<object | null | undefined> {
    const { status, body } = await client.asService('GET', path)
    if (status === 200 && typeof body === 'object' && body !== null) return body
    if (status === 404) return null
    if (status !== 403) throw new Unavailable(`Keystone answers with status ${status}; try again later.`)
    if (!told.has(what))
      log.warn(`Keystone does not let Vitrine's service account read ${what}: what was kept of users counts`)
    told.add(what)
    return undefined
  }

  /** Whether a user, project or domain is there and enabled, as far as one may know. */
  async function isEnabled(kind: 'user' | 'project' | 'domain', id: string | null): Promise<boolean> {
    if (id === null) return true
    const body = await read(`${kind}s`, `/${kind}s/${encodeURIComponent(id)}`)
    if (body === undefined) return true
    return body !== null && (body as Record<string, { enabled?: boolean }>)[kind]?.enabled !== false
  }

  async function rolesOf({ user_id, project_id, federated }: Caller): Promise<readonly string[] | null> {
    if (federated || user_id === null || project_id === null) return null
    const query = new URLSearchParams({ 'user.id': user_id, 'scope.project.id': project_id })
    const body = await read('role assignments', `/role_assignments?${query}&effective&include_names`)
    if (body === undefined) return null
    const { role_assignments = [] } = (body ?? {}) as { role_assignments?: { role?: { name?: string } }[] }
    return role_assignments.flatMap(({ role }) => (role?.name ? [role.name.toLowerCase()] : []))
  }

  async function groupsOf({ user_id, groups, federated }: Caller): Promise<readonly string[] | null> {
    if (federated || user_id === null || groups.length === 0) return null
    const body = await read('groups of users', `/users/${encodeURIComponent(user_id)}/groups`)
    if (body === undefined) return null
    return ((body ?? {}) as { groups?: { id: string }[] }).groups?.map(({ id }) => id) ?? []
  }

  async function ask(kept: Caller): Promise<Standing> {
    const domains = [...new Set([kept.user_domain_id, kept.project_domain_id])]
    const [roles, groups, ...enabled] = await Promise.all([
      rolesOf(kept),
      groupsOf(kept),
      isEnabled('user', kept.user_id),
      isEnabled('project', kept.project_id),
      ...domains.map(id => isEnabled('domain', id)),
    ])
    return { enabled: !enabled.includes(false), roles, groups }
  }

  return async kept => {
    const key = JSON.stringify([kept.user_id, kept.project_id, kept.federated, kept.groups])
    const last = known.get(key)
    const refresh = () =>
      once(key, async () => {
        try {
          const standing = await ask(kept)
          const at = now()
          const until = at + freshMs + believedMs
          known.set(key, { standing, askAfter: at + freshMs, until }, until)
          return standing
        } catch (err) {
          if (!last || last.until <= now()) throw err
          known.set(key, { ...last, askAfter: now() + pause }, last.until)
          return last.standing
        }
      })
    const standing = await (last === undefined
      ? refresh()
      : now() < last.askAfter
        ? last.standing
        : Promise.race([refresh(), sleep(patienceMs, last.standing, { ref: false })]))
    if (!standing.enabled) return null
    return stillHeld(kept, {
      roles: standing.roles ?? kept.roles,
      groups: standing.groups ?? kept.groups,
    })
  }
}
