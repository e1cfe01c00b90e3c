import { BadRequest } from '../errors.js'

/** Digests in hex, lower case, that bytes must have. */
export type Checksums = Readonly<Partial<Record<ChecksumAlgorithm, string>>>

/** Digests that a client may ask for, with their bytes; what is weaker proves nothing. */
export const checksumBytes = { sha256: 32, sha512: 64 } as const
export type ChecksumAlgorithm = keyof typeof checksumBytes

/** Reads `sha256:<hex>` or `sha512:<hex>`. Throws BadRequest that names where it stood. */
export function parseChecksum(text: unknown, where: string): Checksums {
  const [, algorithm = '', hex = ''] = /^(sha256|sha512):([0-9a-f]+)$/i.exec(String(text)) ?? []
  const name = algorithm.toLowerCase() as ChecksumAlgorithm
  if (typeof text !== 'string' || hex.length !== 2 * checksumBytes[name]) {
    throw new BadRequest(`${where} must be sha256: or sha512: and that digest in hex.`)
  }
  return { [name]: hex.toLowerCase() }
}

/** Holds the digests of bytes against those that were expected. Throws BadRequest. */
export function verifyChecksums(expected: Checksums, digests: Readonly<Record<string, string>>): void {
  for (const [algorithm, digest] of Object.entries(expected)) {
    if (digests[algorithm] === digest) continue
    throw new BadRequest(
      `The bytes do not have the expected checksum: their ${algorithm} is ${digests[algorithm]}.`,
      { code: 'checksum_mismatch' },
    )
  }
}
