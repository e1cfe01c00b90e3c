import type { IncomingHttpHeaders } from 'node:http'
import { BadRequest } from '../errors.js'
import { type ChecksumAlgorithm, type Checksums, checksumBytes, parseChecksum } from '../streams/checksums.js'

/**
 * The digests that a request says its bytes have: `X-OpenStack-Image-Hash: sha256:<hex>` and `Repr-Digest` (RFC 9530).
 * Undefined when it says nothing. Throws BadRequest for what is malformed or contradicts itself.
 */
export function expectedChecksums(headers: IncomingHttpHeaders): Checksums | undefined {
  const { 'x-openstack-image-hash': hash, 'repr-digest': digest } = headers
  if (hash === undefined && digest === undefined) return undefined
  const own = hash === undefined ? {} : parseChecksum(hash, 'X-OpenStack-Image-Hash')
  const standard = digest === undefined ? {} : parseReprDigest(String(digest))
  for (const name of Object.keys(own) as ChecksumAlgorithm[]) {
    if (standard[name] !== undefined && standard[name] !== own[name]) {
      throw new BadRequest(`Repr-Digest and X-OpenStack-Image-Hash name different ${name} digests.`)
    }
  }
  return { ...own, ...standard }
}

/** Names of RFC 9530's registry. Its other algorithms are not for telling bytes that were changed on purpose. */
const algorithms: Readonly<Record<string, ChecksumAlgorithm>> = { 'sha-256': 'sha256', 'sha-512': 'sha512' }

/** One member of the dictionary (RFC 9651): key, byte sequence, and parameters, which say nothing here. */
const member =
  /([a-z*][a-z0-9_.*-]*)=:([A-Za-z0-9+/]*={0,2}):(?:; *[a-z*][a-z0-9_.*-]*(?:=(?:"(?:[ !#-[\]-~]|\\["\\])*"|:[A-Za-z0-9+/=]*:|\?[01]|[A-Za-z0-9*.:/!#$%&'+^_`|~-]+))?)*/y

/** A Repr-Digest header: a dictionary of byte sequences. Algorithms that are not known here are passed over. */
export function parseReprDigest(text: string): Checksums {
  const found: Partial<Record<ChecksumAlgorithm, string>> = {}
  const line = text.trim()
  for (let at = 0; ; at++) {
    member.lastIndex = at
    const [whole, key = '', encoded = ''] = member.exec(line) ?? []
    if (whole === undefined) throw malformed()
    const algorithm = algorithms[key]
    if (algorithm) found[algorithm] = digestOf(encoded, checksumBytes[algorithm])
    at += whole.length
    if (at === line.length) return found
    const comma = /[ \t]*,[ \t]*/y
    comma.lastIndex = at
    const [between] = comma.exec(line) ?? []
    if (between === undefined) throw malformed()
    at += between.length - 1
  }
}

function digestOf(encoded: string, length: number): string {
  const bytes = Buffer.from(encoded, 'base64')
  if (bytes.length !== length) throw malformed()
  return bytes.toString('hex')
}

const malformed = () =>
  new BadRequest('Repr-Digest must be as RFC 9530 has it, such as sha-256=:<base64 of the digest>:.')
