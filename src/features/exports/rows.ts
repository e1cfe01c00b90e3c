import type { view } from '../../images/view.js'

/** What stands in the columns of an export: made of what the API shows the caller, so that it tells nothing more. */

type Shown = ReturnType<typeof view> & Record<string, unknown>

interface Column {
  heading: string
  /** Characters that the column is wide in a workbook. */
  width: number
  cell: (image: Shown) => unknown
}

const property = (name: string) => (image: Shown) => (Object.hasOwn(image, name) ? image[name] : '')

/** Properties that say that a guest can do something; their yes is told. */
const features = ['feature_cloud_init', 'feature_hot_upgrade', 'hw_qemu_guest_agent']
const isYes = (value: unknown) => /^(?:yes|true)$/i.test(String(value))

/** Properties of encrypted bytes: Glance's metadata of encryption, and Cinder's key of a volume that became an image. */
const ofEncryption = /^(?:os_encrypt_|cinder_encryption_key_id$)/

export const columns: readonly Column[] = [
  { heading: 'name', width: 32, cell: image => image.name },
  { heading: 'id', width: 38, cell: image => image.id },
  { heading: 'status', width: 12, cell: image => image.status },
  { heading: 'visibility', width: 12, cell: image => image.visibility },
  { heading: 'owner', width: 34, cell: image => image.owner },
  { heading: 'size', width: 14, cell: image => image.size },
  { heading: 'disk_format', width: 12, cell: image => image.disk_format },
  { heading: 'container_format', width: 16, cell: image => image.container_format },
  { heading: 'architecture', width: 12, cell: property('architecture') },
  { heading: 'firmware', width: 10, cell: property('hw_firmware_type') },
  { heading: 'os_type', width: 10, cell: property('os_type') },
  { heading: 'os_distro', width: 14, cell: property('os_distro') },
  { heading: 'os_version', width: 12, cell: property('os_version') },
  {
    heading: 'features',
    width: 24,
    cell: image => features.filter(name => isYes(property(name)(image))).join(', '),
  },
  {
    heading: 'encryption',
    width: 10,
    cell: image => (Object.keys(image).some(name => ofEncryption.test(name)) ? 'yes' : 'no'),
  },
  { heading: 'version', width: 10, cell: property('os_glance_version') },
  { heading: 'production', width: 10, cell: property('os_glance_production') },
  { heading: 'created', width: 22, cell: image => image.created_at },
]

export const headings: readonly string[] = columns.map(column => column.heading)

/** An image as cells; what it does not have is an empty one. */
export const rowOf = (image: Shown): string[] =>
  columns.map(({ cell }) => {
    const value = cell(image)
    return value === null || value === undefined ? '' : String(value)
  })
