import type { Image } from '../../images/image.js'

/** The strong ETag of an image's bytes, which never change: their hash. Null while nobody knows it. */
export const etagOf = ({ os_hash_value }: Pick<Image, 'os_hash_value'>) =>
  os_hash_value === null ? null : `"${os_hash_value}"`

/** Whether If-None-Match says that the client has these bytes (RFC 9110, 13.1.2: the comparison is the weak one). */
export const isKnown = (header: string | undefined, etag: string | null): boolean =>
  header !== undefined &&
  (header.trim() === '*' ||
    (etag !== null && header.split(',').some(one => one.trim().replace(/^W\//, '') === etag)))

/**
 * The range to send: none when If-Range names other bytes than these (RFC 9110, 13.1.5: the strong comparison). A date
 * there never fits, as no Last-Modified is sent.
 */
export const rangeOf = (
  headers: { range?: string | undefined; 'if-range'?: string | string[] | undefined },
  etag: string | null,
): string | undefined => {
  const condition = headers['if-range']
  return condition === undefined || (etag !== null && String(condition).trim() === etag)
    ? headers.range
    : undefined
}
