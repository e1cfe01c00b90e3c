import type { Entry } from '../../stores/cached.js'

/** A cached image as Glance shows it; times are seconds since 1970, with a fraction. */
export const view = ({ image_id, hits, last_accessed, last_modified, size }: Entry) => ({
  image_id,
  hits,
  last_accessed,
  last_modified,
  size,
})

/** Of a cached image. */
export const entrySchema = {
  type: 'object',
  properties: {
    image_id: { type: 'string', description: 'Id of the image.' },
    hits: { type: 'integer', description: 'Times it was served from the cache.' },
    last_accessed: { type: 'number', description: 'When it was served last, in seconds since 1970.' },
    last_modified: { type: 'number', description: 'When it came into the cache, in seconds since 1970.' },
    size: { type: 'integer', description: 'Bytes.' },
  },
} as const
