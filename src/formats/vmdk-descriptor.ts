/**
 * VMware's disk descriptor: lines of text that say how a disk is put together, and of which files. It is where a VMDK
 * can name files of the host that opens it, so every line must be one that is known to be harmless.
 */

/** Disks that are one file with its own map of blocks; all others name further files. */
const SINGLE_FILE = ['monolithicsparse', 'streamoptimized']
const ACCESS = ['rw', 'rdonly', 'noaccess']
/** What makes a text a descriptor; the text is always looked at in lower case. */
export const CREATE_TYPE = 'createtype="'

/** The kind of disk, in lower case; null when the text does not say. */
function createType(text: string): string | null {
  const at = text.indexOf(CREATE_TYPE)
  if (at < 0) return null
  const start = at + CREATE_TYPE.length
  const end = text.indexOf('"', start)
  return end < 0 ? null : text.slice(start, end)
}

/**
 * What is wrong with an embedded descriptor; null when nothing is. `text` is in lower case and ends where the header
 * says that it ends, `beyond` where QEMU would stop reading it.
 */
export function wrong(text: string, beyond: string): string | null {
  if (text === '') return 'the descriptor is missing'
  if (!SINGLE_FILE.includes(createType(text) ?? '')) return 'this kind of disk is not supported'
  // Readers differ in whether they mind upper and lower case; with two they would not see the same one.
  if (beyond.split(CREATE_TYPE).length > 2) return 'the descriptor states its kind more than once'
  // QEMU takes it for a backing file wherever in the text it stands.
  if (beyond.includes('parentfilenamehint')) return 'the descriptor names a parent file'

  let extents = 0
  for (const raw of text.split('\n')) {
    const line = raw.trim()
    if (line === '' || line.startsWith('#') || line.startsWith('ddb')) continue
    const [first] = line.split(/\s/, 1)
    if (ACCESS.includes(first!)) {
      if (!line.startsWith(`${first} `)) return 'the descriptor has a line that is not understood'
      if (line.includes('/')) return 'the descriptor names an extent by a path'
      extents++
    } else if (!/^[^\s=]*=/.test(line)) {
      return 'the descriptor has a line that is not understood'
    }
  }
  return extents === 0 ? 'the descriptor names no extents' : null
}

/** Bytes of all extents together; null when none is named. */
export function extentBytes(text: string): number | null {
  let sectors: number | null = null
  for (const match of text.matchAll(/^(?:rw|rdonly|noaccess) +(\d+) /gm))
    sectors = (sectors ?? 0) + Number(match[1])
  return sectors === null ? null : sectors * 512
}
