import type { IncomingHttpHeaders, IncomingMessage } from 'node:http'
import { BlockList, isIP } from 'node:net'

/**
 * What proxies tell of a client: scheme, host, address and the prefix under which Vitrine is mounted, as oslo.middleware
 * reads it. Forwarded (RFC 7239) comes before X-Forwarded-Proto, -Host and -For; X-Forwarded-Prefix counts with both.
 * Beyond it: only from proxies that the operator trusts, and of a chain only what trusted ones have added, as anybody
 * can send the beginning of it.
 */
export interface Proxies {
  /** Whether the address is one of a trusted proxy. */
  trusts(address: string | undefined): boolean
  /**
   * Brings the headers of a request into the one form that Fastify and the links read: X-Forwarded-For as addresses
   * without ports, X-Forwarded-Proto, -Host and -Prefix of one sound value each. Those of others lose their prefix;
   * the rest of theirs Fastify passes over.
   */
  normalise(request: Pick<IncomingMessage, 'headers' | 'socket'>): void
}

/** @param cidrs networks of the trusted proxies, each with its length */
export function openProxies(cidrs: readonly string[]): Proxies {
  const list = new BlockList()
  for (const cidr of cidrs) {
    const [network = '', bits] = cidr.split('/')
    const family = isIP(network) === 6 ? 'ipv6' : 'ipv4'
    list.addSubnet(network, Number(bits ?? (family === 'ipv6' ? 128 : 32)), family)
  }
  const trusts = (address: string | undefined) => {
    const version = isIP(address ?? '')
    return version !== 0 && list.check(address!, version === 6 ? 'ipv6' : 'ipv4')
  }
  return {
    trusts,
    normalise({ headers, socket }) {
      if (!trusts(socket.remoteAddress)) {
        if (headers['x-forwarded-prefix'] !== undefined) delete headers['x-forwarded-prefix']
        return
      }
      const told =
        headers.forwarded === undefined ? fromOlder(headers) : fromForwarded(headers.forwarded, trusts)
      put(headers, 'x-forwarded-for', told.addresses.join(', '))
      put(headers, 'x-forwarded-proto', told.proto)
      put(headers, 'x-forwarded-host', told.host)
      put(headers, 'x-forwarded-prefix', soundPrefix(last(headers['x-forwarded-prefix'])))
    },
  }
}

interface Told {
  /** From the client to the nearest proxy's peer. */
  addresses: string[]
  proto: string | undefined
  host: string | undefined
}

function put(headers: IncomingHttpHeaders, name: string, value: string | undefined): void {
  if (value) headers[name] = value
  else delete headers[name]
}

/** Each proxy adds to the list of addresses; of schemes and hosts the nearest proxy's word counts. */
const fromOlder = (headers: IncomingHttpHeaders): Told => ({
  addresses: entries(headers['x-forwarded-for']).map(addressOf),
  proto: soundProto(last(headers['x-forwarded-proto'])),
  host: soundHost(last(headers['x-forwarded-host'])),
})

/** The element of the outermost trusted proxy counts, and for what it leaves out those of nearer ones. */
function fromForwarded(header: string, trusts: Proxies['trusts']): Told {
  const elements = (header.match(/(?:"(?:\\.|[^"\\])*"|[^,"])+/g) ?? []).map(parseElement)
  let outermost = elements.length - 1
  while (outermost > 0 && trusts(addressOf(elements[outermost]?.get('for') ?? ''))) outermost--
  const told = elements.slice(Math.max(outermost, 0))
  const first = (name: string, sound: (text: string | undefined) => string | undefined) =>
    told.map(element => sound(element.get(name))).find(value => value !== undefined)
  return {
    addresses: elements.map(element => addressOf(element.get('for') ?? '')),
    proto: first('proto', soundProto),
    host: first('host', soundHost),
  }
}

function parseElement(text: string): Map<string, string> {
  const pairs = text.match(/(?:"(?:\\.|[^"\\])*"|[^;"])+/g) ?? []
  return new Map(
    pairs.map(pair => {
      const at = pair.indexOf('=')
      const value = pair.slice(at + 1).trim()
      const plain = /^".*"$/s.test(value) ? value.slice(1, -1).replace(/\\(.)/g, '$1') : value
      return [pair.slice(0, Math.max(at, 0)).trim().toLowerCase(), plain]
    }),
  )
}

const entries = (header: string | string[] | undefined) =>
  header === undefined
    ? []
    : String(header)
        .split(',')
        .map(entry => entry.trim())

const last = (header: string | string[] | undefined) => entries(header).at(-1)

/** An address as it is written in these headers, without its port; `unknown` for what is none (RFC 7239, 6.3). */
function addressOf(text: string): string {
  const [, bracketed] = /^\[([^\]]*)\](?::\d+)?$/.exec(text) ?? []
  const [, withPort] = /^([\d.]+):\d+$/.exec(text) ?? []
  const address = bracketed ?? withPort ?? text
  return isIP(address) === 0 ? 'unknown' : address
}

function soundProto(text: string | undefined): string | undefined {
  const proto = text?.toLowerCase()
  return proto === 'http' || proto === 'https' ? proto : undefined
}

/** A name or address, with a port or not: it goes into links and the header Location. */
const soundHost = (text: string | undefined) =>
  text !== undefined && /^(?:[a-z0-9_.-]+|\[[0-9a-f:.]+\])(?::\d{1,5})?$/i.test(text) ? text : undefined

/** A path that begins with one slash; without one at its end. */
const soundPrefix = (text: string | undefined) =>
  text !== undefined && /^(?:\/[\w.~%-]+)+\/?$/.test(text) ? text.replace(/\/$/, '') : undefined
