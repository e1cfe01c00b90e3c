import { lookup } from 'node:dns/promises'
import type { LookupFunction } from 'node:net'
import ipaddr from 'ipaddr.js'
import { mayReach, type Rules } from './guard.js'

/** An address that was checked, and is dialled as it was checked. */
export interface Checked {
  address: string
  family: number
}

/** Milliseconds that a name may take to resolve. */
const PATIENCE = 10_000

/**
 * All addresses of a host, every one of them checked: one that may not be reached refuses the name as a whole, so that
 * a name that changes its answer between check and use gains nothing. Undefined when one is refused; empty when the name
 * is not known. Throws the signal's reason.
 */
export async function resolveChecked(
  rules: Rules,
  host: string,
  signal?: AbortSignal,
): Promise<Checked[] | undefined> {
  const name = host.replace(/^\[|\]$/g, '')
  if (ipaddr.isValid(name)) {
    return mayReach(rules, name) ? [{ address: name, family: name.includes(':') ? 6 : 4 }] : undefined
  }
  signal?.throwIfAborted()
  let giveUp = () => {}
  // a lookup can't be ended, only left alone
  const late = new Promise<Checked[]>(resolve => {
    giveUp = () => resolve([])
  })
  const timer = setTimeout(giveUp, PATIENCE)
  signal?.addEventListener('abort', giveUp)
  const found = await Promise.race([lookup(name, { all: true }).catch(() => [] as Checked[]), late])
  clearTimeout(timer)
  signal?.removeEventListener('abort', giveUp)
  signal?.throwIfAborted()
  return found.every(({ address }) => mayReach(rules, address)) ? found : undefined
}

/** A lookup for node's sockets that gives the checked addresses and asks nobody again. */
export function pinned(addresses: readonly Checked[]): LookupFunction {
  return (_host, options, callback) => {
    const [first] = addresses
    if (options.all) callback(null, [...addresses])
    else if (first) callback(null, first.address, first.family)
    else callback(new Error('no address'), '', 4)
  }
}
