/** Uploads and staged bytes whose digest was told before. */
import { createHash, randomBytes } from 'node:crypto'
import { readdirSync } from 'node:fs'
import { Readable } from 'node:stream'
import t, { type Test } from 'tap'
import { alice, startApp, type TestApp } from '../helpers/app.js'
import { settled, startWorker } from '../helpers/tasks.js'

t.setTimeout(120_000)
const bytes = randomBytes(3_000_001)
const digest = (name: string, encoding: 'hex' | 'base64') => createHash(name).update(bytes).digest(encoding)
const right = {
  own: { 'x-openstack-image-hash': `sha256:${digest('sha256', 'hex')}` },
  'own with sha512': { 'x-openstack-image-hash': `sha512:${digest('sha512', 'hex')}` },
  standard: { 'repr-digest': `md5=:AAAA:, sha-256=:${digest('sha256', 'base64')}:` },
  'two of the standard': {
    'repr-digest': `sha-256=:${digest('sha256', 'base64')}:, sha-512=:${digest('sha512', 'base64')}:`,
  },
}
const zeros = { sha256: Buffer.alloc(32), sha512: Buffer.alloc(64) }
const wrong = {
  own: { 'x-openstack-image-hash': `sha256:${zeros.sha256.toString('hex')}` },
  standard: { 'repr-digest': `sha-512=:${zeros.sha512.toString('base64')}:` },
  'one of two': {
    'repr-digest': `sha-256=:${digest('sha256', 'base64')}:, sha-512=:${zeros.sha512.toString('base64')}:`,
  },
}
const malformed = {
  own: { 'x-openstack-image-hash': 'sha256:short' },
  standard: { 'repr-digest': 'sha-256=:short:' },
}
const octets = { 'content-type': 'application/octet-stream' }

async function nothingKept(t: Test, running: TestApp): Promise<void> {
  t.strictSame(readdirSync(running.folders.fast), [])
  t.strictSame(await running.deps.db.selectFrom('blobs').select('state').execute(), [])
  t.equal(running.deps.hashes.active, 0)
}

for (const where of ['file', 'stage']) {
  t.test(`PUT /${where} takes bytes that have their checksum, and keeps nothing of others`, async t => {
    const running = await startApp(t)
    const me = running.as(alice)
    const put = (id: string, headers: object, body: Uint8Array | Readable = bytes) =>
      me.send('PUT', `/v2/images/${id}/${where}`, { ...octets, ...headers }, body)
    const { id } = await me.create()
    for (const [name, headers] of Object.entries(malformed)) {
      t.equal((await put(id, headers)).status, 400, `malformed: ${name}`)
    }
    for (const [name, headers] of Object.entries(wrong)) {
      const answer = await put(id, headers)
      t.equal(answer.status, 400, name)
      t.match(answer.text, /do not have the expected checksum/)
      t.match(await me.show(id), { status: 'queued', size: null, checksum: null })
      await nothingKept(t, running)
    }
    t.equal((await put(id, right.own, Readable.from([bytes.subarray(1)]))).status, 400, 'chunked')
    t.equal((await put(id, right.own)).status, 204, 'the image can still take the right ones')
    for (const [name, headers] of Object.entries(right)) {
      const { id } = await me.create()
      t.equal((await put(id, headers)).status, 204, name)
      if (where === 'file') {
        t.match(await me.show(id), {
          status: 'active',
          checksum: digest('md5', 'hex'),
          os_hash_algo: 'sha512',
          os_hash_value: digest('sha512', 'hex'),
        })
      }
    }
  })
}

t.test('what was staged with a checksum is imported, adopted and copied', async t => {
  const running = await startApp(t)
  await startWorker(t, running)
  const me = running.as(alice)
  const { id } = await me.create()
  t.equal((await me.send('PUT', `/v2/images/${id}/stage`, { ...octets, ...right.own }, bytes)).status, 204)
  const asked = await me.post(`/v2/images/${id}/import`, {
    method: { name: 'glance-direct' },
    stores: ['fast', 'cheap'],
  })
  t.equal(asked.status, 202)
  t.match(await settled(running, id), { status: 'active', stores: 'fast,cheap' })
})

t.test('staged bytes that changed in their store are not imported', async t => {
  const running = await startApp(t)
  await startWorker(t, running)
  const me = running.as(alice)
  const { id } = await me.create()
  t.equal((await me.send('PUT', `/v2/images/${id}/stage`, octets, bytes)).status, 204)
  await running.deps.db
    .updateTable('staged')
    .set({ os_hash_value: '0'.repeat(128) })
    .execute()
  await me.post(`/v2/images/${id}/import`, { method: { name: 'glance-direct' }, stores: ['cheap'] })
  t.match(await settled(running, id), { status: 'queued' })
  t.strictSame(readdirSync(running.folders.cheap), [])
})

t.test('a form’s file is held against its checksum, too', async t => {
  const running = await startApp(t)
  const me = running.as(alice)
  const form = (id: string, headers: object) => {
    const body = Buffer.concat([
      Buffer.from(
        '--x\r\nContent-Disposition: form-data; name="file"; filename="disk.raw"\r\n' +
          'Content-Type: application/octet-stream\r\n\r\n',
      ),
      bytes,
      Buffer.from('\r\n--x--\r\n'),
    ])
    return me.send(
      'POST',
      `/v2/images/${id}/file`,
      { 'content-type': 'multipart/form-data; boundary=x', ...headers },
      body,
    )
  }
  const { id } = await me.create()
  t.equal((await form(id, wrong.own)).status, 400)
  t.equal((await me.show(id)).status, 'queued')
  await nothingKept(t, running)
  t.equal((await form(id, right.standard)).status, 204)
})
