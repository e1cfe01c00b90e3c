/**
 * Images made by a real qemu-img in every format and subformat: what we say of them must be what `qemu-img info` says,
 * and Glance's rules must let through the sound ones and stop the others by the right check.
 */
import { closeSync, openSync, readSync, statSync, truncateSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { type Facts, inspect, judge } from '../../src/formats/index.js'
import * as disks from '../helpers/disks.js'
import { be64, over } from '../helpers/disks.js'
import { needs, runTool } from '../helpers/tools.js'

const skip = needs('qemu-img')
t.setTimeout(120_000)

const SECRET = ['--object', 'secret,id=key,data=correct-horse']
const CHUNK = Buffer.alloc(1024 * 1024)

/** Runs qemu-img; on a busy machine it sometimes cannot measure its own speed, which it does for encryption. */
function qemuImg(cwd: string, ...args: string[]): string {
  for (let tries = 1; ; tries++) {
    try {
      return runTool('qemu-img', args, { cwd })
    } catch (error) {
      if (tries === 20 || !/accurate CPU usage/.test((error as Error).message)) throw error
    }
  }
}

function inspectFile(path: string): Facts {
  const inspection = inspect()
  const file = openSync(path, 'r')
  for (let read = readSync(file, CHUNK); read > 0; read = readSync(file, CHUNK))
    inspection.eat(CHUNK.subarray(0, read))
  closeSync(file)
  return inspection.finish()
}

/** qemu's name of a format, where it is not Glance's. */
const GLANCE_NAME: Record<string, string> = { vpc: 'vhd', qcow: 'qcow2' }

/** Compares with `qemu-img info`, then asks for a verdict as an image of `declared`. */
function compare(
  t: Test,
  path: string,
  name: string,
  expected: { detected?: string[]; declared?: string; check?: string },
) {
  const info = JSON.parse(runTool('qemu-img', ['info', '--output=json', path]))
  const facts = inspectFile(path)
  const detected = expected.detected ?? [GLANCE_NAME[info.format] ?? info.format]
  t.same(facts.detected, detected, `${name}: format`)
  t.equal(facts.virtual_size, info['virtual-size'], `${name}: virtual size`)

  const declared = {
    disk_format: expected.declared ?? detected[0]!,
    container_format: 'bare',
    size: statSync(path).size,
  }
  if (expected.check === undefined) {
    const virtual_size = declared.disk_format === 'raw' ? declared.size : facts.virtual_size
    t.same(judge(facts, declared), { virtual_size }, `${name}: accepted`)
  } else {
    t.throws(
      () => judge(facts, declared),
      new RegExp(expected.check),
      `${name}: refused by ${expected.check}`,
    )
  }
}

/** Formats and options, and the check that refuses the image where one does. */
const MADE: [format: string, options: string, check?: string][] = [
  ['qcow2', ''],
  ['qcow2', 'compat=0.10'],
  ['qcow2', 'compat=1.1'],
  ['qcow2', 'cluster_size=512'],
  ['qcow2', 'cluster_size=4k'],
  ['qcow2', 'cluster_size=2M'],
  ['qcow2', 'compat=0.10,cluster_size=512'],
  ['qcow2', 'lazy_refcounts=on'],
  ['qcow2', 'refcount_bits=1'],
  ['qcow2', 'refcount_bits=64'],
  ['qcow2', 'preallocation=metadata'],
  ['qcow2', 'preallocation=falloc'],
  ['qcow2', 'preallocation=full'],
  ['qcow2', 'compression_type=zstd'],
  ['qcow2', 'extended_l2=on', 'unknown_features'],
  ['qcow2', 'data_file=apart.raw', 'data_file'],
  ['qcow2', 'data_file=apart.raw,data_file_raw=on', 'data_file'],
  ['qcow2', 'encrypt.format=luks,encrypt.key-secret=key,encrypt.iter-time=10'],
  ['qcow', '', 'unknown_features'],
  ['vmdk', ''],
  ['vmdk', 'subformat=monolithicSparse'],
  ['vmdk', 'subformat=monolithicSparse,compat6=on'],
  ['vmdk', 'subformat=monolithicSparse,zeroed_grain=on'],
  ['vmdk', 'subformat=monolithicSparse,adapter_type=lsilogic,hwversion=17'],
  ['vmdk', 'subformat=streamOptimized'],
  ['vmdk', 'subformat=streamOptimized,adapter_type=lsilogic'],
  ['vmdk', 'subformat=monolithicFlat', 'descriptor'],
  ['vmdk', 'subformat=twoGbMaxExtentFlat', 'descriptor'],
  ['vmdk', 'subformat=twoGbMaxExtentSparse', 'descriptor'],
  ['vpc', ''],
  ['vpc', 'subformat=dynamic'],
  ['vpc', 'subformat=dynamic,force_size=on'],
  ['vhdx', ''],
  ['vhdx', 'subformat=dynamic,block_size=1M,log_size=2M'],
  ['vhdx', 'subformat=dynamic,block_state_zero=off'],
  ['vhdx', 'subformat=fixed'],
  ['vdi', ''],
  ['vdi', 'static=on'],
  ['qed', '', 'banned'],
  ['qed', 'cluster_size=128k,table_size=2', 'banned'],
  ['luks', 'key-secret=key,iter-time=10'],
  ['luks', 'key-secret=key,iter-time=10,cipher-alg=serpent-256,cipher-mode=cbc,ivgen-alg=plain64'],
  ['raw', ''],
  ['raw', 'preallocation=full'],
]

const slug = (format: string, options: string) => `${format}-${options}`.replace(/[^\w.-]+/g, '_')

t.test('disks that qemu-img creates', { skip }, async t => {
  const dir = t.testdir()
  for (const [format, options, check] of MADE) {
    // Encryption takes qemu-img two seconds each.
    for (const size of options.includes('key-secret') ? ['5M'] : ['1M', '5M', '10737664']) {
      const name = `${slug(format, options)}-${size}`
      qemuImg(dir, 'create', '-q', ...SECRET, '-f', format, ...(options ? ['-o', options] : []), name, size)
      compare(t, join(dir, name), name, { check })
    }
  }
})

t.test('disks that qemu-img converts from one with data', { skip }, async t => {
  const dir = t.testdir()
  const source = Buffer.alloc(6 * 1024 * 1024)
  for (let at = 0; at < source.length; at += 96 * 1024) source.fill(`block ${at}`, at, at + 40_000)
  writeFileSync(join(dir, 'source'), source)
  for (const [format, options, check] of MADE) {
    const name = slug(format, options)
    const flags = options ? ['-o', options] : []
    // An external data file would have to be there before.
    if (/data_file|encrypt|serpent/.test(options)) continue
    qemuImg(dir, 'convert', ...SECRET, '-f', 'raw', '-O', format, ...flags, 'source', name)
    compare(t, join(dir, name), `converted ${name}`, { check })
  }
  qemuImg(dir, 'convert', '-c', '-f', 'raw', '-O', 'qcow2', 'source', 'compressed.qcow2')
  compare(t, join(dir, 'compressed.qcow2'), 'compressed qcow2', {})
})

t.test('large disks', { skip }, async t => {
  const dir = t.testdir()
  const LARGE: [string, string, string][] = [
    ['qcow2', '', '7T'],
    ['qcow2', 'cluster_size=2M', '1024T'],
    ['vmdk', '', '1T'],
    ['vmdk', 'subformat=streamOptimized', '200G'],
    ['vpc', '', '100G'],
    ['vpc', '', '2040G'],
    ['vpc', 'force_size=on', '2040G'],
    ['vhdx', '', '60T'],
    ['vdi', '', '2T'],
  ]
  for (const [format, options, size] of LARGE) {
    const name = slug(format, `${options}-${size}`)
    qemuImg(dir, 'create', '-q', '-f', format, ...(options ? ['-o', options] : []), name, size)
    compare(t, join(dir, name), name, {})
  }
})

t.test('split vmdks are refused, the descriptor and each of its files', { skip }, async t => {
  const dir = t.testdir()
  qemuImg(dir, 'create', '-q', '-f', 'vmdk', '-o', 'subformat=twoGbMaxExtentSparse', 'split.vmdk', '5G')
  compare(t, join(dir, 'split.vmdk'), 'descriptor of three', { check: 'descriptor' })
  // One of its files is nothing that qemu would open.
  const part = inspectFile(join(dir, 'split-s002.vmdk'))
  t.match(part, { detected: ['vmdk'], faults: [{ check: 'descriptor' }] }, 'second of three')
  qemuImg(dir, 'create', '-q', '-f', 'vmdk', '-o', 'subformat=monolithicFlat', 'flat.vmdk', '3M')
  compare(t, join(dir, 'flat.vmdk'), 'descriptor of a flat one', { check: 'descriptor' })
  compare(t, join(dir, 'flat-flat.vmdk'), 'the flat one', { detected: ['raw'] })
})

t.test('backing files are refused', { skip }, async t => {
  const dir = t.testdir()
  for (const [format, options, check] of [
    ['qcow2', 'compat=1.1', 'backing_file'],
    ['qcow2', 'compat=0.10', 'backing_file'],
    ['qcow', '', 'backing_file'],
    ['vmdk', '', 'descriptor'],
    ['vmdk', 'subformat=streamOptimized', 'descriptor'],
    ['qed', '', 'banned'],
  ] as const) {
    const base = `base-${slug(format, options)}`
    const name = `over-${slug(format, options)}`
    const flags = options ? ['-o', options] : []
    qemuImg(dir, 'create', '-q', '-f', format, base, '2M')
    qemuImg(dir, 'create', '-q', '-f', format, ...flags, '-b', base, '-F', format, name)
    compare(t, join(dir, name), name, { check })
    compare(t, join(dir, name), `${name} declared raw`, { check, declared: 'raw' })
  }
})

t.test('snapshots, bitmaps and other sizes later do no harm', { skip }, async t => {
  const dir = t.testdir()
  qemuImg(dir, 'create', '-q', '-f', 'qcow2', 'disk.qcow2', '3M')
  qemuImg(dir, 'snapshot', '-c', 'before', 'disk.qcow2')
  qemuImg(dir, 'bitmap', '--add', 'disk.qcow2', 'changes')
  compare(t, join(dir, 'disk.qcow2'), 'qcow2 with snapshot and bitmap', {})
  for (const format of ['qcow2', 'raw']) {
    qemuImg(dir, 'create', '-q', '-f', format, `grown.${format}`, '1M')
    qemuImg(dir, 'resize', '-q', '-f', format, `grown.${format}`, '9M')
    compare(t, join(dir, `grown.${format}`), `grown ${format}`, {})
  }
})

t.test('what has no mark at its beginning is raw', { skip }, async t => {
  const dir = t.testdir()
  for (const options of ['subformat=fixed', 'subformat=fixed,force_size=on']) {
    qemuImg(dir, 'create', '-q', '-f', 'vpc', '-o', options, 'fixed.vhd', '3M')
    compare(t, join(dir, 'fixed.vhd'), options, { detected: ['raw'] })
    compare(t, join(dir, 'fixed.vhd'), `${options} declared vhd`, {
      detected: ['raw'],
      declared: 'vhd',
      check: 'disk_format',
    })
  }
  // Glance's ploop: there is no telling what it is, nor how large.
  qemuImg(dir, 'create', '-q', '-f', 'parallels', 'disk.ploop', '4M')
  const facts = inspectFile(join(dir, 'disk.ploop'))
  t.same(facts.detected, ['raw'])
  t.same(judge(facts, { disk_format: 'ploop', container_format: 'bare', size: 1 }), { virtual_size: null })
})

t.test('the images that are built in code are what they are said to be', { skip }, async t => {
  const dir = t.testdir()
  // Without vhdx and luks: qemu insists on checksums and key slots.
  const { qcow2, vhd, vmdk, vmdkStream, vdi, qed, fat } = disks
  for (const [format, make] of Object.entries({ qcow2, vhd, vmdk, vmdkStream, vdi, qed, fat })) {
    const path = join(dir, format)
    writeFileSync(path, make())
    compare(t, path, format, format === 'qed' ? { check: 'banned' } : {})
  }
  const path = join(dir, 'backing')
  writeFileSync(join(dir, 'other'), 'host')
  const name = join(dir, 'other')
  writeFileSync(path, disks.qcow2(be64(8, 2000), disks.be32(16, name.length), disks.text(2000, name)))
  compare(t, path, 'qcow2 with a backing file', { check: 'backing_file' })
})

/** Volume size as the tool of another author reads it. */
function isoBytes(path: string): number {
  const info = runTool('isoinfo', ['-d', '-i', path])
  const size = /Volume size is: (\d+)/.exec(info)
  const block = /Logical block size is: (\d+)/.exec(info)
  return Number(size![1]) * Number(block![1])
}

t.test('ISO images', { skip: needs('xorriso') || needs('genisoimage') || needs('isoinfo') }, async t => {
  const dir = t.testdir({ tree: { 'hello.txt': 'hello', boot: { 'boot.img': 'x'.repeat(4096) } } })
  const tree = join(dir, 'tree')
  writeFileSync(join(dir, 'efi.img'), Buffer.alloc(64 * 1024))
  const MAKERS: [name: string, detected: string[], program: string, args: string[]][] = [
    ['plain', ['iso'], 'genisoimage', ['-quiet', '-o']],
    ['joliet', ['iso'], 'genisoimage', ['-quiet', '-J', '-R', '-o']],
    ['udf', ['iso'], 'genisoimage', ['-quiet', '-udf', '-o']],
    ['cloud-init', ['iso'], 'genisoimage', ['-quiet', '-V', 'cidata', '-J', '-r', '-o']],
    ['el-torito', ['iso'], 'genisoimage', ['-quiet', '-b', 'boot/boot.img', '-no-emul-boot', '-o']],
    ['xorriso', ['iso'], 'xorriso', ['-as', 'mkisofs', '-quiet', '-o']],
    ['with an MBR', ['iso', 'gpt'], 'xorriso', ['-as', 'mkisofs', '-quiet', '-partition_offset', '16', '-o']],
    [
      'with a GPT',
      ['iso', 'gpt'],
      'xorriso',
      [
        '-as',
        'mkisofs',
        '-quiet',
        '-append_partition',
        '2',
        '0xef',
        join(dir, 'efi.img'),
        '-appended_part_as_gpt',
        '-o',
      ],
    ],
  ]
  for (const [name, detected, program, args] of MAKERS) {
    const path = join(dir, `${name}.iso`)
    runTool(program, [...args, path, tree])
    const facts = inspectFile(path)
    t.same(facts.detected, detected, `${name}: formats`)
    t.equal(facts.virtual_size, isoBytes(path), `${name}: volume size`)
    const declared = { disk_format: 'iso', container_format: 'bare', size: statSync(path).size }
    t.same(judge(facts, declared), { virtual_size: facts.virtual_size }, `${name}: accepted`)
    if (skip) continue
    const info = JSON.parse(qemuImg(dir, 'info', '--output=json', path))
    t.equal(info.format, 'raw', `${name}: qemu knows no ISO`)
    t.ok(facts.virtual_size! <= info['virtual-size'], `${name}: the volume is within the file`)
  }
})

t.test('disks with partitions', { skip: skip || needs('sfdisk') || needs('parted') }, async t => {
  const dir = t.testdir()
  const path = join(dir, 'disk')
  const fresh = () => {
    writeFileSync(path, '')
    truncateSync(path, 16 * 1024 * 1024)
  }
  const SCRIPTS: [name: string, script: string][] = [
    ['MBR with one', 'label: dos\n,,L,*\n'],
    ['MBR with four', 'label: dos\n,1M\n,1M\n,1M\n,1M\n'],
    ['MBR with logical ones', 'label: dos\n,2M\n,,E\n,1M\n,1M\n'],
    ['GPT', 'label: gpt\n,1M,U\n,,L\n'],
  ]
  for (const [name, script] of SCRIPTS) {
    fresh()
    runTool('sfdisk', ['-q', path], { input: script })
    compare(t, path, name, { detected: ['gpt'] })
    compare(t, path, `${name} declared raw`, { detected: ['gpt'], declared: 'raw' })
  }
  fresh()
  runTool('parted', ['-s', path, 'mklabel', 'gpt', 'mkpart', 'data', '1MiB', '100%'])
  compare(t, path, 'GPT by parted', { detected: ['gpt'] })
  fresh()
  runTool('parted', ['-s', path, 'mklabel', 'msdos', 'mkpart', 'primary', '1MiB', '100%'])
  compare(t, path, 'MBR by parted', { detected: ['gpt'] })
  fresh()
  runTool('sfdisk', ['-q', path], { input: 'label: dos\n' })
  compare(t, path, 'MBR without partitions', { detected: ['gpt'], declared: 'raw', check: 'mbr' })

  // The same inside of formats is nobody's business.
  runTool('sfdisk', ['-q', path], { input: 'label: gpt\n,1M,U\n' })
  qemuImg(dir, 'convert', '-f', 'raw', '-O', 'qcow2', path, 'disk.qcow2')
  compare(t, join(dir, 'disk.qcow2'), 'qcow2 of a disk with a GPT', {})
  // Fixed vhd of it: a mark at its end, partitions at its beginning.
  qemuImg(dir, 'convert', '-f', 'raw', '-O', 'vpc', '-o', 'subformat=fixed', path, 'disk.vhd')
  compare(t, join(dir, 'disk.vhd'), 'fixed vhd of a disk with a GPT', { detected: ['gpt'] })
  // Two formats at once.
  const both = disks.qcow2(over(446, disks.mbr().subarray(446, 512)))
  writeFileSync(path, both)
  t.equal(inspectFile(path).format, null)
})
