import { hash } from 'node:crypto'
import type { Logger } from 'pino'
import { boundedMap } from './bounded-map.js'
import type { GroupSource } from './caller.js'
import { openGate, singleFlight } from './gate.js'
import type { KeystoneClient } from './keystone-client.js'

/** A user of whose groups nothing could be learnt is not asked about again for as long (milliseconds). */
const refusedFor = 10_000

/**
 * The groups of Keystone's users, asked for when somebody wants to know, with the user's own token, as every user may
 * list their own. A token that has ended meanwhile, which a service's token beside it may excuse, is no use there: then
 * the service account asks, where it may. Who may not be asked about belongs to none.
 *
 * @param seconds how long an answer is believed, counted from the question
 * @returns the source for a user and the token they came with
 */
export function openGroups(
  client: Pick<KeystoneClient, 'request' | 'asService'>,
  log: Logger,
  seconds: number,
): (user: string, token: string) => GroupSource {
  const known = boundedMap<readonly string[]>(10_000)
  const refused = boundedMap<true>(10_000)
  const once = singleFlight<readonly string[]>()
  const gate = openGate(16, 1000, 'Too many users wait for their groups; try again.')

  async function ask(user: string, token: string, key: string): Promise<readonly string[]> {
    const asked = Date.now()
    const path = `/users/${encodeURIComponent(user)}/groups`
    let answer = await client.request('GET', path, { 'x-auth-token': token })
    if (answer.status === 401) answer = await client.asService('GET', path)
    if (answer.status !== 200) {
      log.info({ user, status: answer.status }, 'Keystone does not tell the groups of a user')
      refused.set(key, true, asked + Math.min(refusedFor, seconds * 1000))
      return []
    }
    const groups = idsOf(answer.body)
    known.set(user, groups, asked + seconds * 1000)
    return groups
  }

  return (user, token) => {
    // what a request has learnt stays for the rest of it
    let learnt: readonly string[] | null = null
    return {
      get known() {
        learnt ??= known.get(user) ?? null
        return learnt
      },
      async ask() {
        learnt ??= known.get(user) ?? null
        if (learnt) return learnt
        const key = `${user} ${hash('sha256', token, 'base64')}`
        learnt = refused.get(key) ? [] : await once(key, () => gate(() => ask(user, token, key)))
        return learnt
      },
    }
  }
}

function idsOf(body: unknown): readonly string[] {
  const { groups } = (body ?? {}) as { groups?: { id?: unknown }[] }
  const ids = Array.isArray(groups) ? groups.map(group => group?.id) : []
  return Object.freeze(ids.filter(id => typeof id === 'string'))
}
