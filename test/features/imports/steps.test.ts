import { execFileSync } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { gzipSync } from 'node:zlib'
import t, { type Test } from 'tap'
import { features } from '../../../src/app.js'
import { loadConfig } from '../../../src/config/load.js'
import type { Config } from '../../../src/config/schema.js'
import type { Source } from '../../../src/features/imports/methods/index.js'
import { applySteps } from '../../../src/features/imports/steps/index.js'
import { findUnscoped } from '../../../src/images/repository.js'
import { startTasks } from '../../../src/tasks.js'
import { admin, alice, startApp, type TestApp } from '../../helpers/app.js'
import { gpt } from '../../helpers/disks.js'
import { until } from '../../helpers/server-process.js'
import { needs } from '../../helpers/tools.js'

const octets = { 'content-type': 'application/octet-stream' }
const raw = Buffer.alloc(3 * 2 ** 20, 'vitrine')

async function app(t: Test, overrides: Partial<Config>) {
  const running = await startApp(t, overrides)
  const worker = await startTasks(running.deps, features)
  t.teardown(() => worker.close())
  return running
}

/** Stages bytes, imports them and gives the image when the import has ended. */
async function imported(running: TestApp, bytes: Uint8Array, attributes = {}, who = alice) {
  const me = running.as(who)
  const { id } = await me.create(attributes)
  await me.send('PUT', `/v2/images/${id}/stage`, octets, Buffer.from(bytes))
  const asked = await me.post(`/v2/images/${id}/import`, {
    method: { name: 'glance-direct' },
    stores: ['fast', 'cheap'],
  })
  if (asked.status !== 202) throw new Error(asked.text)
  for (let n = 0; n < 600; n++) {
    const image = await me.show(id)
    if (image.os_glance_import_task === undefined && image.status !== 'importing') return image
    await new Promise(resolve => setTimeout(resolve, 50))
  }
  throw new Error('the import did not end')
}

t.test('compressed bytes are unpacked, and nothing is left of the way there', async t => {
  const running = await app(t, { import_decompress: true })
  const image = await imported(running, gzipSync(raw))
  t.match(image, { status: 'active', size: raw.length, stores: 'fast,cheap' })
  t.ok((await running.as(alice).download(image.id)).bytes.equals(raw))
  t.strictSame(readdirSync(join(running.deps.config.data_dir, 'staging')), [])
  t.equal(readdirSync(running.folders.fast).length, 1, 'the staged bytes are gone')
  t.match(
    await imported(running, raw),
    { status: 'active', size: raw.length },
    'plain bytes stay as they are',
  )
  const packed = gzipSync(raw)
  t.match(
    await imported(running, packed, { container_format: 'compressed' }),
    { size: packed.length },
    'what is declared as compressed stays so',
  )
  const damaged = gzipSync(raw)
  damaged.fill(0, 20, 200)
  t.match(await imported(running, damaged), { status: 'queued' })
})

t.test('a source learns of the copies of what was made of its bytes', async t => {
  const running = await app(t, { import_decompress: true })
  const { id } = await running.as(alice).create()
  const image = await findUnscoped(running.deps.db, id)
  const copies: unknown[] = []
  const source: Source = {
    size: undefined,
    open: async () => Readable.from([gzipSync(raw)]),
    adopted: () => undefined,
    copied: blob => void copies.push(blob),
    [Symbol.asyncDispose]: async () => undefined,
  }
  await using prepared = await applySteps(
    running.deps,
    image!,
    randomUUID(),
    source,
    new AbortController().signal,
  )
  t.equal(prepared.size, raw.length)
  prepared.copied?.({ store: 'fast', key: 'copy' })
  t.strictSame(copies, [{ store: 'fast', key: 'copy' }])
})

t.test('a bomb ends at the size of the largest image', async t => {
  const running = await app(t, { import_decompress: true, max_image_size: 2 ** 20 })
  const image = await imported(running, gzipSync(Buffer.alloc(64 * 2 ** 20)))
  t.match(image, { status: 'queued', os_glance_failed_import: 'cheap,fast' })
  const { json } = await running.as(alice).get(`/v2/images/${image.id}/tasks`)
  t.match(json.tasks[0].message, /1048576 bytes/)
})

t.test('a zip with one member is unpacked', { skip: needs('zip') }, async t => {
  const folder = mkdtempSync(join(tmpdir(), 'vitrine-zip-'))
  t.teardown(() => rmSync(folder, { recursive: true, force: true }))
  execFileSync('zip', ['-q', 'one.zip', '-'], { cwd: folder, input: raw })
  const running = await app(t, { import_decompress: true })
  t.match(await imported(running, readFileSync(join(folder, 'one.zip'))), {
    status: 'active',
    size: raw.length,
  })
})

