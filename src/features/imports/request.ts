import { BadRequest } from '../../errors.js'
import { parseChecksum } from '../../streams/checksums.js'

/** The body of an import request, checked; what was sent is kept as it is for the task. */
export interface ImportRequest {
  method: {
    name: string
    uri?: unknown
    glance_region?: unknown
    glance_image_id?: unknown
    glance_service_interface?: unknown
    /** Expected digest of the bytes, `sha256:<hex>` or `sha512:<hex>`. */
    checksum?: unknown
  }
  /** As it was sent: what is wrong with it is told after what is wrong with the image's state. */
  stores?: unknown
  all_stores: boolean
  all_stores_must_succeed: boolean
}

/** Reads an import request. Throws BadRequest. */
export function parseImport(body: Record<string, unknown>, methods: readonly string[]): ImportRequest {
  const method = body.method
  if (method === undefined) throw new BadRequest("Import request requires a 'method' field.")
  if (method === null || typeof method !== 'object' || Array.isArray(method)) {
    throw new BadRequest("The 'method' of an import request must be an object.")
  }
  const { name } = method as Record<string, unknown>
  if (name === undefined) throw new BadRequest("Import request requires a 'name' field in its method.")
  if (typeof name !== 'string' || !methods.includes(name)) {
    throw new BadRequest(`Unknown import method name '${String(name).slice(0, 100)}'.`)
  }
  const flag = (key: string, initial: boolean) => {
    const value = body[key] === undefined ? initial : body[key]
    if (typeof value !== 'boolean') throw new BadRequest(`'${key}' must be boolean value only.`)
    return value
  }
  const { stores } = body
  if (stores === null) throw new BadRequest("'stores' must be an array of store ids.")
  const { checksum } = method as ImportRequest['method']
  if (checksum !== undefined) {
    if (name !== 'web-download') throw new BadRequest("'checksum' is for the method web-download.")
    parseChecksum(checksum, "'checksum'")
  }
  return {
    method: method as ImportRequest['method'],
    ...(stores !== undefined && { stores }),
    all_stores: flag('all_stores', false),
    all_stores_must_succeed: flag('all_stores_must_succeed', true),
  }
}
