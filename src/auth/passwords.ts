import { randomBytes, scrypt, timingSafeEqual } from 'node:crypto'
import * as argon2 from '@node-rs/argon2'
import * as bcrypt from '@node-rs/bcrypt'

/** A stored password hash that was read and found fit; `matches` works off the event loop. */
export interface PasswordHash {
  readonly encoded: string
  matches(password: string): Promise<boolean>
}

/** Most memory that one check may take. A hash that asks for more is refused when the users file is read. */
const maxMemory = 256 * 2 ** 20

/** What `bin/vitrine hash-password` prints: argon2id with 19 MiB, 2 passes, 1 lane (OWASP's first recommendation). */
export async function hashPassword(password: string): Promise<string> {
  return argon2.hash(password, { memoryCost: 19456, timeCost: 2, parallelism: 1, salt: randomBytes(16) })
}

/**
 * Reads a hash as stored by argon2 (id or i), bcrypt ($2a$, $2b$, $2y$) or scrypt (`$scrypt$ln=…,r=…,p=…$salt$hash`,
 * as passlib writes it). Returns a sentence when it is none, or asks for too much work.
 */
export function readHash(encoded: string): PasswordHash | string {
  if (/^\$argon2id?\$/.test(encoded)) return readArgon2(encoded)
  if (/^\$2[aby]\$/.test(encoded)) return readBcrypt(encoded)
  if (encoded.startsWith('$scrypt$')) return readScrypt(encoded)
  return 'is no hash of argon2id, argon2i, bcrypt ($2a$, $2b$, $2y$) or scrypt ($scrypt$)'
}

function readArgon2(encoded: string): PasswordHash | string {
  try {
    const { memoryCost, timeCost, outputLen } = argon2.parseOptions(encoded)
    if (outputLen < 16) return 'is an argon2 hash of less than 16 bytes'
    if (memoryCost * 1024 > maxMemory || timeCost > 20)
      return 'is an argon2 hash with more than 256 MiB or 20 passes'
  } catch {
    return 'is not a complete argon2 hash'
  }
  return { encoded, matches: password => argon2.verify(encoded, password) }
}

function readBcrypt(encoded: string): PasswordHash | string {
  const cost = /^\$2[aby]\$(\d\d)\$[./A-Za-z0-9]{53}$/.exec(encoded)?.[1]
  if (cost === undefined) return 'is not a complete bcrypt hash'
  if (Number(cost) < 4 || Number(cost) > 15) return 'is a bcrypt hash with a cost outside 4 to 15'
  return { encoded, matches: password => bcrypt.verify(password, encoded) }
}

function readScrypt(encoded: string): PasswordHash | string {
  const parts =
    /^\$scrypt\$ln=(\d{1,2}),r=(\d{1,3}),p=(\d{1,3})\$([A-Za-z0-9+/]{11,86})\$([A-Za-z0-9+/]{43,86})$/.exec(
      encoded,
    )
  if (!parts) return 'is not a complete scrypt hash'
  const [N, r, p] = [2 ** Number(parts[1]), Number(parts[2]), Number(parts[3])]
  if (N < 2 || r < 1 || p < 1) return 'is a scrypt hash with parameters that are too small'
  if (128 * N * r > maxMemory || p > 16) return 'is a scrypt hash with more than 256 MiB or 16 lanes'
  const salt = Buffer.from(parts[4]!, 'base64')
  const wanted = Buffer.from(parts[5]!, 'base64')
  return {
    encoded,
    matches: password =>
      new Promise((resolve, reject) => {
        // Node's bound is on more than the table of N blocks that the formula counts.
        scrypt(password, salt, wanted.length, { N, r, p, maxmem: 2 * maxMemory }, (err, found) =>
          err ? reject(err) : resolve(timingSafeEqual(found, wanted)),
        )
      }),
  }
}
