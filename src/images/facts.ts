import { BadRequest } from '../errors.js'
import { systems } from './systems.js'

/**
 * What is known about guests: the systems that images hold, their versions, and what else schedulers and hypervisors
 * read from properties. One table for two things: the values that `strict_properties` allows, and the metadata
 * definitions that `bin/vitrine metadefs load` loads.
 */

const yesOrNo = ['yes', 'no'] as const

export interface Fact {
  title: string
  description: string
  values: readonly string[]
}

/** Properties with few values, beside `os_version`, whose values depend on the system. */
export const facts: Readonly<Record<string, Fact>> = {
  os_type: {
    title: 'Kind of system',
    description: 'Decides on clock, buses and defaults of a guest; Nova knows linux and windows.',
    values: ['linux', 'windows', 'bsd', 'other'],
  },
  os_distro: { title: 'System', description: 'Which system the image holds.', values: Object.keys(systems) },
  architecture: {
    title: 'Architecture',
    description: 'Processor that the system is made for, as Nova’s scheduler names it.',
    values: [
      'x86_64',
      'aarch64',
      'i686',
      'armv6',
      'armv7l',
      'loongarch64',
      'mips',
      'mips64',
      'mips64el',
      'mipsel',
      'ppc',
      'ppc64',
      'ppc64le',
      'riscv64',
      's390',
      's390x',
      'sparc',
      'sparc64',
    ],
  },
  hw_firmware_type: { title: 'Firmware', description: 'How a guest boots.', values: ['bios', 'uefi'] },
  hw_qemu_guest_agent: {
    title: 'QEMU guest agent',
    description: 'Whether the agent is in the image: quiet snapshots, passwords from outside.',
    values: yesOrNo,
  },
  feature_cloud_init: {
    title: 'cloud-init',
    description: 'Whether the image sets itself up from the cloud’s data at its first boot.',
    values: yesOrNo,
  },
  feature_hot_upgrade: {
    title: 'Hot upgrade',
    description: 'Whether processors and memory can be added while a guest runs.',
    values: yesOrNo,
  },
}

/**
 * Holds those facts that are new or changed to the table; `all` are the properties of the image with them. Throws
 * BadRequest, which names the values that are known.
 */
export function checkFacts(changed: Iterable<string>, all: Readonly<Record<string, string>>): void {
  const names = new Set(changed)
  for (const name of names) {
    const value = all[name]
    const known = name.startsWith('feature_') ? yesOrNo : facts[name]?.values
    if (value !== undefined && known) hold(name, value, known)
  }
  const { os_version: version, os_distro: distro } = all
  if (version === undefined || !(names.has('os_version') || names.has('os_distro'))) return
  const system = distro === undefined ? undefined : systems[distro]
  const known = system ? system.versions : Object.values(systems).flatMap(one => one.versions)
  hold(system ? `os_version of ${distro}` : 'os_version', version, known)
}

function hold(name: string, value: string, known: readonly string[]): void {
  if (known.includes(value)) return
  throw new BadRequest(`${name} has an unknown value. Known are: ${[...new Set(known)].join(', ')}.`)
}
