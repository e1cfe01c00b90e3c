/**
 * Images that must be refused: unsafe ones, and such as are not what they are said to be. Every way in has to refuse all
 * of them.
 */
import {
  be16,
  be32,
  be64,
  descriptor,
  fat,
  fill,
  GUID,
  gpt,
  iso,
  le16,
  le32,
  le64,
  luks,
  MiB,
  mbr,
  over,
  partition,
  qcow2,
  qed,
  raw,
  text,
  u8,
  VHDX,
  VMDK_FOOTER,
  vdi,
  vhd,
  vhdFixed,
  vhdx,
  vmdk,
  vmdkStream,
} from '../helpers/disks.js'

/** One image that is answered with 415. */
export interface Unsafe {
  name: string
  bytes(): Buffer
  disk_format: string
  container_format: string
  /** The check that the answer names. */
  check: string
  /** What Glance 33.0.0 with oslo.utils 10.2.0 answers to the upload. */
  glance: 204 | 415 | 500
  /** Why we refuse what Glance takes. */
  stricter?: string
}

type Made = [name: string, disk_format: string, check: string, bytes: () => Buffer, stricter?: string]

const ALL_ONES = 0xffffffffffffffffn
const HOST_FILE = '/etc/passwd'
const FLAT = descriptor('monolithicFlat', `RW 2048 FLAT "${HOST_FILE}" 0`)
const NAMES_FILE = [be64(8, 1024), be32(16, HOST_FILE.length), text(1024, HOST_FILE)]

/** A qcow2 header of 104 bytes, then the name of its backing file, and no more. */
const shortQcow2 = () =>
  qcow2(be64(8, 112), be32(16, HOST_FILE.length), text(112, HOST_FILE)).subarray(0, 124)
/** A descriptor that fills its sector to the last byte, so that no NUL ends it. */
const fullSector = () => `${descriptor()}#`.padEnd(511, '-').concat('\n')

const QCOW2: Made[] = [
  ['qcow2 with a backing file', 'qcow2', 'backing_file', () => qcow2(...NAMES_FILE)],
  ['qcow2 version 2 with a backing file', 'qcow2', 'backing_file', () => qcow2(be32(4, 2), ...NAMES_FILE)],
  ['qcow2 with a backing file, declared raw', 'raw', 'backing_file', () => qcow2(...NAMES_FILE)],
  ['qcow2 with a backing file, declared ami', 'ami', 'backing_file', () => qcow2(...NAMES_FILE)],
  ['qcow2 with a backing file, declared vmdk', 'vmdk', 'backing_file', () => qcow2(...NAMES_FILE)],
  ['qcow2 with a backing file name beyond its end', 'qcow2', 'backing_file', () => qcow2(be64(8, 2 ** 40))],
  [
    'qcow2 with a backing file offset of only high bits',
    'qcow2',
    'backing_file',
    () => qcow2(be64(8, 1n << 63n)),
  ],
  ['qcow2 with an external data file', 'qcow2', 'data_file', () => qcow2(be64(72, 4))],
  ['qcow2 with an external data file and dirty', 'qcow2', 'data_file', () => qcow2(be64(72, 5))],
  [
    'qcow2 with an external data file by name',
    'qcow2',
    'data_file',
    () => qcow2(be64(72, 4), be32(104, 0x44415441), be32(108, HOST_FILE.length), text(112, HOST_FILE)),
  ],
  ['qcow2 with an external data file, declared raw', 'raw', 'data_file', () => qcow2(be64(72, 4))],
  ['qcow2 version 1', 'qcow2', 'unknown_features', () => qcow2(be32(4, 1))],
  ['qcow2 version 1, declared raw', 'raw', 'unknown_features', () => qcow2(be32(4, 1))],
  ['qcow2 version 4', 'qcow2', 'unknown_features', () => qcow2(be32(4, 4))],
  ['qcow2 version 0', 'qcow2', 'unknown_features', () => qcow2(be32(4, 0))],
  ['qcow2 with extended L2 entries', 'qcow2', 'unknown_features', () => qcow2(be64(72, 16))],
  ['qcow2 with an unknown feature', 'qcow2', 'unknown_features', () => qcow2(be64(72, 32))],
  ['qcow2 with the highest unknown feature', 'qcow2', 'unknown_features', () => qcow2(be64(72, 1n << 63n))],
  ['qcow2 with an unknown feature, declared raw', 'raw', 'unknown_features', () => qcow2(be64(72, 256))],
  [
    'qcow2 of 124 bytes with a backing file, declared raw',
    'raw',
    'header',
    shortQcow2,
    'qemu opens such a file, backing file included; oslo.utils looks only at images of 512 bytes and more',
  ],
  ['qcow2 of 124 bytes with a backing file', 'qcow2', 'header', shortQcow2],
  [
    'qcow2 with a virtual size of 16 EiB',
    'qcow2',
    'virtual_size',
    () => qcow2(be64(24, ALL_ONES)),
    'no disk is as large, and numbers in JSON cannot carry it',
  ],
]

