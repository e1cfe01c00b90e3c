import type { Static } from '@sinclair/typebox'
import type { Image } from '../../images/image.js'
import { time } from '../../images/view.js'
import type { Promotion as Row } from './repository.js'
import type { Lineage, Promotion, Version } from './schemas.js'

/** A version as the API shows it. */
export const version = (image: Image): Static<typeof Version> => ({
  version: image.version as number,
  image_id: image.id,
  comment: image.version_comment,
  status: image.status,
  size: image.size,
  os_hash_value: image.os_hash_value,
  production: image.production,
  created_at: time(image.created_at),
  created_by: image.created_by,
})

export const promotion = (row: Row): Static<typeof Promotion> => ({
  id: row.id,
  from: row.from_version,
  to: row.to_version,
  by: row.promoted_by,
  at: time(row.promoted_at),
  comment: row.comment,
})

/** A lineage, by its version in production or else its newest one. */
export const lineage = (head: Image, began: Date): Static<typeof Lineage> => ({
  id: head.lineage as string,
  name: head.name,
  owner: head.owner,
  production: head.production ? head.version : null,
  image_id: head.production ? head.id : null,
  created_at: time(began),
})
