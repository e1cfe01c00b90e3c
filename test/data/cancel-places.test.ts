/** Cancelling from another server, with S3 as the store, and from beyond the recycle bin. */
import t from 'tap'
import { reap } from '../../src/data/reap.js'
import { admin, alice, startApp, type TestApp } from '../helpers/app.js'
import { files, ledger, until } from '../helpers/left.js'
import { missingS3, openS3 } from '../helpers/minio.js'
import { startReplica } from '../helpers/replica.js'
import { newBucket } from '../helpers/s3-stores.js'
import { sending, slowSource } from '../helpers/slow.js'
import { settled, startWorker } from '../helpers/tasks.js'

t.setTimeout(120_000)

const MiB = 2 ** 20
const settings = { import_allowed_addresses: ['127.0.0.0/8'], import_allowed_ports: [] }

const cancel = (running: TestApp, id: string) => running.as(alice).post(`/v2/images/${id}/actions/cancel`)

t.test('another server than the one that does it', async t => {
  const server = await startApp(t, settings)
  await startWorker(t, server)
  const replica = await startReplica(t, server)
  const me = server.as(alice)

  await t.test('an upload', async t => {
    const { id } = await me.create()
    const { outgoing, answer } = await sending(
      me,
      server.port,
      `/v2/images/${id}/file`,
      Buffer.alloc(2 * MiB),
    )
    await until(() => files(server).some(name => name.includes(id)), 'the beginning of the upload')
    const began = performance.now()
    t.equal((await cancel(replica, id)).status, 204)
    t.equal((await me.show(id)).status, 'queued')
    t.equal((await answer).status, 410)
    t.comment(`the request was cut after ${Math.round(performance.now() - began)} ms`)
    outgoing.destroy()
    await until(() => server.deps.hashes.active === 0, 'the end of the upload')
    await reap(replica.deps)
    t.strictSame([files(server), await ledger(server)], [[], []])
    t.equal((await replica.as(alice).upload(id, 'bytes')).status, 204)
    await me.delete(`/v2/images/${id}`)
  })

  await t.test('an import', async t => {
    const source = await slowSource(t)
    const { id } = await me.create()
    const method = { name: 'web-download', uri: `${source.url}/slow` }
    await replica.as(alice).post(`/v2/images/${id}/import`, { method, stores: ['fast', 'cheap'] })
    await until(() => source.open() === 1, 'the connection')
    const began = performance.now()
    t.equal((await cancel(replica, id)).status, 204)
    await until(() => source.open() === 0, 'the end of the connection')
    t.comment(`reading stopped after ${Math.round(performance.now() - began)} ms`)
    t.match(await me.show(id), { status: 'queued', os_glance_failed_import: 'cheap,fast' })
    await until(async () => (await ledger(server)).every(row => row.image_id !== id), 'an empty ledger')
    t.strictSame(
      files(server).filter(name => name.includes(id)),
      [],
    )
  })
})

t.test('staged bytes that are on their way into a second store', async t => {
  const server = await startApp(t, settings)
  await startWorker(t, server)
  const me = server.as(alice)
  const { id } = await me.create()
  await me.send(
    'PUT',
    `/v2/images/${id}/stage`,
    { 'content-type': 'application/octet-stream' },
    Buffer.alloc(MiB),
  )
  const cheap = server.deps.stores.get('cheap')
  const { write } = cheap
  let release = () => {}
  const held = new Promise<void>(resolve => {
    release = resolve
  })
  cheap.write = async (...given) => {
    const writer = await write(...given)
    return { ...writer, write: chunk => held.then(() => writer.write(chunk)) }
  }
  await me.post(`/v2/images/${id}/import`, { method: { name: 'glance-direct' }, stores: ['fast', 'cheap'] })
  await until(() => files(server).some(name => name.startsWith('cheap')), 'the second copy')
  const seen = await until(async () => {
    const { json } = await me.get(`/v2/images/${id}/progress`)
    return json.bytes_total === null ? null : json
  }, 'the progress')
  t.match(seen, { phase: 'importing', bytes_done: MiB, bytes_total: 2 * MiB, percent: 50 })
  t.equal((await cancel(server, id)).status, 204)
  t.match(await me.show(id), { status: 'queued', size: null, checksum: null })
  release()
  cheap.write = write
  await until(() => server.deps.hashes.active === 0, 'the end of the copy')
  await reap(server.deps)
  t.strictSame([files(server), await ledger(server)], [[], []])
  t.equal((await me.upload(id, 'bytes')).status, 204)
})