const LIES: Made[] = [
  ['raw, declared qcow2', 'qcow2', 'disk_format', () => raw(65536, text(0, 'not a qcow2'))],
  ['nothing, declared qcow2', 'qcow2', 'disk_format', () => raw(0)],
  ['nothing, declared vmdk', 'vmdk', 'disk_format', () => raw(0)],
  ['nothing, declared iso', 'iso', 'disk_format', () => raw(0)],
  ['raw, declared vmdk', 'vmdk', 'disk_format', () => raw(65536, u8(0, 1, 2, 3))],
  ['a text, declared vmdk', 'vmdk', 'disk_format', () => Buffer.from('no descriptor\n'.repeat(100))],
  ['raw, declared vhd', 'vhd', 'disk_format', () => raw(65536)],
  ['raw, declared vhdx', 'vhdx', 'disk_format', () => raw(MiB)],
  ['raw, declared vdi', 'vdi', 'disk_format', () => raw(65536)],
  ['raw, declared iso', 'iso', 'disk_format', () => raw(65536)],
  ['qcow2, declared ami', 'ami', 'disk_format', () => qcow2()],
  ['qcow2, declared ari', 'ari', 'disk_format', () => qcow2()],
  ['qcow2, declared aki', 'aki', 'disk_format', () => qcow2()],
  ['qcow2, declared ploop', 'ploop', 'disk_format', () => qcow2()],
  ['qcow2, declared vmdk', 'vmdk', 'disk_format', () => qcow2()],
  ['qcow2, declared iso', 'iso', 'disk_format', () => qcow2()],
  ['vmdk, declared qcow2', 'qcow2', 'disk_format', () => vmdk()],
  ['vhd, declared vhdx', 'vhdx', 'disk_format', () => vhd()],
  ['fixed vhd, whose mark is at its end', 'vhd', 'disk_format', () => vhdFixed()],
  ['vhdx, declared vhd', 'vhd', 'disk_format', () => vhdx()],
  ['vdi, declared qcow2', 'qcow2', 'disk_format', () => vdi()],
  ['iso, declared qcow2', 'qcow2', 'disk_format', () => iso()],
  [
    'iso with a partition table, declared vmdk',
    'vmdk',
    'disk_format',
    () => iso(over(0, mbr().subarray(0, 512))),
  ],
  ['disk with partitions, declared qcow2', 'qcow2', 'disk_format', () => mbr()],
  ['disk with a GPT, declared ploop', 'ploop', 'disk_format', () => gpt()],
  ['disk with partitions, declared aki', 'aki', 'disk_format', () => mbr()],
  ['FAT file system, declared vdi', 'vdi', 'disk_format', () => fat()],
  ['luks, declared qcow2', 'qcow2', 'disk_format', () => luks()],
  ['luks, declared ami', 'ami', 'disk_format', () => luks()],
  ['iso that ends within its descriptor', 'iso', 'disk_format', () => iso().subarray(0, 34000)],
]

