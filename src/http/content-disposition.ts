/** Longest name in bytes of UTF-8: what most file systems take. */
const MAX_BYTES = 255

/** Names that Windows keeps for devices, with any extension. */
const device = /^(?:con|prn|aux|nul|com\d|lpt\d)(?:\.|$)/i

/**
 * The header by which a browser or `curl -OJ` saves bytes under a name (RFC 6266): `filename` in ASCII for everybody,
 * `filename*` (RFC 8187) where that is not all of it. The name is made one that no client can read as a path, an
 * option, a device or another header, and that looks like what it is (no changes of the direction of writing).
 *
 * @param name any text
 * @param otherwise the name when nothing is left of it; ASCII
 */
export function attachment(name: string, otherwise: string): string {
  const safe = safeName(name) || otherwise
  // some clients decode %41 there, others take a backslash for an escape
  const ascii = safe.replace(/[^\x20-\x7e]|%/gu, '_')
  const plain = `attachment; filename="${ascii}"`
  return ascii === safe ? plain : `${plain}; filename*=UTF-8''${encode(safe)}`
}

/** Empty when nothing but dots and spaces is left. */
function safeName(name: string): string {
  const text = name
    .normalize('NFC')
    // separators and what file systems refuse; controls, line breaks, lone surrogates, invisible format characters
    .replace(/[/\\:*?"<>|]|[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/gu, '_')
    .replace(/^[\s.~-]+/u, '')
  const cut = withinBytes(text).replace(/[\s.]+$/u, '')
  return device.test(cut) ? `_${cut}` : cut
}

/** At most MAX_BYTES; what is too long loses its middle, so that the extension stays. */
function withinBytes(text: string): string {
  if (Buffer.byteLength(text) <= MAX_BYTES) return text
  const extension = /\.[A-Za-z0-9]{1,16}$/.exec(text)?.[0] ?? ''
  let kept = ''
  let room = MAX_BYTES - extension.length
  for (const character of text) {
    room -= Buffer.byteLength(character)
    if (room < 0) break
    kept += character
  }
  return kept + extension
}

/** RFC 8187: all but its attr-char. */
const encode = (text: string) =>
  encodeURIComponent(text).replace(/['()*]/g, char => `%${char.charCodeAt(0).toString(16).toUpperCase()}`)
