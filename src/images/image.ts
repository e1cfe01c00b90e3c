/** Where one copy of an image's bytes is. */
export interface Location {
  id: number
  /** The operator's name of the store. */
  store: string
  /** What to read from the store: the object's key, or the URL in a store that is only read. */
  key: string
  /** The URL, where the bytes are not an object of our own. */
  url: string | null
  /** Free data that came with the location; `store` is added when it is shown. */
  metadata: Record<string, unknown>
}

/** The states of Glance's state machine; `killed` and `pending_delete` are never entered by Vitrine. */
export type Status =
  | 'queued'
  | 'saving'
  | 'uploading'
  | 'importing'
  | 'active'
  | 'deactivated'
  | 'killed'
  | 'pending_delete'
  | 'deleted'

export type Visibility = 'public' | 'community' | 'shared' | 'private'

/** Membership of a project in an image that is shared with it. */
export type MemberStatus = 'pending' | 'accepted' | 'rejected'

/** Whom an image is shared with beside single projects. */
export interface Share {
  kind: 'group' | 'domain'
  /** Id of the group of users, or of the domain. */
  target: string
  /** ISO 8601. */
  created_at: string
}

/** An image as the repository gives it: the row, its own properties, tags and locations. */
export interface Image {
  id: string
  name: string | null
  status: Status
  visibility: Visibility
  protected: boolean
  os_hidden: boolean
  /** Project id; null only when an admin made it so. */
  owner: string | null
  disk_format: string | null
  container_format: string | null
  /** GB. */
  min_disk: number
  /** MB. */
  min_ram: number
  /** Bytes. */
  size: number | null
  /** Bytes of the virtual disk. */
  virtual_size: number | null
  /** MD5, hex. */
  checksum: string | null
  os_hash_algo: string | null
  os_hash_value: string | null
  created_at: Date
  updated_at: Date
  /** User id of the maker; a policy target, not shown. */
  created_by: string | null
  /** Domain of the owner project; a policy target, not shown. */
  owner_domain: string | null
  /** Id of what ties this image to others as versions of one thing; null when it is no version. */
  lineage: string | null
  /** Number within the lineage, from 1. */
  version: number | null
  /** What the version's maker said of it. */
  version_comment: string | null
  /** Whether it is the version in production: one of a lineage at most. */
  production: boolean
  /** Whether it is or ever was in production. */
  promoted: boolean
  /** Additional properties, any name, in no order. */
  properties: Record<string, string>
  tags: string[]
  locations: Location[]
  /** The asking project's membership; null when it has none. */
  member_status: MemberStatus | null
  /** Groups and domains a shared image is shared with; left out in lists, where SQL has looked at them. */
  shares?: Share[]
}

/** Attributes that clients set at creation and by PATCH. */
export const settable = [
  'name',
  'visibility',
  'protected',
  'os_hidden',
  'owner',
  'disk_format',
  'container_format',
  'min_disk',
  'min_ram',
] as const
export type Settable = (typeof settable)[number]

/** Attributes that no client may write: POST (most of them) and PATCH answer 403. */
export const readOnly: ReadonlySet<string> = new Set([
  'created_at',
  'updated_at',
  'status',
  'checksum',
  'size',
  'virtual_size',
  'direct_url',
  'self',
  'file',
  'schema',
  'stores',
  'os_hash_algo',
  'os_hash_value',
])

const reserved: ReadonlySet<string> = new Set(['location', 'deleted', 'deleted_at'])

/** Whether a property's name is kept for Vitrine itself; the prefix is `os_glance`, without an underscore. */
export const isReserved = (name: string) => reserved.has(name) || name.startsWith('os_glance')

/** Hash over an image's bytes, beside the MD5 that `checksum` is. */
export const HASH_ALGORITHM = 'sha512'

/** Bytes of all additional properties of an image together, names included: a page of a list holds 1000 images. */
export const MAX_PROPERTY_BYTES = 128 * 1024
/** Groups and domains that an image can be shared with. */
export const MAX_SHARES = 128

/** Bytes that properties take, names and values. */
export function bytesOf(properties: Iterable<readonly [string, string]>): number {
  let bytes = 0
  for (const [name, value] of properties) bytes += Buffer.byteLength(name) + Buffer.byteLength(value)
  return bytes
}
