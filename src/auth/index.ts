import type { FastifyRequest } from 'fastify'
import type { Logger } from 'pino'
import type { Config } from '../config/schema.js'
import { Faults } from '../errors.js'
import type { Policy } from '../policy/policy.js'
import { openBasic } from './basic.js'
import type { Caller } from './caller.js'
import { openKeystone } from './keystone.js'
import type { KeystoneClient } from './keystone-client.js'
import { openNone } from './none.js'

declare module 'fastify' {
  interface FastifyRequest {
    /** Who is calling: set once, before the handler, from what Auth.authenticate returns. */
    caller: Caller
  }
}

/** Who is calling, in one of the modes. */
export interface Auth {
  readonly mode: Config['auth']
  /**
   * Learns who sends a request. Throws Unauthorized (with WWW-Authenticate), Forbidden, or Unavailable when whom it
   * has to ask does not answer. Headers that merely claim an identity (X-Roles, X-Project-Id, X-Identity-Status …)
   * are never looked at.
   */
  authenticate(request: Pick<FastifyRequest, 'headers' | 'ip'>): Promise<Caller>
  /**
   * Who was here before, as far as can be told without a credential of theirs: with what is left of their roles and
   * groups, `is_admin` made anew; null when there is no such user any more or they may not sign in. Throws Unavailable.
   */
  recall(kept: Caller): Promise<Caller | null>
  /** Keystone, where it is who tells callers apart. */
  readonly keystone?: KeystoneClient
  /** For readiness: resolves when callers can be told apart, throws a sentence why not. */
  check(signal: AbortSignal): Promise<void>
  close(): Promise<void>
}

/** Opens the mode that the settings choose; throws Faults when they, or a file they name, are not fit for it. */
export async function openAuth(config: Config, log: Logger, policy: Pick<Policy, 'isAdmin'>): Promise<Auth> {
  const isAdmin = (caller: Caller) => policy.isAdmin(caller)
  if (config.auth === 'none') return { mode: 'none', ...openNone(config, isAdmin) }
  if (config.auth === 'basic') {
    if (config.users_file === null) throw new Faults('settings', ['users_file: auth mode basic needs it'])
    return { mode: 'basic', ...openBasic(config.users_file, log, isAdmin) }
  }
  return { mode: 'keystone', ...openKeystone(config, log, isAdmin) }
}
