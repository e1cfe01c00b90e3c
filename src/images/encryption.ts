import { Forbidden } from '../errors.js'
import type { Image } from './image.js'

/** Properties that tell how an image's bytes are encrypted; they are worth nothing when they do not fit the bytes. */
const isEncryption = (name: string) => name.startsWith('os_encrypt_') || name === 'cinder_encryption_key_id'

/**
 * Once an image has its bytes, what is set of its encryption stays: nobody could read them any more. What is not set
 * can still be added. Throws Forbidden, for admins too.
 */
export function keepEncryption(image: Image, after: ReadonlyMap<string, string>): void {
  if (image.status !== 'active' && image.status !== 'deactivated') return
  for (const [name, value] of Object.entries(image.properties))
    if (isEncryption(name) && after.get(name) !== value)
      throw new Forbidden(`Property ${name.slice(0, 100)} of an image that has its bytes can not be changed.`)
}