const VMDK: Made[] = [
  ['vmdk descriptor alone', 'vmdk', 'descriptor', () => Buffer.from(FLAT)],
  ['vmdk descriptor alone, declared raw', 'raw', 'descriptor', () => Buffer.from(FLAT)],
  [
    'vmdk descriptor alone of over 4 KiB',
    'raw',
    'descriptor',
    () => Buffer.from(`${'#'.repeat(5000)}\n${FLAT}`),
  ],
  ['vmdk descriptor alone in capitals', 'raw', 'descriptor', () => Buffer.from(FLAT.toUpperCase())],
  [
    'vmdk descriptor alone that calls itself sparse',
    'raw',
    'descriptor',
    () => Buffer.from(descriptor()),
    'a text cannot be a sparse disk; oslo.utils goes by what it says of itself',
  ],
  [
    'vmdk descriptor alone with a comment beyond ASCII',
    'raw',
    'descriptor',
    () => Buffer.from(`# caf\xe9\n${FLAT}`, 'latin1'),
    'qemu takes any bytes in comments and opens the files that are named; to oslo.utils it is raw',
  ],
  [
    'vmdk descriptor alone with something beyond ASCII late',
    'raw',
    'descriptor',
    () => Buffer.from(`${FLAT.padEnd(600, '#')}\xe9`, 'latin1'),
    'inspection in Glance ends in an error here that is taken for "not to be inspected"',
  ],
  [
    'vmdk descriptor alone with something beyond ASCII late, declared qcow2',
    'qcow2',
    'descriptor',
    () => Buffer.from(`${FLAT.padEnd(600, '#')}\xe9`, 'latin1'),
    'inspection in Glance ends in an error here that is taken for "not to be inspected"',
  ],
  [
    'vmdk descriptor alone, padded with zeros',
    'raw',
    'descriptor',
    () => raw(65536, text(0, FLAT)),
    'qemu reads it up to the first zero; to oslo.utils it is raw',
  ],
  [
    'vmdk descriptor alone of 60 bytes',
    'raw',
    'descriptor',
    () => Buffer.from(`version=1\ncreateType="vmfs"\nRW 1 FLAT "${HOST_FILE}" 0\n`).subarray(0, 60),
    'oslo.utils looks only at images of 64 bytes and more',
  ],
  [
    'vmdk descriptor alone whose kind stands behind 100 KiB of comment',
    'raw',
    'descriptor',
    () => Buffer.from(`# Disk DescriptorFile\nversion=1\n#${'-'.repeat(100 * 1024)}\n${FLAT}`),
    'qemu reads up to 1 MiB, oslo.utils what happens to be in the first chunk',
  ],
  [
    'vmdk of the old ESX kind with a parent file',
    'raw',
    'descriptor',
    () =>
      raw(
        65536,
        text(0, 'COWD'),
        le32(4, 1),
        le32(12, 2048),
        text(512, `parentFileNameHint="${HOST_FILE}"\n`),
      ),
    'qemu opens the parent file; to oslo.utils it is raw',
  ],
  ['vmdk of a kind with other files', 'vmdk', 'descriptor', () => vmdk(FLAT)],
  ['vmdk of a kind with other files, declared raw', 'raw', 'descriptor', () => vmdk(FLAT)],
  ['vmdk in 2 GiB pieces', 'vmdk', 'descriptor', () => vmdk(descriptor('twoGbMaxExtentSparse'))],
  ['vmdk of kind vmfs', 'vmdk', 'descriptor', () => vmdk(descriptor('vmfs'))],
  ['vmdk of kind custom', 'vmdk', 'descriptor', () => vmdk(descriptor('custom'))],
  [
    'vmdk of a kind without end',
    'vmdk',
    'descriptor',
    () => vmdk(descriptor(`monolithicSparse${'x'.repeat(80)}`)),
  ],
  [
    'vmdk that does not say its kind',
    'vmdk',
    'descriptor',
    () => vmdk(descriptor().replace('createType', 'kind')),
  ],
  [
    'vmdk with an absolute path',
    'vmdk',
    'descriptor',
    () => vmdk(descriptor(undefined, `RW 1 SPARSE "${HOST_FILE}"`)),
  ],
  [
    'vmdk with a path upwards',
    'vmdk',
    'descriptor',
    () => vmdk(descriptor(undefined, 'RW 1 SPARSE "../other"')),
  ],
  [
    'vmdk with a harmless extent and one with a path',
    'vmdk',
    'descriptor',
    () => vmdk(descriptor(undefined, `RW 1 SPARSE "a.vmdk"\nRDONLY 1 FLAT "${HOST_FILE}" 0`)),
  ],
  ['vmdk without extents', 'vmdk', 'descriptor', () => vmdk(descriptor(undefined, ''))],
  [
    'vmdk with an unknown line',
    'vmdk',
    'descriptor',
    () => vmdk(descriptor(undefined, undefined, 'include file')),
  ],
  ['vmdk whose header has no descriptor', 'vmdk', 'descriptor', () => vmdk(undefined, le64(36, 0))],
  ['vmdk with an empty descriptor', 'vmdk', 'descriptor', () => vmdk('')],
  ['vmdk with a descriptor elsewhere', 'vmdk', 'descriptor', () => vmdk(undefined, le64(28, 3))],
  ['vmdk with a descriptor at 0', 'vmdk', 'descriptor', () => vmdk(undefined, le64(28, 0))],
  [
    'vmdk with a descriptor beyond ASCII',
    'vmdk',
    'descriptor',
    () => vmdk(descriptor().replace('Disk', 'D\xefsk')),
  ],
  ['vmdk that ends within its descriptor', 'vmdk', 'descriptor', () => vmdk().subarray(0, 2048)],
  [
    'vmdk whose descriptor is larger than the image',
    'vmdk',
    'descriptor',
    () => vmdk(undefined, le64(36, ALL_ONES)),
  ],
  ['vmdk of version 9', 'vmdk', 'header', () => vmdk(undefined, le32(4, 9))],
  ['vmdk of 40 bytes', 'raw', 'header', () => vmdk().subarray(0, 40)],
  [
    'vmdk without capacity',
    'vmdk',
    'header',
    () => vmdk(undefined, le64(12, 0)),
    'qemu takes it for a descriptor of other files',
  ],
  [
    'vmdk that states its kind twice',
    'vmdk',
    'descriptor',
    () =>
      vmdk(
        FLAT.replace(HOST_FILE, 'name').replace('createType', 'createtype="monolithicSparse"\ncreateType'),
      ),
    'qemu minds upper and lower case and reads the second one',
  ],
  [
    'vmdk with a parent file',
    'vmdk',
    'descriptor',
    () => vmdk(descriptor(undefined, undefined, `parentFileNameHint="${HOST_FILE}"`)),
    'qemu opens the parent file; oslo.utils does not look at it',
  ],
  [
    'vmdk with a parent file, declared raw',
    'raw',
    'descriptor',
    () => vmdk(descriptor(undefined, undefined, `parentFileNameHint="${HOST_FILE}"`)),
    'qemu opens the parent file; oslo.utils does not look at it',
  ],
  [
    'vmdk with a parent file in a comment',
    'vmdk',
    'descriptor',
    () => vmdk(descriptor(undefined, undefined, `# parentFileNameHint="${HOST_FILE}"`)),
    'qemu looks for it anywhere in the text',
  ],
  [
    'vmdk with a parent file behind the end of its descriptor',
    'vmdk',
    'descriptor',
    () => vmdk(fullSector(), le64(36, 1), text(1024, `parentFileNameHint="${HOST_FILE}"`)),
    'qemu reads 20 sectors, whatever the header says',
  ],
  ['streamed vmdk without its footer', 'vmdk', 'footer', () => vmdkStream().subarray(0, VMDK_FOOTER - 512)],
  [
    'streamed vmdk with a footer of another version',
    'vmdk',
    'footer',
    () => vmdkStream(le32(VMDK_FOOTER + 4, 1)),
  ],
  [
    'streamed vmdk whose footer has another descriptor',
    'vmdk',
    'footer',
    () => vmdkStream(le64(VMDK_FOOTER + 28, 100)),
  ],
  [
    'streamed vmdk whose footer has a longer descriptor',
    'vmdk',
    'footer',
    () => vmdkStream(le64(VMDK_FOOTER + 36, 99)),
  ],
  [
    'streamed vmdk whose footer names another',
    'vmdk',
    'footer',
    () => vmdkStream(le64(VMDK_FOOTER + 56, ALL_ONES)),
  ],
  [
    'streamed vmdk with a wrong footer marker',
    'vmdk',
    'footer',
    () => vmdkStream(le32(VMDK_FOOTER - 500, 2)),
  ],
  ['streamed vmdk with more in its marker', 'vmdk', 'footer', () => vmdkStream(u8(VMDK_FOOTER - 1, 1))],
  [
    'streamed vmdk with bytes after its end',
    'vmdk',
    'footer',
    () => vmdkStream(u8(VMDK_FOOTER + 512 + 100, 1)),
  ],
  [
    'streamed vmdk whose footer has another capacity',
    'vmdk',
    'footer',
    () => vmdkStream(le64(VMDK_FOOTER + 12, 4096)),
    'the footer is what counts for qemu: the virtual size would be a lie',
  ],
]

