import ipaddr from 'ipaddr.js'
import { TooManyRequests } from '../errors.js'
import { boundedMap } from './bounded-map.js'

/** An attempt under way; `succeeded` when the password was right. Until then it counts as failed. */
export interface Attempt {
  succeeded(): void
}

interface Limit {
  /** Failures that cost nothing. */
  readonly free: number
  /** Longest pause, in milliseconds; pauses double from a second up to it. */
  readonly longest: number
}

/**
 * Failures are counted for a user name from an address, for an address, and for a user name from anywhere. The last
 * pauses only shortly: many addresses that guess must not lock the user out.
 */
const limits = {
  pair: { free: 5, longest: 60_000 },
  address: { free: 50, longest: 60_000 },
  user: { free: 100, longest: 2_000 },
} satisfies Record<string, Limit>

const remembered = 15 * 60_000

/**
 * Slows those who guess passwords. What it remembers is bounded: 30 000 marks of a quarter of an hour.
 *
 * @returns starts an attempt, or throws TooManyRequests with Retry-After
 */
export function openThrottle(now: () => number = Date.now): (name: string, address: string) => Attempt {
  const marks = boundedMap<{ failures: number; until: number }>(30_000, now)

  return (name, address) => {
    const place = network(address)
    const keys: [string, Limit][] = [
      [`pair ${place} ${name}`, limits.pair],
      [`address ${place}`, limits.address],
      [`user ${name}`, limits.user],
    ]
    const until = Math.max(...keys.map(([key]) => marks.get(key)?.until ?? 0))
    if (until > now()) {
      const seconds = Math.ceil((until - now()) / 1000)
      throw new TooManyRequests(`Too many failed attempts to sign in; try again in ${seconds} s.`, {
        headers: { 'Retry-After': String(seconds) },
      })
    }
    for (const [key, limit] of keys) {
      const failures = (marks.get(key)?.failures ?? 0) + 1
      const over = failures - limit.free
      const pause = over > 0 ? Math.min(limit.longest, 1000 * 2 ** (over - 1)) : 0
      marks.set(key, { failures, until: now() + pause }, now() + remembered)
    }
    return {
      succeeded() {
        const [pair, ...others] = keys
        marks.delete(pair![0])
        for (const [key] of others) {
          const mark = marks.get(key)
          if (mark) marks.set(key, { failures: mark.failures - 1, until: 0 }, now() + remembered)
        }
      },
    }
  }
}

/** The address, or for IPv6 its /64: one customer has that many addresses. */
function network(address: string): string {
  if (!ipaddr.isValid(address)) return address
  const parsed = ipaddr.process(address)
  return parsed.kind() === 'ipv4' ? parsed.toString() : (parsed as ipaddr.IPv6).parts.slice(0, 4).join(':')
}
