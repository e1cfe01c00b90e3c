import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { runTool } from '../helpers/tools.js'

/** One image of the manifest that tempest's tests of formats work through. */
interface TestImage {
  name: string
  format: string
  /** Whether an Image service takes it. */
  usable: boolean
  /** Makes the file of this name in this folder. */
  make(folder: string, file: string): void
}

const SECTOR = 512
/** In a VMDK's header: the grain directory is told by the footer. */
const AT_END = 0xffffffffffffffffn
const HOST_FILE = '/etc/hosts'

const qemuImg =
  (format: string, ...options: string[]) =>
  (folder: string, file: string) =>
    void runTool('qemu-img', ['create', '-q', '-f', format, ...options, file, '10M'], { cwd: folder })

const vmdk = (subformat: string) => qemuImg('vmdk', '-o', `subformat=${subformat}`)

const iso =
  (...options: string[]) =>
  (folder: string, file: string) =>
    void runTool('genisoimage', ['-quiet', ...options, '-o', file, HOST_FILE], { cwd: folder })

/** Changes a file that was made. */
function change(path: string, edit: (bytes: Buffer) => Buffer): void {
  writeFileSync(path, edit(readFileSync(path)))
}

const swap = (bytes: Buffer, from: string, to: string): Buffer =>
  Buffer.from(bytes.toString('latin1').replace(from, to), 'latin1')

/** The grain directory told at the end, as VMware's own tools write it: marker, footer, end of stream. */
function withFooter(bytes: Buffer): Buffer {
  const header = Buffer.from(bytes.subarray(0, SECTOR))
  const marker = Buffer.alloc(SECTOR)
  marker.writeUInt32LE(3, 12)
  bytes.writeBigUInt64LE(AT_END, 56)
  return Buffer.concat([bytes, marker, header, Buffer.alloc(SECTOR)])
}

/**
 * The same images, by name and by kind, as those on which OpenStack runs these tests, made by the same programs: that
 * project is on no package index.
 */
const images: TestImage[] = [
  { name: 'standard-qcow2v3', format: 'qcow2', usable: true, make: qemuImg('qcow2') },
  {
    name: 'qcow-with-backing',
    format: 'qcow2',
    usable: false,
    make: qemuImg('qcow2', '-F', 'raw', '-b', HOST_FILE),
  },
  {
    name: 'qcow-with-datafile',
    format: 'qcow2',
    usable: false,
    make: qemuImg('qcow2', '-o', 'data_file=qcow-data-file,data_file_raw=on'),
  },
  { name: 'raw-blank', format: 'raw', usable: true, make: qemuImg('raw') },
  {
    name: 'gpt-blank',
    format: 'gpt',
    usable: true,
    make(folder, file) {
      qemuImg('raw')(folder, file)
      runTool('parted', ['-s', file, 'mklabel', 'gpt'], { cwd: folder })
    },
  },
  { name: 'standard', format: 'qed', usable: false, make: qemuImg('qed') },
  { name: 'standard-iso9660', format: 'iso', usable: true, make: iso() },
  { name: 'standard-udf', format: 'iso', usable: true, make: iso('-udf') },
  {
    name: 'iso-with-qcow2-in-system',
    format: 'iso',
    usable: false,
    make(folder, file) {
      iso('-udf')(folder, file)
      qemuImg('qcow2')(folder, 'hidden')
      const hidden = readFileSync(join(folder, 'hidden')).subarray(0, 32 * 1024)
      change(join(folder, file), bytes => Buffer.concat([hidden, bytes.subarray(hidden.length)]))
    },
  },
  { name: 'vmdk-monolithicSparse', format: 'vmdk', usable: true, make: vmdk('monolithicSparse') },
  { name: 'vmdk-streamOptimized', format: 'vmdk', usable: true, make: vmdk('streamOptimized') },
  { name: 'vmdk-monolithicFlat', format: 'vmdk', usable: false, make: vmdk('monolithicFlat') },
  {
    name: 'vmdk-monolithicFlat-leak',
    format: 'vmdk',
    usable: false,
    make(folder, file) {
      vmdk('monolithicFlat')(folder, file)
      change(join(folder, file), bytes => swap(bytes, file.replace('.vmdk', '-flat.vmdk'), HOST_FILE))
    },
  },
  {
    name: 'vmdk-sparse-with-url-backing',
    format: 'vmdk',
    usable: false,
    make(folder, file) {
      vmdk('monolithicSparse')(folder, file)
      change(join(folder, file), bytes =>
        Buffer.concat([
          bytes.subarray(0, SECTOR),
          Buffer.concat([swap(bytes.subarray(SECTOR, 2 * SECTOR), file, HOST_FILE)], SECTOR),
          bytes.subarray(2 * SECTOR),
        ]),
      )
    },
  },
  {
    name: 'vmdk-sparse-with-footer',
    format: 'vmdk',
    usable: true,
    make(folder, file) {
      vmdk('monolithicSparse')(folder, file)
      change(join(folder, file), withFooter)
    },
  },
]

/** Makes the images in a folder, with qemu-img, parted and genisoimage, and gives the path of their manifest. */
export function makeImages(folder: string): string {
  const listed = images.map(({ name, format, usable, make }) => {
    const filename = `${name}.${format}`
    make(folder, filename)
    return { name, format, usable, filename }
  })
  const manifest = join(folder, 'manifest.yaml')
  // YAML takes JSON for its own
  writeFileSync(manifest, JSON.stringify({ images: listed }))
  return manifest
}

/** A qcow2 to be downloaded. */
export function makeQcow2(folder: string): Buffer {
  qemuImg('qcow2')(folder, 'web.qcow2')
  return readFileSync(join(folder, 'web.qcow2'))
}
