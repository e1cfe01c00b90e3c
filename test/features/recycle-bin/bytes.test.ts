/** The bytes of images in the bin, wherever they are, and what still works on an image when it is deleted. */
import { randomBytes } from 'node:crypto'
import t, { type Test } from 'tap'
import { reap } from '../../../src/data/reap.js'
import { admin, alice, startApp, type TestApp } from '../../helpers/app.js'
import { files, ledger, tidy, until } from '../../helpers/left.js'
import { add, bytes, startWithWeb, tasksOf } from '../../helpers/locations.js'
import { missingS3, openS3 } from '../../helpers/minio.js'
import { newBucket } from '../../helpers/s3-stores.js'
import { settled, startWorker } from '../../helpers/tasks.js'

t.setTimeout(120_000)

const octets = { 'content-type': 'application/octet-stream' }

/** An application that does its tasks, and whose writes to the store `cheap` wait for `open`. */
async function withGate(t: Test, overrides = {}) {
  let open: () => void = () => undefined
  const gate = new Promise<void>(resolve => {
    open = resolve
  })
  const waiting = new Set<string>()
  const running = await startApp(t, overrides, {
    change: ({ stores }) => ({
      stores: {
        ...stores,
        get: name => ({
          ...stores.get(name),
          async write(key, options) {
            if (name === 'cheap') {
              waiting.add(key)
              await gate
            }
            return stores.get(name).write(key, options)
          },
        }),
      },
    }),
  })
  await startWorker(t, running)
  return { running, me: running.as(alice), open, waiting }
}

const objectsOf = async (running: TestApp, id: string) =>
  (await ledger(running)).filter(row => row.image_id === id).map(({ store, state }) => `${store} ${state}`)

const taskEnded = (running: TestApp, id: string) =>
  until(
    async () => (await tasksOf(running, id)).every((task: { status: string }) => task.status === 'failure'),
    'the end of the task',
  )

t.test('all copies of an image are kept, and destroyed, together', async t => {
  const running = await startApp(t)
  await startWorker(t, running)
  const me = running.as(alice)
  const { id } = await me.create()
  await me.send('PUT', `/v2/images/${id}/stage`, octets, bytes)
  await me.post(`/v2/images/${id}/import`, { method: { name: 'glance-direct' }, stores: ['fast', 'cheap'] })
  const before = await settled(running, id)
  t.equal((await me.delete(`/v2/images/${id}`)).status, 204)
  t.equal((await me.get(`/v2/recycle-bin/${id}`)).json.stores, 'fast,cheap')
  await reap(running.deps, undefined, 0)
  t.equal(files(running).length, 2, 'the reaper leaves them alone')
  const restored = await me.post(`/v2/recycle-bin/${id}/restore`)
  t.strictSame(restored.json, before)
  for (const store of ['fast', 'cheap'])
    t.ok((await me.send('GET', `/v2/images/${id}/file?prefer=${store}`)).bytes.equals(bytes), store)
  await me.delete(`/v2/images/${id}`)
  t.equal((await me.delete(`/v2/recycle-bin/${id}`)).status, 204)
  t.strictSame(files(running), [])
  await tidy(t, running)
})

t.test('bytes on a web server stay there, and take no room in the bin', async t => {
  const { running, web, me } = await startWithWeb(t, undefined, { recycle_bin_max_size: 1000 })
  const { id } = await me.create()
  await add(running, id, { url: `${web.url}/image` })
  const before = await settled(running, id)
  t.ok(Number(before.size) > 1000)
  await me.delete(`/v2/images/${id}`)
  t.equal((await me.get(`/v2/recycle-bin/${id}`)).status, 200)
  t.strictSame((await me.post(`/v2/recycle-bin/${id}/restore`)).json, before)
  t.ok((await me.download(id)).bytes.equals(bytes))
  t.match((await running.as(admin).get(`/v2/images/${id}/locations`)).json, [{ url: `${web.url}/image` }])
  await me.delete(`/v2/images/${id}`)
  t.equal((await me.delete(`/v2/recycle-bin/${id}`)).status, 204)
  t.ok(web.seen.every(line => !line.startsWith('DELETE')))
})

