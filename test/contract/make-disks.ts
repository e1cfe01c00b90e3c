/**
 * Writes disks.json: tiny disks of every format as qemu-img and genisoimage make them, which both have to be installed.
 * Some of what they write is random, so the scenarios of the area formats are recorded again after this.
 *
 *   npm run build && node dist/test/contract/make-disks.js && npm run contract:record formats
 */
import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gunzipSync, gzipSync } from 'node:zlib'

/** Disks that are no longer what they were: of which one, and what is done to it. */
const spoilt: Record<string, [of: string, spoil: (bytes: Buffer) => Buffer | undefined]> = {
  'a qcow2 that ends in its header': ['qcow2', bytes => bytes.subarray(0, 60)],
  'a qcow2 that ends behind its header': ['qcow2', bytes => bytes.subarray(0, 4096)],
  'a qcow2 of version 9': ['qcow2', bytes => void bytes.writeUInt32BE(9, 4)],
  'a qcow2 of unknown features': ['qcow2', bytes => void bytes.writeUInt8(0x80, 79)],
  'a qcow2 without its magic': ['qcow2', bytes => void bytes.writeUInt32BE(0, 0)],
  'a qcow2 that is encrypted': ['qcow2', bytes => void bytes.writeUInt32BE(1, 32)],
  'a vmdk that ends in its descriptor': ['vmdk, sparse', bytes => bytes.subarray(0, 600)],
  'a vmdk whose extent lies elsewhere': [
    'vmdk, sparse',
    bytes => {
      const at = bytes.indexOf('SPARSE "')
      bytes.write('SPARSE "/etc/', at, 'latin1')
      return bytes
    },
  ],
  'a vdi without its signature': ['vdi', bytes => void bytes.writeUInt32LE(0, 0x40)],
  'a vhd without its first footer': ['vhd, dynamic', bytes => void bytes.fill(0, 0, 512)],
  'a vhdx without regions': ['vhdx', bytes => void bytes.fill(0, 192 * 1024, 320 * 1024)],
  'an iso without its descriptor': ['iso', bytes => void bytes.fill(0, 32768, 34816)],
}

const folder = mkdtempSync(join(tmpdir(), 'vitrine-disks-'))
const disk = join(folder, 'disk')
const source = join(folder, 'source')
// 1 MiB whose first blocks hold something
writeFileSync(source, Buffer.concat([Buffer.alloc(65536, 'some bytes '), Buffer.alloc(2 ** 20 - 65536)]))

/** Arguments of `qemu-img convert`. */
const converted: Record<string, string[]> = {
  qcow2: ['-O', 'qcow2'],
  'qcow2 of version 2': ['-O', 'qcow2', '-o', 'compat=0.10'],
  'qcow2, compressed': ['-O', 'qcow2', '-c'],
  'qcow2 with extended entries': ['-O', 'qcow2', '-o', 'extended_l2=on,cluster_size=64k'],
  qed: ['-O', 'qed'],
  vdi: ['-O', 'vdi'],
  'vhd, dynamic': ['-O', 'vpc', '-o', 'subformat=dynamic'],
  'vhd, fixed': ['-O', 'vpc', '-o', 'subformat=fixed'],
  vhdx: ['-O', 'vhdx'],
  'vmdk, sparse': ['-O', 'vmdk', '-o', 'subformat=monolithicSparse'],
  'vmdk, streamed': ['-O', 'vmdk', '-o', 'subformat=streamOptimized'],
  raw: ['-O', 'raw'],
}

/** Arguments of `qemu-img create`. */
const created: Record<string, string[]> = {
  'qcow2 with a backing file': ['-f', 'qcow2', '-u', '-b', '/etc/passwd', '-F', 'raw'],
  'qcow2 with a data file': ['-f', 'qcow2', '-o', 'data_file=data,data_file_raw=on'],
  'vmdk in a file of its own': ['-f', 'vmdk', '-o', 'subformat=monolithicFlat'],
}

const qemu = (...args: string[]) => execFileSync('qemu-img', args, { cwd: folder, stdio: 'pipe' })
const disks: Record<string, string> = {}
const keep = (name: string, bytes: Buffer = readFileSync(disk)) => {
  disks[name] = gzipSync(bytes, { level: 9 }).toString('base64')
  rmSync(disk, { force: true })
}

for (const [name, args] of Object.entries(converted)) {
  qemu('convert', '-f', 'raw', ...args, source, disk)
  keep(name)
}
for (const [name, args] of Object.entries(created)) {
  qemu('create', ...args, disk, '1M')
  keep(name)
}
// the keys behind the header are random, and nothing looks at them
qemu(
  'create',
  '-f',
  'luks',
  '--object',
  'secret,id=s,data=secret',
  '-o',
  'key-secret=s,iter-time=10',
  disk,
  '1M',
)
const luks = readFileSync(disk)
keep('luks', luks.fill(0, 4096))
execFileSync('genisoimage', ['-quiet', '-o', disk, source], { stdio: 'pipe' })
keep('iso')
rmSync(folder, { recursive: true })
for (const [name, [of, spoil]] of Object.entries(spoilt)) {
  const bytes = gunzipSync(Buffer.from(disks[of] ?? '', 'base64'))
  keep(name, spoil(bytes) ?? bytes)
}
const shown = JSON.stringify(disks, null, 2)
writeFileSync(new URL('../../../test/contract/disks.json', import.meta.url), `${shown}\n`)
