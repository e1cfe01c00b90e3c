import { pageQuery, text } from '../http/schemas.js'
import { sortKeys } from './list.js'

const several = ' Several: `in:a,b`.'
const compared = ' Or compared: `gt:`, `gte:`, `lt:`, `lte:`, `eq:`, `neq:` before the value.'

/** What can be asked of a list of images, for its description. */
export const listQuery = {
  ...pageQuery(sortKeys),
  sort: text('Order by several keys, as `name:asc,size:desc`; takes the place of sort_key and sort_dir.'),
  name: text(`Exact name.${several}`),
  id: text(`Id.${several}`),
  status: text(`Status.${several}`),
  disk_format: text(`Disk format.${several}`),
  container_format: text(`Container format.${several}`),
  visibility: {
    type: 'string',
    enum: ['public', 'private', 'shared', 'community', 'all'],
    description: 'Visibility; community images are in no list that does not ask for them.',
  },
  member_status: {
    type: 'string',
    enum: ['pending', 'accepted', 'rejected', 'all'],
    description: 'What the caller answered to images shared with it; `accepted` when not said.',
  },
  owner: text('Project that owns the image.'),
  tag: text('A tag that the image has; may be repeated, then it has all of them.'),
  protected: { type: 'boolean', description: 'Whether deleting it is refused.' },
  os_hidden: { type: 'boolean', description: 'Hidden images instead of the others.' },
  size_min: { type: 'integer', description: 'Bytes at least.' },
  size_max: { type: 'integer', description: 'Bytes at most.' },
  min_disk: { type: 'integer', description: 'GB of disk that it needs.' },
  min_ram: { type: 'integer', description: 'MB of memory that it needs.' },
  checksum: text('MD5 of the bytes, hex.'),
  os_hash_value: text('Digest of the bytes, hex.'),
  created_at: text(`When it was created.${compared}`),
  updated_at: text(`When it was last changed.${compared}`),
}