t.test('a zip that is not as it says is told to be damaged', { skip: needs('zip') }, async t => {
  const folder = mkdtempSync(join(tmpdir(), 'vitrine-zip-'))
  t.teardown(() => rmSync(folder, { recursive: true, force: true }))
  writeFileSync(join(folder, 'member'), raw)
  writeFileSync(join(folder, 'other'), raw)
  execFileSync('zip', ['-q', 'one.zip', 'member'], { cwd: folder })
  execFileSync('zip', ['-q', 'two.zip', 'member', 'other'], { cwd: folder })
  const sound = readFileSync(join(folder, 'one.zip'))
  const entry = sound.lastIndexOf('PK\x01\x02')
  /** The zip with a number changed in its list of members. */
  const changed = (at: number, value: number) => {
    const zip = Buffer.from(sound)
    zip.writeUInt16LE(value, entry + at)
    return zip
  }
  const running = await app(t, { import_decompress: true })
  const zips: [what: string, zip: Buffer, message: RegExp][] = [
    ['more than it says', changed(24, 5), /damaged/],
    ['less than it says', changed(26, 0x7f), /damaged/],
    ['an unknown method', changed(10, 99), /damaged/],
    ['encrypted', changed(8, 1), /damaged/],
    ['cut off', sound.subarray(0, -30), /damaged/],
    ['two members', readFileSync(join(folder, 'two.zip')), /exactly one member/],
  ]
  for (const [what, zip, message] of zips) {
    const image = await imported(running, zip)
    t.equal(image.status, 'queued', what)
    const { json } = await running.as(alice).get(`/v2/images/${image.id}/tasks`)
    t.match(json.tasks[0].message, message, what)
  }
})

t.test('images are converted to the operator’s format', { skip: needs('qemu-img') }, async t => {
  const folder = mkdtempSync(join(tmpdir(), 'vitrine-convert-'))
  t.teardown(() => rmSync(folder, { recursive: true, force: true }))
  const qcow2 = join(folder, 'disk.qcow2')
  execFileSync('qemu-img', ['create', '-q', '-f', 'qcow2', qcow2, '8M'])
  const running = await app(t, { import_convert_to: 'raw' })
  const image = await imported(running, readFileSync(qcow2), { disk_format: 'qcow2' })
  t.match(image, { status: 'active', disk_format: 'raw', size: 8 * 2 ** 20, virtual_size: 8 * 2 ** 20 })
  t.match(
    await imported(running, raw, { disk_format: 'qcow2' }),
    { status: 'queued', disk_format: 'qcow2' },
    'what is not what it says is refused, and keeps its format',
  )
})

t.test(
  'a disk that is declared by its partition table is a raw one',
  { skip: needs('qemu-img') },
  async t => {
    const disk = gpt()
    const formats = [...loadConfig({}).disk_formats, 'gpt']
    const running = await app(t, { import_convert_to: 'raw', disk_formats: formats })
    t.match(await imported(running, disk, { disk_format: 'gpt' }), {
      status: 'active',
      disk_format: 'raw',
      size: disk.length,
    })
    t.match(await imported(running, raw, { disk_format: 'gpt' }), { status: 'queued', disk_format: 'gpt' })
  },
)

t.test(
  'a converted import that one store breaks names them all as failed',
  { skip: needs('qemu-img') },
  async t => {
    const running = await app(t, { import_convert_to: 'raw' })
    rmSync(running.folders.cheap, { recursive: true })
    writeFileSync(running.folders.cheap, 'no folder')
    t.match(await imported(running, raw), { status: 'queued', os_glance_failed_import: 'cheap,fast' })
    // what was written goes after the image is queued again
    await until(async () => readdirSync(running.folders.fast).length === 0)
  },
)

t.test('the operator’s properties come with an import, but not with an admin’s', async t => {
  const running = await app(t, { import_inject: ['os_distro=debian', 'os_glance_x=no'] })
  t.match(await imported(running, raw), { os_distro: 'debian', os_glance_x: undefined })
  t.match(await imported(running, raw, {}, admin), { os_distro: undefined })
})

t.test('the operator’s properties are held to known values together with the image’s own', async t => {
  const running = await app(t, { strict_properties: true, import_inject: ['os_distro=debian'] })
  t.match(await imported(running, raw, { os_version: '12' }), { status: 'active', os_distro: 'debian' })
  const image = await imported(running, raw, { os_distro: 'ubuntu', os_version: '22.04' })
  t.match(image, { status: 'queued', os_distro: 'ubuntu' })
  const { json } = await running.as(alice).get(`/v2/images/${image.id}/tasks`)
  t.match(json.tasks[0].message, /os_version of debian/)
})
