import { hash } from 'node:crypto'
import type { FastifyRequest } from 'fastify'
import type { Logger } from 'pino'
import type { Config } from '../config/schema.js'
import { Unauthorized, Unavailable } from '../errors.js'
import { boundedMap } from './bounded-map.js'
import { type Caller, nobody } from './caller.js'
import { openGate, singleFlight } from './gate.js'
import { openGroups } from './groups.js'
import type { Auth } from './index.js'
import { type KeystoneSettings, openKeystoneClient } from './keystone-client.js'
import { openRecall } from './keystone-recall.js'

/** A validated token. */
interface Identity {
  /** Without the token, which no cache keeps. */
  readonly caller: Caller
  /** Role names in their own case. */
  readonly roles: readonly string[]
  /** Whether the groups came with the token, as those of an outside identity do; they are all there are. */
  readonly federated: boolean
  /** When the token ends, in milliseconds since the epoch. */
  readonly expires: number
}

/** The role that makes a token a service's: such a token lets the user's be expired. */
const serviceRole = 'service'

/** A token that Keystone does not know is not asked about again for as long (milliseconds). */
const unknownFor = 10_000

/** Printable ASCII without space, as Fernet, JWS and UUID tokens are; nothing else is put into a header. */
const tokenForm = /^[!-~]{1,8192}$/

export interface KeystoneOptions {
  /** How long Keystone may take for an answer. */
  timeoutMs?: number
  /** How long an answer counts about a caller who is recalled. */
  recallMs?: number
}

/**
 * Mode `keystone`: X-Auth-Token is validated by Keystone, as keystonemiddleware does. Valid tokens are believed for
 * VITRINE_TOKEN_CACHE_SECONDS, but no longer than they last; so long may a revoked one still work. What is cached is
 * keyed by the token's SHA-256. When Keystone does not answer, who is not cached gets 503: the token may be good.
 */
export function openKeystone(
  config: KeystoneSettings & Pick<Config, 'token_cache_seconds' | 'group_cache_seconds'>,
  log: Logger,
  isAdmin: (caller: Caller) => boolean,
  options: KeystoneOptions = {},
): Omit<Auth, 'mode'> {
  const client = openKeystoneClient(config, log, options)
  const challenge = { 'WWW-Authenticate': `Keystone uri="${client.url}"` }
  const believed = config.token_cache_seconds * 1000
  const known = boundedMap<Identity>(10_000)
  const unknown = boundedMap<true>(10_000)
  const once = singleFlight<Identity | null>()
  const groups = openGroups(client, log, config.group_cache_seconds)
  const recall = openRecall(client, log, { believedMs: believed, freshMs: options.recallMs })
  const gate = openGate(16, 1000, 'Too many tokens wait for their validation; try again.')
  // So that a wrong setting shows at start; Keystone may well come up later than Vitrine.
  client.check(AbortSignal.timeout(10_000)).catch(() => {})

  async function validate(token: string, key: string, allowExpired: boolean): Promise<Identity | null> {
    const { status, body } = await gate(() =>
      client.asService('GET', `/auth/tokens?nocatalog${allowExpired ? '&allow_expired=1' : ''}`, {
        'x-subject-token': token,
      }),
    )
    if (status === 403) {
      log.error("Vitrine's service account may not validate tokens: it needs role service or admin")
      throw new Unavailable("Keystone does not let Vitrine's service account validate tokens.")
    }
    const identity = status === 200 ? identityOf(body, isAdmin) : null
    const now = Date.now()
    if (identity === null || (identity.expires <= now && !allowExpired)) {
      unknown.set(key, true, now + Math.min(unknownFor, believed))
      return null
    }
    known.set(key, identity, now + (allowExpired ? believed : Math.min(believed, identity.expires - now)))
    return identity
  }

  function find(token: string, allowExpired: boolean): Identity | null | Promise<Identity | null> {
    if (!tokenForm.test(token)) return null
    const digest = hash('sha256', token, 'base64')
    const valid = known.get(digest)
    if (valid) return valid
    const key = allowExpired ? `${digest} expired` : digest
    const late = allowExpired ? known.get(key) : undefined
    if (late) return late
    if (unknown.get(key)) return null
    return once(key, () => validate(token, key, allowExpired))
  }

  return {
    keystone: client,
    async authenticate({ headers }: Pick<FastifyRequest, 'headers'>) {
      const token = headers['x-auth-token'] ?? headers['x-storage-token']
      if (typeof token !== 'string' || token === '')
        throw new Unauthorized('This needs a token of Keystone in X-Auth-Token.', { headers: challenge })
      const serviceToken = headers['x-service-token']
      const service = typeof serviceToken === 'string' ? await find(serviceToken.trim(), false) : null
      // A service token that is not one is dropped; the user's token counts alone.
      const serves = service?.roles.includes(serviceRole) ? service : null
      const trimmed = token.trim()
      const identity = await find(trimmed, serves !== null)
      if (!identity) throw new Unauthorized('The token is not valid or has expired.', { headers: challenge })
      const caller: Caller = { ...identity.caller, token: trimmed }
      if (!identity.federated) caller.group_source = groups(caller.user_id!, trimmed)
      if (!serves) return caller
      const { user_id, user_domain_id, project_id, project_domain_id } = serves.caller
      const sender = { user_id, user_domain_id, project_id, project_domain_id }
      return { ...caller, service_roles: serves.roles, service: sender }
    },
    async recall(kept) {
      const left = await recall(kept)
      return left && { ...left, is_admin: isAdmin(left) }
    },
    check: signal => client.check(signal),
    async close() {
      client.close()
    },
  }
}

interface Named {
  id?: string
  name?: string
}

interface TokenBody {
  expires_at?: string
  user?: Named & { domain?: Named; 'OS-FEDERATION'?: { groups?: Named[] } }
  project?: Named & { domain?: Named }
  domain?: Named
  system?: { all?: boolean }
  roles?: Named[]
  is_admin_project?: boolean
}

/** Who a validated token belongs to. An answer that is no token is Unavailable, never an identity. */
function identityOf(body: unknown, isAdmin: (caller: Caller) => boolean): Identity {
  const token = (body as { token?: TokenBody } | null)?.token
  const expires = Date.parse(token?.expires_at ?? '')
  if (!token || typeof token.user?.id !== 'string' || Number.isNaN(expires))
    throw new Unavailable('Keystone answered a validation with something that is no token.')
  const roles = names(token.roles, 'name')
  const federated = token.user['OS-FEDERATION'] !== undefined
  const groups = names(token.user['OS-FEDERATION']?.groups, 'id')
  const caller: Caller = {
    ...nobody,
    user_id: token.user.id,
    user_name: token.user.name ?? null,
    user_domain_id: token.user.domain?.id ?? null,
    project_id: token.project?.id ?? null,
    project_domain_id: token.project?.domain?.id ?? null,
    domain_id: token.domain?.id ?? null,
    system_scope: token.system?.all ? 'all' : null,
    roles: Object.freeze(roles.map(role => role.toLowerCase())),
    groups: Object.freeze(groups),
    ...(groups.length > 0 ? { federated: true as const } : {}),
    ...(token.is_admin_project === false ? { is_admin_project: false } : {}),
  }
  return { caller: { ...caller, is_admin: isAdmin(caller) }, roles: Object.freeze(roles), federated, expires }
}

const names = (list: Named[] | undefined, key: keyof Named): string[] =>
  Array.isArray(list) ? list.map(item => item[key]).filter(text => typeof text === 'string') : []