t.test('S3: no object, and no part of an upload', { skip: missingS3() ?? false }, async t => {
  const s3 = await openS3()
  t.teardown(() => s3.stop())
  const server = await startApp(t, settings, { moreStores: [`s3=${s3.url(newBucket())}`] })
  await startWorker(t, server)
  // makes the bucket
  await server.deps.stores.check()
  const me = server.as(alice)
  const kept = async () => {
    const found: string[] = []
    for await (const { key } of server.deps.stores.get('s3').list()) found.push(key)
    return found
  }

  for (const path of ['file', 'import']) {
    const { id } = await me.create()
    let ended: Promise<unknown>
    if (path === 'file') {
      const sent = await sending(me, server.port, `/v2/images/${id}/file`, Buffer.alloc(50 * MiB), {
        'x-image-meta-store': 's3',
      })
      t.teardown(() => sent.outgoing.destroy())
      ended = sent.answer.then(({ status }) => t.equal(status, 410))
    } else {
      const source = await slowSource(t, 50 * MiB)
      const method = { name: 'web-download', uri: `${source.url}/slow` }
      await me.post(`/v2/images/${id}/import`, { method, stores: ['s3'] })
      ended = until(() => source.open() === 1).then(() => until(() => source.open() === 0))
    }
    await until(async () => (await s3.openUploads?.())?.length ?? true, 'a multipart upload')
    t.equal((await cancel(server, id)).status, 204)
    await ended
    await until(() => server.deps.hashes.active === 0, 'the end of it')
    await reap(server.deps)
    t.strictSame([await kept(), (await s3.openUploads?.()) ?? []], [[], []], path)
    t.equal((await me.upload(id, 'bytes', { 'x-image-meta-store': 's3' })).status, 204)
    await me.delete(`/v2/images/${id}`)
    await me.delete(`/v2/recycle-bin/${id}`)
  }
})

t.test('an image that is copied while it goes into the recycle bin, and comes back', async t => {
  const server = await startApp(t, settings)
  await startWorker(t, server)
  const me = server.as(alice)
  const root = server.as(admin)
  const { id } = await me.createActive(Buffer.alloc(MiB))
  const cheap = server.deps.stores.get('cheap')
  const { write } = cheap
  cheap.write = async (...given) => {
    const writer = await write(...given)
    return { ...writer, write: () => new Promise(() => {}) }
  }
  const copy = { method: { name: 'copy-image' }, stores: ['cheap'] }
  await root.post(`/v2/images/${id}/import`, copy)
  await until(() => files(server).some(name => name.startsWith('cheap')), 'the copy')
  t.equal((await me.delete(`/v2/images/${id}`)).status, 204)
  t.match((await me.get(`/v2/images/${id}/progress`)).json, {
    phase: 'deleted',
    bytes_done: MiB,
    percent: 100,
  })
  t.match((await me.get('/v2/progress?phase=deleted')).json, { progress: [{ id, phase: 'deleted' }] })
  t.strictSame((await me.get('/v2/progress')).json, { progress: [] })
  await until(() => !files(server).some(name => name.startsWith('cheap')), 'the end of the copy')
  cheap.write = write

  t.equal((await me.post(`/v2/recycle-bin/${id}/restore`)).status, 200)
  await settled(server, id)
  t.match((await me.get(`/v2/images/${id}/progress`)).json, { phase: 'available', percent: 100 })
  t.equal((await root.post(`/v2/images/${id}/import`, copy)).status, 202, 'the copy can be made again')
  t.match(await settled(server, id), { status: 'active', stores: 'fast,cheap' })
})
