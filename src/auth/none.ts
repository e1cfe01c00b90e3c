import type { FastifyRequest } from 'fastify'
import type { Config } from '../config/schema.js'
import { Forbidden } from '../errors.js'
import { type Caller, nobody } from './caller.js'
import type { Auth } from './index.js'

/**
 * Mode `none`: everybody is the admin of project `default`. For trying Vitrine out on the own machine, so it answers
 * only what was addressed to loopback. A web page elsewhere could otherwise reach it through the visitor's browser:
 * by a name that it lets point to 127.0.0.1 (the Host header gives that away), or by a form or script that sends
 * requests across (the Origin header does).
 */
export function openNone(
  config: Pick<Config, 'cors_origins'>,
  isAdmin: (caller: Caller) => boolean,
): Omit<Auth, 'mode'> {
  const unchecked: Caller = {
    ...nobody,
    user_id: 'admin',
    user_name: 'admin',
    project_id: 'default',
    user_domain_id: 'default',
    project_domain_id: 'default',
    roles: Object.freeze(['admin', 'member', 'reader']),
  }
  const caller = Object.freeze({ ...unchecked, is_admin: isAdmin(unchecked) })
  const origins = new Set(config.cors_origins)
  return {
    async authenticate(request: Pick<FastifyRequest, 'headers'>) {
      const { host, origin } = request.headers
      if (!isLoopback(host))
        throw new Forbidden(
          'Authentication is off (VITRINE_AUTH=none), so Vitrine answers only requests to localhost; this one names another host.',
        )
      if (origin !== undefined && !origins.has(origin) && !isOwn(origin, host!))
        throw new Forbidden(
          'Authentication is off (VITRINE_AUTH=none), so Vitrine answers no web page of another origin.',
        )
      return caller
    },
    recall: async kept => ({ ...kept, is_admin: isAdmin(kept) }),
    async check() {},
    async close() {},
  }
}

const octet = '(?:25[0-5]|2[0-4]\\d|1?\\d?\\d)'
const loopback = new RegExp(
  `^(?:localhost|127\\.${octet}\\.${octet}\\.${octet}|\\[::1\\])(?::\\d{1,5})?$`,
  'i',
)

/** Whether a Host header names this machine: localhost, 127.0.0.0/8 or [::1], with any port. */
export function isLoopback(host: string | undefined): boolean {
  return host !== undefined && loopback.test(host)
}

/** Whether a page that came from this very server sent the request. */
function isOwn(origin: string, host: string): boolean {
  const address = /^https?:\/\/(.+)$/i.exec(origin)?.[1]
  return address !== undefined && address.toLowerCase() === host.toLowerCase()
}
