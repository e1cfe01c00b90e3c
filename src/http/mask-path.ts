/** As long as the secret of a link: 256 bits in base64url. */
const secretLong = /[\w-]{43}/

const id = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i

/**
 * A request's path as it may be logged and told: the secret of a download link, which alone gives the bytes, is `***`,
 * also in a path that is not quite right.
 */
export function maskPath(path: string): string {
  const segments = path.split('/')
  return segments
    .map((segment, n) => {
      const plain = decoded(segment)
      const behindLinks = n > 0 && decoded(segments[n - 1]!).toLowerCase() === 'links'
      const masked = (behindLinks && plain !== '' && !id.test(plain)) || secretLong.test(plain)
      return masked ? '***' : segment
    })
    .join('/')
}

function decoded(segment: string): string {
  return segment.replace(/%([0-9a-f]{2})/gi, (_, hex) => String.fromCharCode(Number.parseInt(hex, 16)))
}
