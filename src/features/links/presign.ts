import type { Deps } from '../../deps.js'
import { attachment } from '../../http/content-disposition.js'
import type { Image, Location } from '../../images/image.js'
import { byWeight } from '../../images/view.js'
import type { Store } from '../../stores/store.js'
import { isWritable } from '../../stores/watched.js'

/** A copy of an image that anybody with a presigned URL can read from its store. */
export interface PublicCopy {
  key: string
  presign: NonNullable<Store['presign']>
}

/** The name under which an image's bytes are saved: the link's own, else the image's with its format. */
export function dispositionOf(image: Image, filename: string | null): string {
  const { id, name, disk_format, container_format } = image
  const format = (container_format === 'bare' ? disk_format : container_format) ?? 'img'
  const base = name || id
  const named = base.toLowerCase().endsWith(`.${format}`) ? base : `${base}.${format}`
  return attachment(filename ?? named, `${id}.${format}`)
}

/** The copy of an image that is read first, when it is a public one. */
export function firstPublic(deps: Deps, image: Image): PublicCopy | undefined {
  const [first] = byWeight(deps, image)
  return first && publicCopy(deps, first)
}

/** The public copies of an image, in the order in which copies are read. */
export const publicCopies = (deps: Deps, image: Image): PublicCopy[] =>
  byWeight(deps, image).flatMap(location => publicCopy(deps, location) ?? [])

function publicCopy(deps: Deps, { store: name, key, url }: Location): PublicCopy | undefined {
  if (url !== null || !deps.stores.names.includes(name)) return undefined
  const store = deps.stores.readable(name)
  return isWritable(store) && store.presign ? { key, presign: store.presign } : undefined
}

/** A URL of the store itself that gives the bytes to anybody for some seconds. */
export const presign = (copy: PublicCopy, image: Image, filename: string | null, seconds: number) =>
  copy.presign(copy.key, seconds, {
    'Content-Type': 'application/octet-stream',
    'Content-Disposition': dispositionOf(image, filename),
  })