const OTHERS: Made[] = [
  ['qed', 'raw', 'banned', () => qed()],
  ['qed, declared qcow2', 'qcow2', 'banned', () => qed()],
  ['qed, declared ami', 'ami', 'banned', () => qed()],
  ['boot signature without partitions', 'raw', 'mbr', () => raw(MiB, u8(510, 0x55, 0xaa))],
  ['boot signature without partitions, declared ami', 'ami', 'mbr', () => raw(MiB, u8(510, 0x55, 0xaa))],
  ['partition with an invalid boot flag', 'raw', 'mbr', () => mbr(u8(partition(0), 0x7f))],
  ['empty partition with an invalid boot flag', 'raw', 'mbr', () => mbr(u8(partition(3), 0x01))],
  ['GPT with a further partition', 'raw', 'mbr', () => gpt(u8(partition(1) + 4, 0x83))],
  [
    'GPT whose protective partition is the second',
    'raw',
    'mbr',
    () =>
      gpt(fill(partition(0), partition(1)), u8(partition(1), 0, 0, 2, 0, 0xee), le32(partition(1) + 8, 1)),
  ],
  ['GPT whose protective partition starts elsewhere', 'raw', 'mbr', () => gpt(le32(partition(0) + 8, 2))],
  ['GPT whose protective partition starts at block 0', 'raw', 'mbr', () => gpt(le32(partition(0) + 8, 0))],
  ['GPT with another start address', 'raw', 'mbr', () => gpt(u8(partition(0) + 2, 1))],
  ['luks version 2', 'raw', 'version', () => luks(be16(6, 2))],
  ['luks version 0', 'raw', 'version', () => luks(be16(6, 0))],
  ['luks that ends within its header', 'raw', 'header', () => luks().subarray(0, 300)],
  [
    'luks whose payload begins behind its end',
    'raw',
    'payload_offset',
    () => luks(be32(104, 0xffffffff)),
    'there is nothing in it; Glance would compute a negative virtual size',
  ],
  ['vhd that ends within its header', 'vhd', 'header', () => vhd().subarray(0, 300)],
  ['vhd that ends within its header, declared raw', 'raw', 'header', () => vhd().subarray(0, 300)],
  [
    'vhd with a parent',
    'vhd',
    'parent',
    () => vhd(be32(60, 4)),
    'its data is in another file, as with a backing file',
  ],
  ['vhdx that ends within its header', 'vhdx', 'header', () => vhdx().subarray(0, 200 * 1024)],
  ['vhdx that ends within its header, declared raw', 'raw', 'header', () => vhdx().subarray(0, 100)],
  [
    'vhdx without a table of regions',
    'vhdx',
    'region_table',
    () => vhdx(fill(VHDX.regions, VHDX.regions + 4)),
    'nobody can open it and its virtual size cannot be known',
  ],
  [
    'vhdx without metadata',
    'vhdx',
    'region_table',
    () => vhdx(le32(VHDX.regions + 8, 1)),
    'nobody can open it and its virtual size cannot be known',
  ],
  ['vhdx whose metadata is behind its end', 'vhdx', 'metadata', () => vhdx(le64(VHDX.regions + 64, 2 ** 40))],
  ['vhdx whose metadata is before its table', 'vhdx', 'metadata', () => vhdx(le64(VHDX.regions + 64, 65536))],
  [
    'vhdx without a virtual size',
    'vhdx',
    'metadata',
    () => vhdx(le16(VHDX.metadata + 10, 1)),
    'nobody can open it and its virtual size cannot be known',
  ],
  [
    'vhdx whose virtual size is behind its end',
    'vhdx',
    'metadata',
    () => vhdx(le32(VHDX.metadata + 80, 0xfffffff0)),
  ],
  [
    'vhdx with a parent',
    'vhdx',
    'parent',
    () => vhdx(le32(VHDX.items + 4, 2)),
    'its data is in another file, as with a backing file',
  ],
  [
    'vhdx with the name of a parent',
    'vhdx',
    'parent',
    () => vhdx(le16(VHDX.metadata + 10, 3), over(VHDX.metadata + 96, GUID.parent)),
    'its data is in another file, as with a backing file',
  ],
]

