/** `6.5`, `6.6` … `6.10` for ('6.', 5, 10). */
const numbered = (prefix: string, from: number, to: number) =>
  Array.from({ length: to - from + 1 }, (_, n) => `${prefix}${from + n}`)
/** `18.04`, `18.10` … for years of Ubuntu. */
const halfYears = (from: number, to: number) =>
  numbered('', from, to).flatMap(year => [`${year}.04`, `${year}.10`])

export interface System {
  title: string
  os_type: 'linux' | 'windows' | 'bsd' | 'other'
  versions: readonly string[]
}

/** Systems by their value of `os_distro`, which is libosinfo's short name where it has one (as Glance's documents ask). */
export const systems: Readonly<Record<string, System>> = {
  almalinux: {
    title: 'AlmaLinux',
    os_type: 'linux',
    versions: [
      ...numbered('', 8, 10),
      ...numbered('8.', 3, 10),
      ...numbered('9.', 0, 7),
      ...numbered('10.', 0, 1),
    ],
  },
  alpine: { title: 'Alpine Linux', os_type: 'linux', versions: ['edge', ...numbered('3.', 10, 23)] },
  anolis: { title: 'Anolis OS', os_type: 'linux', versions: ['7.9', ...numbered('8.', 2, 9), '23'] },
  arch: { title: 'Arch Linux', os_type: 'linux', versions: ['rolling'] },
  centos: {
    title: 'CentOS',
    os_type: 'linux',
    versions: [
      ...numbered('', 5, 8),
      ...numbered('5.', 0, 11),
      ...numbered('6.', 0, 10),
      ...numbered('7.', 0, 9),
      ...numbered('8.', 0, 5),
      'stream8',
      'stream9',
      'stream10',
    ],
  },
  debian: { title: 'Debian', os_type: 'linux', versions: [...numbered('', 7, 14), 'testing', 'unstable'] },
  fedora: { title: 'Fedora', os_type: 'linux', versions: [...numbered('', 30, 44), 'rawhide'] },
  freebsd: {
    title: 'FreeBSD',
    os_type: 'bsd',
    versions: [...numbered('12.', 0, 4), ...numbered('13.', 0, 5), ...numbered('14.', 0, 4), '15.0'],
  },
  gentoo: { title: 'Gentoo', os_type: 'linux', versions: ['rolling'] },
  kylin: { title: 'Kylin', os_type: 'linux', versions: ['V4', 'V7', 'V10', 'V11'] },
  netbsd: {
    title: 'NetBSD',
    os_type: 'bsd',
    versions: [...numbered('8.', 0, 3), ...numbered('9.', 0, 4), ...numbered('10.', 0, 1)],
  },
  ol: {
    title: 'Oracle Linux',
    os_type: 'linux',
    versions: [
      ...numbered('', 6, 10),
      ...numbered('6.', 0, 10),
      ...numbered('7.', 0, 9),
      ...numbered('8.', 0, 10),
      ...numbered('9.', 0, 7),
      ...numbered('10.', 0, 1),
    ],
  },
  openbsd: { title: 'OpenBSD', os_type: 'bsd', versions: numbered('7.', 0, 8) },
  openeuler: {
    title: 'openEuler',
    os_type: 'linux',
    versions: ['20.03', '21.09', '22.03', '23.09', '24.03', '25.03', '25.09'],
  },
  opensuse: {
    title: 'openSUSE',
    os_type: 'linux',
    versions: [...numbered('42.', 1, 3), ...numbered('15.', 0, 6), '16.0', 'tumbleweed'],
  },
  rhel: {
    title: 'Red Hat Enterprise Linux',
    os_type: 'linux',
    versions: [
      ...numbered('', 5, 10),
      ...numbered('5.', 0, 11),
      ...numbered('6.', 0, 10),
      ...numbered('7.', 0, 9),
      ...numbered('8.', 0, 10),
      ...numbered('9.', 0, 7),
      ...numbered('10.', 0, 1),
    ],
  },
  rocky: {
    title: 'Rocky Linux',
    os_type: 'linux',
    versions: [
      ...numbered('', 8, 10),
      ...numbered('8.', 3, 10),
      ...numbered('9.', 0, 7),
      ...numbered('10.', 0, 1),
    ],
  },
  sles: {
    title: 'SUSE Linux Enterprise Server',
    os_type: 'linux',
    versions: [
      '11',
      '12',
      '15',
      '16',
      ...numbered('11sp', 1, 4),
      ...numbered('12sp', 1, 5),
      ...numbered('15sp', 1, 7),
      '16.0',
    ],
  },
  ubuntu: {
    title: 'Ubuntu',
    os_type: 'linux',
    versions: halfYears(12, 26).filter(version => version !== '26.10'),
  },
  uos: { title: 'UnionTech OS', os_type: 'linux', versions: ['20', '25'] },
  windows: {
    title: 'Microsoft Windows',
    os_type: 'windows',
    versions: [
      '7',
      '8',
      '8.1',
      '10',
      '11',
      '2008',
      '2008r2',
      '2012',
      '2012r2',
      '2016',
      '2019',
      '2022',
      '2025',
    ],
  },
}
