import { BadRequest } from '../errors.js'
import type { Image } from '../images/image.js'

const signature = [
  'img_signature',
  'img_signature_hash_method',
  'img_signature_key_type',
  'img_signature_certificate_uuid',
]

/** Throws for an image that promises what is not kept here: with all four properties Glance verifies a signature. */
export function refuseSigned({ properties }: Pick<Image, 'properties'>): void {
  if (signature.every(name => Object.hasOwn(properties, name)))
    throw new BadRequest('Image signatures are not verified here, so bytes for a signed image are refused.')
}
