import { createHash, randomBytes } from 'node:crypto'

/** The secret of a new link: 256 random bits as 43 characters that a URL needs not escape. */
export const newSecret = () => randomBytes(32).toString('base64url')

/** What is kept of a secret. It has so many bits that a plain hash of it can't be turned back by trying. */
export const hashOf = (secret: string) => createHash('sha256').update(secret).digest()
