import { readdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { admin, alice, bob, rita, startApp, type TestApp } from '../../helpers/app.js'
import { settled, startWorker } from '../../helpers/tasks.js'

const service = { user_id: 'nova', project_id: 'service', roles: ['service'] }

/** An active image of alice's with copies in both stores. */
async function twoCopies(t: Test, overrides = {}) {
  const running = await startApp(t, overrides)
  await startWorker(t, running)
  const { id } = await running.as(alice).createActive(Buffer.from('twice'))
  await copyTo(running, id, 'cheap')
  return { running, id }
}

async function copyTo(running: TestApp, id: string, store: string) {
  const body = { method: { name: 'copy-image' }, stores: [store] }
  const { status, text } = await running.as(admin).post(`/v2/images/${id}/import`, body)
  if (status !== 202) throw new Error(text)
  await settled(running, id)
}

t.test('services learn more of the stores than others', async t => {
  const running = await startApp(t, {}, { moreStores: ['web=http:?description=On%20the%20web&weight=-3'] })
  const common = [
    { id: 'fast', default: 'true' },
    { id: 'cheap' },
    { id: 'web', description: 'On the web', 'read-only': 'true' },
  ]
  t.same((await running.as(rita).get('/v2/info/stores')).json, { stores: common })
  for (const who of [admin, service]) {
    const { status, json } = await running.as(who).get('/v2/info/stores/detail')
    t.equal(status, 200)
    const file = (data_dir: string) => ({ data_dir, chunk_size: 2 ** 20, thin_provisioning: false })
    t.same(json, {
      stores: [
        { ...common[0], type: 'file', weight: 0, properties: file(running.folders.fast) },
        { ...common[1], type: 'file', weight: 0, properties: file(running.folders.cheap) },
        { ...common[2], type: 'http', weight: -3, properties: {} },
      ],
    })
  }
  t.equal((await running.as(alice).get('/v2/info/stores/detail')).status, 403)
})

t.test('an S3 store tells services Glance’s three numbers, and no secret', async t => {
  const running = await startApp(
    t,
    {},
    { moreStores: ['far=s3://AKIDEXAMPLE:s3cr3tkey@127.0.0.1:1/bucket?tls=false&create=false'] },
  )
  const { json, text } = await running.as(admin).get('/v2/info/stores/detail')
  t.match(json.stores[2], {
    id: 'far',
    type: 's3',
    properties: {
      s3_store_large_object_size: Number,
      s3_store_large_object_chunk_size: Number,
      s3_store_thread_pools: Number,
    },
  })
  t.notMatch(text, /s3cr3tkey|AKIDEXAMPLE/)
})

t.test('with a single store there is nothing to tell, to anybody', async t => {
  const folder = t.testdir({})
  const running = await startApp(t, {}, { change: deps => ({ stores: { ...deps.stores, multi: false } }) })
  t.ok(folder)
  const { id } = await running.as(alice).createActive()
  for (const who of [admin, alice]) {
    t.equal((await running.as(who).get('/v2/info/stores')).status, 404)
    t.equal((await running.as(who).get('/v2/info/stores/detail')).status, 404, 'before the policy')
    t.equal((await running.as(who).delete(`/v2/stores/nope/${id}`)).status, 404, 'before the store')
  }
})

t.test("a store's copy goes, with its bytes, and the other stays", async t => {
  const { running, id } = await twoCopies(t)
  const root = running.as(admin)
  t.match(await root.show(id), { stores: 'fast,cheap' })
  t.equal((await root.delete(`/v2/stores/fast/${id}`)).status, 204)
  t.match(await root.show(id), { status: 'active', stores: 'cheap' })
  t.same(readdirSync(running.folders.fast), [])
  t.equal((await running.as(alice).download(id)).text, 'twice')
  t.equal((await root.delete(`/v2/stores/fast/${id}`)).status, 403, 'one copy is left, though elsewhere')
  t.equal((await root.delete(`/v2/stores/cheap/${id}`)).status, 403, 'the last copy stays')
  await copyTo(running, id, 'fast')
  t.match(await root.show(id), { stores: 'cheap,fast' })
  t.same(await running.deps.db.selectFrom('blobs').select('state').execute(), [
    { state: 'stored' },
    { state: 'stored' },
  ])
})

t.test('bytes that are gone already are no obstacle', async t => {
  const { running, id } = await twoCopies(t)
  for (const name of readdirSync(running.folders.cheap)) rmSync(join(running.folders.cheap, name))
  t.equal((await running.as(admin).delete(`/v2/stores/cheap/${id}`)).status, 204)
  t.match(await running.as(alice).show(id), { stores: 'fast' })
  t.equal((await running.deps.db.selectFrom('blobs').selectAll().execute()).length, 1)
})

t.test('faults are told in Glance’s order', async t => {
  const { running, id } = await twoCopies(t, {})
  const remove = async (who: object, store: string, image = id) =>
    (await running.as(who).delete(`/v2/stores/${store}/${image}`)).status
  t.equal(await remove(bob, 'nope', 'nonsense'), 409, 'the store first')
  t.equal(await remove(admin, 'cheap', 'nonsense'), 404)
  t.equal(await remove(bob, 'cheap'), 404, 'an image of others')
  t.equal(await remove(alice, 'cheap'), 403, 'the owner')
  t.equal(await remove(rita, 'cheap'), 403)
  const queued = await running.as(alice).create()
  t.equal(await remove(alice, 'cheap', queued.id), 403, 'the rule before the state')
  t.equal(await remove(admin, 'cheap', queued.id), 409)
  await running.as(alice).post(`/v2/images/${id}/actions/deactivate`)
  t.equal(await remove(admin, 'cheap'), 409)
  await running.as(alice).post(`/v2/images/${id}/actions/reactivate`)
  t.equal((await running.as(admin).send('DELETE', `/v2/stores/cheap/${id}`, {}, 'x')).status, 400, 'a body')
  t.equal(await remove(admin, 'cheap'), 204)
})

t.test('an image with two copies keeps one, however many ask at once', async t => {
  const { running, id } = await twoCopies(t)
  const answers = await Promise.all(
    ['fast', 'cheap', 'fast', 'cheap'].map(store => running.as(admin).delete(`/v2/stores/${store}/${id}`)),
  )
  t.same(answers.map(({ status }) => status).sort(), [204, 403, 403, 403])
  t.equal((await running.as(alice).download(id)).text, 'twice')
})

t.test('the heavier store is read first, and shown first', async t => {
  const settings = { fast: 1, cheap: 100 } as Record<string, number>
  const running = await startApp(
    t,
    { show_multiple_locations: true, show_image_direct_url: true },
    {
      change: ({ stores }) => ({
        stores: { ...stores, settings: name => ({ ...stores.settings(name), weight: settings[name] ?? 0 }) },
      }),
    },
  )
  await startWorker(t, running)
  const me = running.as(alice)
  const { id } = await me.createActive(Buffer.from('twice'))
  await copyTo(running, id, 'cheap')
  const image = await me.show(id)
  t.equal(image.stores, 'cheap,fast')
  t.match(image.direct_url, running.folders.cheap)
  t.match(image.locations, [{ metadata: { store: 'cheap' } }, { metadata: { store: 'fast' } }])
  t.match((await running.as(admin).get(`/v2/images/${id}/locations`)).json, image.locations)
  t.equal((await me.download(id)).text, 'twice')
  for (const name of readdirSync(running.folders.cheap)) rmSync(join(running.folders.cheap, name))
  t.equal((await me.download(id)).text, 'twice', 'and the other one when it can not be')
})
