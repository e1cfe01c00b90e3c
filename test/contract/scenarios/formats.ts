import type { Area, Payload, Step } from '../exchange.js'
import { create, download, ended, importBy, octets, scenario, settled, show, stage, upload } from './steps.js'

/** What images are told to be. */
const declared = ['qcow2', 'vmdk', 'vhd', 'vhdx', 'vdi', 'iso', 'raw', 'ami']

/** Disks as they are made. */
const diskNames = [
  'qcow2',
  'qcow2 of version 2',
  'qcow2, compressed',
  'qcow2 with extended entries',
  'qed',
  'vdi',
  'vhd, dynamic',
  'vhd, fixed',
  'vhdx',
  'vmdk, sparse',
  'vmdk, streamed',
  'raw',
  'qcow2 with a backing file',
  'qcow2 with a data file',
  'vmdk in a file of its own',
  'luks',
  'iso',
]

/** The formats that a disk may truly be said to have. */
const own = (name: string) => name.split(/[ ,]/)[0] as string

const bad: Record<string, [format: string, bytes: Payload]> = {
  'a qcow2 that ends in its header': ['qcow2', { disk: 'a qcow2 that ends in its header' }],
  'a qcow2 that ends behind its header': ['qcow2', { disk: 'a qcow2 that ends behind its header' }],
  'a qcow2 of version 9': ['qcow2', { disk: 'a qcow2 of version 9' }],
  'a qcow2 of unknown features': ['qcow2', { disk: 'a qcow2 of unknown features' }],
  'a qcow2 without its magic': ['qcow2', { disk: 'a qcow2 without its magic' }],
  'a qcow2 that is encrypted': ['qcow2', { disk: 'a qcow2 that is encrypted' }],
  'a vmdk that ends in its descriptor': ['vmdk', { disk: 'a vmdk that ends in its descriptor' }],
  'a vmdk whose extent lies elsewhere': ['vmdk', { disk: 'a vmdk whose extent lies elsewhere' }],
  'a vdi without its signature': ['vdi', { disk: 'a vdi without its signature' }],
  'a vhd without its first footer': ['vhd', { disk: 'a vhd without its first footer' }],
  'a vhdx without regions': ['vhdx', { disk: 'a vhdx without regions' }],
  'an iso without its descriptor': ['iso', { disk: 'an iso without its descriptor' }],
  'nothing, as qcow2': ['qcow2', { size: 0 }],
  'a few bytes, as qcow2': ['qcow2', { size: 3 }],
  'text, as qcow2': ['qcow2', { size: 70000 }],
  'text, as vmdk': ['vmdk', { size: 70000 }],
  'text, as vhd': ['vhd', { size: 70000 }],
  'text, as iso': ['iso', { size: 70000 }],
  'text, as ami': ['ami', { size: 70000 }],
}

const image = (disk_format: string, container_format = 'bare'): Step =>
  create('alice', { disk_format, container_format })
const afterwards = show('alice', { name: 'afterwards' })
const up = (bytes: Payload): Step[] => {
  const { bytes: _, ...step } = upload('alice')
  return [{ ...step, bytes, headers: { 'content-type': octets } }, afterwards]
}
const viaStage = (bytes: Payload): Step[] => {
  const { bytes: _, ...step } = stage('alice')
  return [
    { ...step, bytes },
    show('alice', { name: 'staged' }),
    importBy('alice', 'glance-direct'),
    ended('alice'),
    settled('alice', { name: 'afterwards' }),
  ]
}

export const formats: Area = {
  name: 'formats',
  web: true,
  scenarios: [
    ...diskNames.flatMap(name =>
      declared.map(format =>
        scenario(`${name} uploaded as ${format}`, [image(format), ...up({ disk: name })]),
      ),
    ),
    ...diskNames.map(name =>
      scenario(`${name} imported as ${own(name)}`, [
        image(['qed', 'luks'].includes(own(name)) ? 'raw' : own(name)),
        ...viaStage({ disk: name }),
        download('alice'),
      ]),
    ),
    ...['qcow2', 'vmdk, sparse', 'iso', 'vhd, fixed', 'raw'].map(name =>
      scenario(`${name} imported as what it is not`, [
        image(name === 'raw' ? 'qcow2' : 'raw'),
        ...viaStage({ disk: name }),
      ]),
    ),
    ...Object.entries(bad).flatMap(([name, [format, bytes]]) => [
      scenario(`${name}, uploaded`, [image(format), ...up(bytes)]),
      scenario(`${name}, imported`, [image(format), ...viaStage(bytes)]),
    ]),
    ...['ovf', 'ova', 'docker', 'compressed', 'aki'].map(container =>
      scenario(`qcow2 in the container ${container} uploaded as raw`, [
        image('raw', container),
        ...up({ disk: 'qcow2' }),
      ]),
    ),
  ],
}
