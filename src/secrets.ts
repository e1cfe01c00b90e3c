import { createCipheriv, createDecipheriv, createHash, randomBytes } from 'node:crypto'

/**
 * Text that must be kept for a job and shown to nobody, such as the password in an import's URL: AES-256-GCM under the
 * setting secret_key, so that a copy of the database alone gives nothing away.
 */

const keyOf = (secret: string) => createHash('sha256').update(secret).digest()

/** Encrypts text; base64 of nonce, tag and cipher text. */
export function seal(secret: string, text: string): string {
  const nonce = randomBytes(12)
  const cipher = createCipheriv('aes-256-gcm', keyOf(secret), nonce)
  const body = Buffer.concat([cipher.update(text, 'utf8'), cipher.final()])
  return Buffer.concat([nonce, cipher.getAuthTag(), body]).toString('base64')
}

/** Decrypts what `seal` made. Throws when the key is another one or the text was changed. */
export function unseal(secret: string, sealed: string): string {
  const bytes = Buffer.from(sealed, 'base64')
  const cipher = createDecipheriv('aes-256-gcm', keyOf(secret), bytes.subarray(0, 12))
  cipher.setAuthTag(bytes.subarray(12, 28))
  return Buffer.concat([cipher.update(bytes.subarray(28)), cipher.final()]).toString('utf8')
}
