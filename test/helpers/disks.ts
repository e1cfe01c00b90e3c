/**
 * Tiny images of each format, built in code. Each maker gives a sound image of 1 MiB (of virtual size) and applies
 * changes to it, so that a crafted image is a sound one and the line that spoils it.
 */

/** Writes something into an image. */
export type Change = (image: Buffer) => void

export const MiB = 1024 * 1024

export const text =
  (at: number, value: string): Change =>
  image =>
    void image.write(value, at, 'latin1')
export const u8 =
  (at: number, ...values: number[]): Change =>
  image =>
    void image.set(values, at)
export const be16 =
  (at: number, value: number): Change =>
  image =>
    void image.writeUInt16BE(value, at)
export const be32 =
  (at: number, value: number): Change =>
  image =>
    void image.writeUInt32BE(value, at)
export const be64 =
  (at: number, value: number | bigint): Change =>
  image =>
    void image.writeBigUInt64BE(BigInt(value), at)
export const le16 =
  (at: number, value: number): Change =>
  image =>
    void image.writeUInt16LE(value, at)
export const le32 =
  (at: number, value: number): Change =>
  image =>
    void image.writeUInt32LE(value, at)
export const le64 =
  (at: number, value: number | bigint): Change =>
  image =>
    void image.writeBigUInt64LE(BigInt(value), at)
export const fill =
  (from: number, to: number, value = 0): Change =>
  image =>
    void image.fill(value, from, to)
/** Writes all of another image. */
export const over =
  (at: number, other: Buffer): Change =>
  image =>
    void other.copy(image, at)

/** `length` zero bytes with changes. */
export function raw(length: number, ...changes: Change[]): Buffer {
  const image = Buffer.alloc(length)
  for (const change of changes) change(image)
  return image
}

/** Version 3, an empty disk. */
export const qcow2 = (...changes: Change[]): Buffer =>
  raw(
    4 * 65536,
    text(0, 'QFI\xfb'),
    be32(4, 3),
    be32(20, 16),
    be64(24, MiB),
    be32(36, 1),
    be64(40, 0x30000),
    be64(48, 0x10000),
    be32(56, 1),
    be32(96, 4),
    be32(100, 104),
    be64(0x10000, 0x20000),
    u8(0x20001, 1),
    u8(0x20003, 1),
    u8(0x20005, 1),
    u8(0x20007, 1),
    ...changes,
  )

export const qed = (...changes: Change[]): Buffer =>
  raw(
    65536 * 5,
    text(0, 'QED\0'),
    le32(4, 65536),
    le32(8, 4),
    le32(12, 1),
    le64(40, 65536),
    le64(48, MiB),
    ...changes,
  )

const vhdFooter = (type: number): Buffer => {
  // 30 cylinders of 4 heads of 17 sectors, as programs that go by the geometry round 1 MiB; the creator goes by size.
  const footer = raw(
    512,
    text(0, 'conectix'),
    be32(8, 2),
    be32(12, 0x10000),
    be64(16, type === 2 ? -1n & 0xffffffffffffffffn : 512n),
    text(28, 'win '),
    be64(40, MiB),
    be64(48, MiB),
    be16(56, 30),
    u8(58, 4, 17),
    be32(60, type),
  )
  footer.writeUInt32BE(~footer.reduce((sum, byte) => sum + byte, 0) >>> 0, 64)
  return footer
}

/** A dynamic disk without blocks. */
export const vhd = (...changes: Change[]): Buffer => {
  const header = raw(
    1024,
    text(0, 'cxsparse'),
    be64(8, -1n & 0xffffffffffffffffn),
    be64(16, 1536),
    be32(24, 0x10000),
    be32(28, 1),
    be32(32, 2 * MiB),
  )
  header.writeUInt32BE(~header.reduce((sum, byte) => sum + byte, 0) >>> 0, 36)
  return raw(
    2560,
    over(0, vhdFooter(3)),
    over(512, header),
    fill(1536, 2048, 0xff),
    over(2048, vhdFooter(3)),
    ...changes,
  )
}

/** A fixed disk: 1 MiB of data, then the footer. */
export const vhdFixed = (...changes: Change[]): Buffer => raw(MiB + 512, over(MiB, vhdFooter(2)), ...changes)

const guid = (name: string): Buffer => {
  const hex = Buffer.from(name.replaceAll('-', ''), 'hex')
  hex.subarray(0, 4).reverse()
  hex.subarray(4, 6).reverse()
  hex.subarray(6, 8).reverse()
  return hex
}

export const GUID = {
  metadata: guid('8b7ca206-4790-4b9a-b8fe-575f050f886e'),
  blocks: guid('2dc27766-f623-4200-9d64-115e9bfd4a08'),
  size: guid('2fa54224-cd1b-4876-b211-5dbed83bf4b8'),
  parameters: guid('caa16737-fa36-4d43-b3b6-33f0aa44e76b'),
  parent: guid('a8d35f2d-b30b-454d-abf7-d3d84834ab0c'),
}
/** Where the region table and the metadata stand in `vhdx`. */
export const VHDX = { regions: 192 * 1024, metadata: 256 * 1024, items: 320 * 1024 }