const MIXED: Made[] = [
  ['qcow2 and iso', 'qcow2', 'ambiguous', () => iso(over(0, qcow2().subarray(0, 512)))],
  ['qcow2 and iso, declared iso', 'iso', 'ambiguous', () => iso(over(0, qcow2().subarray(0, 512)))],
  ['qcow2 and iso, declared raw', 'raw', 'ambiguous', () => iso(over(0, qcow2().subarray(0, 512)))],
  ['qcow2 and partitions', 'qcow2', 'ambiguous', () => qcow2(over(446, mbr().subarray(446, 512)))],
  [
    'qcow2 and partitions, declared raw',
    'raw',
    'ambiguous',
    () => qcow2(over(446, mbr().subarray(446, 512))),
  ],
  ['qcow2 and vdi', 'qcow2', 'ambiguous', () => qcow2(le32(0x40, 0xbeda107f))],
  ['vdi and iso', 'vdi', 'ambiguous', () => iso(over(0, vdi().subarray(0, 512)))],
  ['vdi and partitions', 'vdi', 'ambiguous', () => vdi(over(446, mbr().subarray(446, 512)))],
  ['vhd and iso', 'iso', 'ambiguous', () => iso(over(0, vhd().subarray(0, 2560)))],
  ['vhd and partitions', 'vhd', 'ambiguous', () => vhd(over(446, mbr().subarray(446, 512)))],
  ['vhdx and iso', 'vhdx', 'ambiguous', () => vhdx(over(32768, iso().subarray(32768, 36864)))],
  ['vmdk and iso', 'vmdk', 'ambiguous', () => vmdk(undefined, over(32768, iso().subarray(32768, 36864)))],
  ['luks and iso', 'iso', 'ambiguous', () => luks(over(32768, iso().subarray(32768, 36864)))],
  [
    'iso, partitions and vdi',
    'iso',
    'ambiguous',
    () => iso(over(0, mbr().subarray(0, 512)), le32(0x40, 0xbeda107f)),
  ],
  ['qed and iso', 'iso', 'banned', () => iso(over(0, qed().subarray(0, 512)))],
  [
    'vmdk descriptor in front of an iso',
    'iso',
    'descriptor',
    () => iso(text(0, FLAT.padEnd(32768, '#').replace(/\n(#*)$/, '\n$1'))),
  ],
]

/** Sizes that do not fit its database are an internal error to Glance. */
const BREAKS_GLANCE = ['qcow2 with a virtual size of 16 EiB']

/** The table. Glance's answers were recorded by uploading each of them. */
export const unsafe: Unsafe[] = [...QCOW2, ...LIES, ...VMDK, ...OTHERS, ...MIXED].map(
  ([name, disk_format, check, bytes, stricter]) => ({
    name,
    bytes,
    disk_format,
    container_format: 'bare',
    check,
    glance: BREAKS_GLANCE.includes(name) ? 500 : stricter === undefined ? 415 : 204,
    stricter,
  }),
)
