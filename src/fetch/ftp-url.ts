/** What an ftp URL says beside host and port, decoded. */
export interface FtpPlace {
  user: string
  password: string
  /** As RETR takes it: from the folder that the login leads to on, or absolute where the URL's path begins with %2F. */
  path: string
}

/**
 * Reads an ftp URL (RFC 1738, 3.2): undefined when something in it is no UTF-8, would end a line of the protocol (CR,
 * LF, NUL), or names no file. A name may have a question mark, as ftp knows no queries; of the types that may follow
 * it, only `;type=i` makes sense for images.
 */
export function readFtpUrl(url: URL): FtpPlace | undefined {
  const written = `${url.pathname.slice(1)}${url.search}`
  const [, name = '', type = 'i'] = /^(.*?)(?:;type=([^;/]*))?$/i.exec(written) ?? []
  if (type.toLowerCase() !== 'i') return undefined
  try {
    const [user = '', password = '', path = ''] = [url.username, url.password, name].map(decodeURIComponent)
    if (/[\r\n\0]/.test(user + password + path)) return undefined
    if (path === '' || path.endsWith('/')) return undefined
    return user === '' ? { user: 'anonymous', password: 'anonymous@', path } : { user, password, path }
  } catch {
    return undefined
  }
}
