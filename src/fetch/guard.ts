import ipaddr from 'ipaddr.js'
import type { Config } from '../config/schema.js'
import { BadRequest } from '../errors.js'
import { readFtpUrl } from './ftp-url.js'

/**
 * Which places a fetch may reach: Glance's filter of schemes, hosts and ports, and beyond it every address that a name
 * stands for, in every spelling. A list of what is allowed makes the list of what is not allowed meaningless, as with
 * Glance; addresses are checked as well as names, both must pass.
 */
export type Rules = Pick<
  Config,
  | 'import_allowed_schemes'
  | 'import_disallowed_schemes'
  | 'import_allowed_hosts'
  | 'import_disallowed_hosts'
  | 'import_allowed_ports'
  | 'import_disallowed_ports'
  | 'import_allowed_addresses'
  | 'import_disallowed_addresses'
>

const standardPorts: Readonly<Record<string, string>> = { http: '80', https: '443', ftp: '21' }

/** One sentence for everything that is refused, so that nobody maps a network by it. tempest looks for its first words. */
const refused = () =>
  new BadRequest('The URI does not pass filtering: imports may not come from there.', {
    code: 'source_refused',
  })

/** Reads a URI and holds its scheme, host, port and, where the host is an address, that against the rules. */
export function checkUri(rules: Rules, given: unknown): URL {
  // Glance takes blanks round a URI, which people copy with it
  const uri = typeof given === 'string' ? given.replace(/^ +| +$/g, '') : ''
  if (uri.length > 4096 || /[\0-\x20\x7f]/.test(uri) || !URL.canParse(uri)) throw refused()
  const url = new URL(uri)
  const scheme = url.protocol.slice(0, -1)
  const host = url.hostname.replace(/^\[|\]$/g, '').replace(/\.$/, '')
  const port = url.port || standardPorts[scheme] || ''
  const passes =
    /^[a-z][a-z0-9+.-]*:\/\/[^/\\?#]/i.test(uri) &&
    host !== '' &&
    isDecodable(url.username) &&
    isDecodable(url.password) &&
    (scheme !== 'ftp' || readFtpUrl(url) !== undefined) &&
    !isDisguised(uri, host) &&
    permits(rules.import_allowed_schemes, rules.import_disallowed_schemes, scheme) &&
    permits(rules.import_allowed_hosts, rules.import_disallowed_hosts, host) &&
    permits(rules.import_allowed_ports, rules.import_disallowed_ports, port) &&
    (!ipaddr.isValid(host) || mayReach(rules, host))
  if (!passes) throw refused()
  return url
}

function isDecodable(text: string): boolean {
  try {
    decodeURIComponent(text)
    return true
  } catch {
    return false
  }
}

const permits = (allowed: readonly string[], disallowed: readonly string[], value: string) =>
  allowed.length > 0
    ? allowed.some(one => one.toLowerCase() === value)
    : !disallowed.some(one => one.toLowerCase() === value)

/** An address that is written in another way than as its four numbers, such as 2130706433, 0x7f.1 or 127.1. */
function isDisguised(uri: string, host: string): boolean {
  if (!ipaddr.IPv4.isValidFourPartDecimal(host)) return false
  const authority = /^[a-z][a-z0-9+.-]*:[/\\]*([^/\\?#]*)/i.exec(uri)?.[1] ?? ''
  const written = authority.slice(authority.lastIndexOf('@') + 1).replace(/:\d*$/, '')
  return written !== host
}

/** Whether an address may be dialled: none of the kinds that are refused by default, and none the operator refuses. */
export function mayReach(rules: Rules, address: string): boolean {
  const forms = [ipaddr.parse(address), ...embedded(ipaddr.parse(address))]
  return forms.every(form => {
    if (within(form, rules.import_allowed_addresses)) return true
    if (within(form, rules.import_disallowed_addresses)) return false
    return !refusedRanges.has(form.range())
  })
}

const refusedRanges = new Set(['loopback', 'linkLocal', 'multicast', 'unspecified', 'broadcast'])

/** IPv4 addresses inside IPv6 ones: mapped, compatible, NAT64, 6to4 and Teredo. */
function embedded(address: ipaddr.IPv4 | ipaddr.IPv6): ipaddr.IPv4[] {
  if (address.kind() === 'ipv4') return []
  const bytes = address.toByteArray()
  const v4 = (at: number, flip = 0) => new ipaddr.IPv4(bytes.slice(at, at + 4).map(byte => byte ^ flip))
  const starts = (...prefix: number[]) => prefix.every((byte, n) => bytes[n] === byte)
  if (bytes.slice(0, 10).every(byte => byte === 0)) return [v4(12)]
  if (starts(0, 0x64, 0xff, 0x9b)) return [v4(12)]
  if (starts(0x20, 0x02)) return [v4(2)]
  if (starts(0x20, 0x01, 0, 0)) return [v4(12, 0xff)]
  return []
}

function within(address: ipaddr.IPv4 | ipaddr.IPv6, cidrs: readonly string[]): boolean {
  return cidrs.some(cidr => {
    const [network, bits] = ipaddr.parseCIDR(
      cidr.includes('/') ? cidr : `${cidr}/${cidr.includes(':') ? 128 : 32}`,
    )
    return network.kind() === address.kind() && address.match(network as ipaddr.IPv4, bits)
  })
}

/** Parameters of a query that are as good as a password: those of signed URLs, and what services call their tokens. */
const secretParameter = /signature|sig$|token|secret|passw|pwd|credential|^auth|key$|keyid$|jwt/i

/** A URI as it may be shown: a password in it is `***`, and so are the parameters that may hold one. */
export function maskUri(url: URL, sent: string): string {
  const parameters = [...url.searchParams.keys()].filter(name => secretParameter.test(name))
  if (url.username === '' && url.password === '' && parameters.length === 0) return sent
  const shown = new URL(url)
  // a name without a password is a token, as some services have it
  if (url.password !== '') shown.password = '***'
  else if (url.username !== '' && url.protocol !== 'ftp:') shown.username = '***'
  for (const name of parameters) shown.searchParams.set(name, '***')
  return shown.href
}