t.test('a copy that is being made ends with the deletion, and leaves the image as it was', async t => {
  const { running, me, open, waiting } = await withGate(t)
  const image = await me.createActive(bytes)
  const { id } = image
  const copy = () =>
    running.as(admin).post(`/v2/images/${id}/import`, { method: { name: 'copy-image' }, stores: ['cheap'] })
  t.equal((await copy()).status, 202)
  await until(() => waiting.size === 1, 'the copy')
  t.equal((await me.delete(`/v2/images/${id}`)).status, 204)
  const restored = await me.post(`/v2/recycle-bin/${id}/restore`)
  t.match(restored.json, { status: 'active', stores: 'fast' })
  t.notOk('os_glance_import_task' in restored.json, 'nobody holds it')
  t.notOk(restored.json.os_glance_importing_to_stores)
  t.match(await tasksOf(running, id), [{ status: 'failure', message: /deleted/ }])
  open()
  await until(async () => (await objectsOf(running, id)).length === 1, 'the end of the copy')
  t.strictSame(await objectsOf(running, id), ['fast stored'])
  t.ok((await me.download(id)).bytes.equals(bytes))
  t.equal((await copy()).status, 202, 'it can be copied again')
  t.equal((await settled(running, id)).stores, 'fast,cheap')
  await tidy(t, running)
})

t.test(
  'an image that is active by its first copy keeps that when it is deleted before the second',
  async t => {
    const { running, me, open, waiting } = await withGate(t)
    const { id } = await me.create()
    await me.send('PUT', `/v2/images/${id}/stage`, octets, bytes)
    await me.post(`/v2/images/${id}/import`, {
      method: { name: 'glance-direct' },
      stores: ['fast', 'cheap'],
      all_stores_must_succeed: false,
    })
    await until(() => waiting.size === 1, 'the second copy')
    t.match(await me.show(id), { status: 'active', stores: 'fast' })
    t.equal((await me.delete(`/v2/images/${id}`)).status, 204)
    open()
    await until(async () => (await objectsOf(running, id)).length === 1, 'the end of the import')
    t.strictSame(await objectsOf(running, id), ['fast stored'])
    const restored = await me.post(`/v2/recycle-bin/${id}/restore`)
    t.match(restored.json, { status: 'active', stores: 'fast', size: bytes.length })
    t.ok((await me.download(id)).bytes.equals(bytes))
    await taskEnded(running, id)
    await tidy(t, running)
  },
)

t.test('hashes that were on their way do not come any more', async t => {
  let reading = 0
  const { running, web, me } = await startWithWeb(t, (request, response) => {
    response.writeHead(200, { 'content-length': 2 ** 40 })
    if (request.method === 'HEAD') return void response.end()
    reading++
    response.once('close', () => reading--)
    const timer = setInterval(() => response.write(Buffer.alloc(1000)), 20)
    return void response.once('close', () => clearInterval(timer))
  })
  const { id } = await me.create()
  await add(running, id, { url: `${web.url}/endless` })
  await until(() => reading === 1, 'the reading')
  t.match(await me.show(id), { status: 'active', os_hash_algo: 'sha512', os_hash_value: null })
  await me.delete(`/v2/images/${id}`)
  const restored = await me.post(`/v2/recycle-bin/${id}/restore`)
  t.match(restored.json, { status: 'active', os_hash_algo: null, os_hash_value: null, stores: 'web' })
  t.notOk('os_glance_import_task' in restored.json)
  await until(() => reading === 0, 'the end of the reading')
  await taskEnded(running, id)
  t.match(await me.show(id), { status: 'active', stores: 'web' })
})

t.test('objects in S3 are kept and destroyed', { skip: missingS3() ?? false }, async t => {
  const s3 = await openS3()
  t.teardown(() => s3.stop())
  const url = s3.url(`${newBucket()}/images`)
  const running = await startApp(t, {}, { moreStores: [`far=${url}`] })
  await until(async () => (await fetch(`${running.url}/readyz`)).ok, 'a bucket')
  const me = running.as(alice)
  const far = async () => {
    const found: string[] = []
    for await (const { key } of running.deps.stores.get('far').list()) found.push(key)
    return found
  }
  const body = randomBytes(12 * 2 ** 20)
  const { id } = await me.create()
  t.equal((await me.upload(id, body, { 'x-image-meta-store': 'far' })).status, 204)
  await me.delete(`/v2/images/${id}`)
  t.equal((await far()).length, 1)
  t.equal((await me.post(`/v2/recycle-bin/${id}/restore`)).status, 200)
  t.ok((await me.download(id)).bytes.equals(body))
  await me.delete(`/v2/images/${id}`)
  t.equal((await me.delete('/v2/recycle-bin')).status, 204)
  t.strictSame(await far(), [])
})
