/** Glance's rules on what an image is declared to be and what its bytes are. */
import { UnsupportedMedia } from '../errors.js'
import type { Facts, Fault, Inspection } from './inspector.js'

/** What the image's record says. */
export interface Declared {
  disk_format: string
  container_format: string
}

/** How strict to be. */
export interface Strictness {
  /**
   * Whether bytes of another format than declared, or of several, are refused (Glance's setting
   * require_image_format_match); true unless given. Failed safety checks are refused in any case.
   */
  require_match?: boolean
  /** Checks of partition tables that do not count, such as `mbr` (Glance's setting of this name); none unless given. */
  gpt_safety_checks_nonfatal?: readonly string[]
}

/** Formats by which an image can be declared whose bytes have no mark of their own: everything that is not in here. */
const RECOGNISED = ['raw', 'qcow2', 'vhd', 'vhdx', 'vmdk', 'vdi', 'qed', 'iso', 'gpt', 'luks']

/**
 * Decides on an image whose bytes have all passed; `size` is their number. Gives the virtual_size to keep (null:
 * unknown). Throws UnsupportedMedia, which names the check that failed. Only bare images are looked at: within other
 * containers anything is allowed.
 */
export function judge(
  facts: Facts,
  declared: Declared & { size: number },
  options?: Strictness,
): { virtual_size: number | null } {
  if (declared.container_format !== 'bare') return { virtual_size: null }
  refuse(facts, declared, options)
  if (declared.disk_format === 'raw') return { virtual_size: declared.size || null }
  return { virtual_size: facts.format === declared.disk_format ? facts.virtual_size || null : null }
}

/**
 * Throws what `judge` will throw as soon as that is certain, so that the rest need not be read; does nothing while the
 * image may still turn out well. Cheap enough to be called after each chunk.
 */
export function judgeEarly(inspection: Inspection, declared: Declared, options?: Strictness): void {
  if (declared.container_format !== 'bare') return
  const detected = inspection.detected()
  if (detected === null) return
  const fault = inspection.fault()
  refuse({ detected, format: theOne(detected), faults: fault ? [fault] : [] }, declared, options)
}

/**
 * The format that counts of those that were detected; null when there is no telling. ISO and partition table together
 * are a hybrid image, to be written on a USB stick: the only pair that is allowed.
 */
export function theOne(detected: string[]): string | null {
  if (detected.length === 2 && detected.includes('iso') && detected.includes('gpt')) return 'iso'
  return detected.length === 1 ? detected[0]! : null
}

function refuse(
  facts: Pick<Facts, 'detected' | 'format' | 'faults'>,
  declared: Declared,
  { require_match = true, gpt_safety_checks_nonfatal: nonfatal = [] }: Strictness = {},
): void {
  const faults = facts.faults
    .filter(fault => counts(fault, facts.format, declared))
    .filter(({ format, check }) => format !== 'gpt' || !nonfatal.includes(check))
  if (faults.length > 0) {
    const list = faults.map(({ format, check, message }) => `${format} ${check} (${message})`)
    throw new UnsupportedMedia(`Image data fails safety checks: ${list.join(', ')}`, { code: 'unsafe_image' })
  }
  if (!require_match) return
  if (facts.format === null) {
    throw new UnsupportedMedia(
      `Image data is ambiguous (check ambiguous): it is ${facts.detected.join(' and ')} at the same time`,
      { code: 'unsafe_image' },
    )
  }
  if (!fits(facts.format, declared.disk_format)) {
    throw new UnsupportedMedia(
      `Image data does not match its disk_format (check disk_format): declared is ${declared.disk_format}, ` +
        `detected is ${facts.format}`,
      { code: 'format_mismatch' },
    )
  }
}

/** Whether a failed check speaks against this image. */
function counts({ format, check }: Fault, counting: string | null, { disk_format }: Declared): boolean {
  // Boot code may stand in front of an ISO, and a kernel may carry what looks like a partition table.
  if (counting !== null && format !== counting) return false
  return !(check === 'mbr' && (disk_format === 'aki' || disk_format === 'ari'))
}

function fits(detected: string, declared: string): boolean {
  return detected === declared || declared === 'raw' || (detected === 'raw' && !RECOGNISED.includes(declared))
}
