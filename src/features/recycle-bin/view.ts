import type { Caller } from '../../auth/caller.js'
import type { BinnedImage } from '../../data/bin.js'
import type { Deps } from '../../deps.js'
import { type Formats, imageSchema } from '../../images/schemas.js'
import { view as imageView, time } from '../../images/view.js'

/** An image in the bin: as it will be when it is restored, with how it came there and how long it stays. */
export const view = (deps: Deps, caller: Caller, image: BinnedImage) => ({
  ...imageView(deps, caller, image),
  deleted_at: time(image.deleted_at),
  deleted_by: image.deleted_by,
  expires_at: time(image.expires_at),
  self: `/v2/recycle-bin/${image.id}`,
})

/** The schema of an image in the bin. */
export function binnedSchema(formats: Formats) {
  const { properties, additionalProperties } = imageSchema(formats)
  return {
    name: 'binned_image',
    properties: {
      ...properties,
      self: { type: 'string', description: 'Path of the image in the bin.' },
      deleted_at: { type: 'string', description: 'When the image was deleted.' },
      deleted_by: { type: ['null', 'string'], description: 'User who deleted it.' },
      expires_at: { type: 'string', description: 'When it is destroyed if nobody restores it.' },
    },
    additionalProperties,
  }
}