/** Identifier, region table and metadata; no headers, blocks or checksums. */
export const vhdx = (...changes: Change[]): Buffer =>
  raw(
    328 * 1024,
    text(0, 'vhdxfile'),
    text(VHDX.regions, 'regi'),
    le32(VHDX.regions + 8, 2),
    over(VHDX.regions + 16, GUID.blocks),
    over(VHDX.regions + 48, GUID.metadata),
    le64(VHDX.regions + 64, VHDX.metadata),
    le32(VHDX.regions + 72, 72 * 1024),
    text(VHDX.metadata, 'metadata'),
    le16(VHDX.metadata + 10, 2),
    over(VHDX.metadata + 32, GUID.parameters),
    le32(VHDX.metadata + 48, 65536),
    le32(VHDX.metadata + 52, 8),
    over(VHDX.metadata + 64, GUID.size),
    le32(VHDX.metadata + 80, 65544),
    le32(VHDX.metadata + 84, 8),
    le32(VHDX.items, 2 * MiB),
    le64(VHDX.items + 8, MiB),
    ...changes,
  )

/** A descriptor as it stands in sound images; `lines` replace the lines that begin alike or are added. */
export function descriptor(
  kind = 'monolithicSparse',
  extent = 'RW 2048 SPARSE "disk.vmdk"',
  ...lines: string[]
): string {
  return [
    '# Disk DescriptorFile',
    'version=1',
    'CID=7e6e1c4d',
    'parentCID=ffffffff',
    `createType="${kind}"`,
    '',
    '# Extent description',
    extent,
    '',
    '# The Disk Data Base',
    '#DDB',
    '',
    'ddb.virtualHWVersion = "4"',
    'ddb.adapterType = "ide"',
    ...lines,
    '',
  ].join('\n')
}

const vmdkHeader = (...changes: Change[]): Buffer =>
  raw(
    512,
    text(0, 'KDMV'),
    le32(4, 1),
    le32(8, 3),
    le64(12, 2048),
    le64(20, 128),
    le64(28, 1),
    le64(36, 20),
    le32(44, 512),
    le64(48, 21),
    le64(56, 26),
    le64(64, 128),
    text(73, '\n \r\n'),
    ...changes,
  )

/** A sparse disk with a descriptor inside. */
export const vmdk = (words = descriptor(), ...changes: Change[]): Buffer =>
  raw(128 * 512, over(0, vmdkHeader()), text(512, words), ...changes)

/** Where the footer stands in `vmdkStream`, after a marker and before another. */
export const VMDK_FOOTER = 130 * 512

/** A streamed disk: the header points to a footer at the end. */
export const vmdkStream = (...changes: Change[]): Buffer =>
  raw(
    132 * 512,
    over(0, vmdkHeader(le32(4, 3), le32(8, 0x30001), le64(56, 0xffffffffffffffffn))),
    text(512, descriptor('streamOptimized')),
    le64(VMDK_FOOTER - 512, 1),
    le32(VMDK_FOOTER - 500, 3),
    over(VMDK_FOOTER, vmdkHeader(le32(4, 3), le32(8, 0x30001), le64(56, 26))),
    ...changes,
  )

export const vdi = (...changes: Change[]): Buffer =>
  raw(
    4096,
    text(0, '<<< Oracle VM VirtualBox Disk Image >>>\n'),
    le32(0x40, 0xbeda107f),
    le32(0x44, 0x00010001),
    le32(0x48, 400),
    le32(0x4c, 1),
    le32(0x154, 512),
    le32(0x158, 1024),
    le32(0x168, 512),
    le64(0x170, MiB),
    le32(0x178, MiB),
    le32(0x180, 1),
    le32(512, 0xffffffff),
    ...changes,
  )

/** 512 blocks of 2048 bytes, as the descriptor says; only its first 20 are there. */
export const iso = (...changes: Change[]): Buffer =>
  raw(
    40960,
    u8(32768, 1),
    text(32769, 'CD001'),
    u8(32774, 1),
    le32(32768 + 80, 512),
    be32(32768 + 84, 512),
    le16(32768 + 128, 2048),
    be16(32768 + 130, 2048),
    u8(34816, 255),
    text(34817, 'CD001'),
    u8(34822, 1),
    ...changes,
  )

/** Where partition `n`, counted from 0, is defined. */
export const partition = (n: number): number => 446 + 16 * n

/** One Linux partition. */
export const mbr = (...changes: Change[]): Buffer =>
  raw(
    MiB,
    u8(partition(0), 0x80, 0x20, 0x21, 0, 0x83, 0x3f, 0x3f, 0x3f),
    le32(partition(0) + 8, 1),
    le32(partition(0) + 12, 2047),
    u8(510, 0x55, 0xaa),
    ...changes,
  )

/** A protective partition and the beginning of a GPT. */
export const gpt = (...changes: Change[]): Buffer =>
  raw(
    MiB,
    u8(partition(0), 0, 0, 2, 0, 0xee, 0xff, 0xff, 0xff),
    le32(partition(0) + 8, 1),
    le32(partition(0) + 12, 2047),
    u8(510, 0x55, 0xaa),
    text(512, 'EFI PART'),
    ...changes,
  )

/** A FAT boot sector, which is no partition table. */
export const fat = (...changes: Change[]): Buffer =>
  raw(
    MiB,
    u8(0, 0xeb, 0x3c, 0x90),
    text(3, 'mkfs.fat'),
    u8(0x10, 2),
    u8(0x15, 0xf8),
    u8(510, 0x55, 0xaa),
    ...changes,
  )

/** 4096 sectors in all, 2048 of them payload. */
export const luks = (...changes: Change[]): Buffer =>
  raw(
    2 * MiB,
    text(0, 'LUKS\xba\xbe'),
    be16(6, 1),
    text(8, 'aes'),
    text(40, 'xts-plain64'),
    text(72, 'sha256'),
    be32(104, 2048),
    be32(108, 32),
    ...changes,
  )
