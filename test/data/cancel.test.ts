/** Cancelling what brings bytes to an image: it ends at once, the image is as before, and nothing is left behind. */
import t, { type Test } from 'tap'
import { reap } from '../../src/data/reap.js'
import { admin, alice, bob, rita, startApp, type TestApp } from '../helpers/app.js'
import { files, ledger, tidying, until } from '../helpers/left.js'
import { sending, slowSource } from '../helpers/slow.js'
import { settled, startWorker } from '../helpers/tasks.js'

t.setTimeout(120_000)

const MiB = 2 ** 20
const server = await startApp(t, { import_allowed_addresses: ['127.0.0.0/8'], import_allowed_ports: [] })
await startWorker(t, server)
const me = server.as(alice)
const source = await slowSource(t)
const test = tidying(t, server)

const cancel = (id: string, who = me) => who.post(`/v2/images/${id}/actions/cancel`)
const status = async (id: string) => (await me.show(id)).status
const tasks = async (id: string) => (await me.get(`/v2/images/${id}/tasks`)).json.tasks

/** Runs it, and says how long it took; the bound is for a loaded machine. */
async function timed<T>(t: Test, what: string, run: () => Promise<T>): Promise<T> {
  const began = performance.now()
  const result = await run()
  t.comment(`${what} after ${Math.round(performance.now() - began)} ms`)
  return result
}

/** No store holds anything of the image, after one run of the reaper at most. */
async function nothingLeft(t: Test, id: string, running: Pick<TestApp, 'deps' | 'folders'> = server) {
  const writing = async () =>
    (await ledger(running)).some(row => row.image_id === id && row.state === 'writing')
  await until(async () => running.deps.hashes.active === 0 && !(await writing()), 'the end of what ran')
  await reap(running.deps)
  t.strictSame(
    files(running).filter(name => name.includes(id)),
    [],
    'no file',
  )
  t.strictSame(
    (await ledger(running)).filter(row => row.image_id === id),
    [],
    'no object',
  )
}

/** The image takes bytes again. */
async function usable(t: Test, id: string) {
  t.equal((await me.upload(id, 'other bytes')).status, 204)
  t.equal((await me.download(id)).text, 'other bytes')
}

for (const path of ['file', 'stage']) {
  test(`an upload to /${path}`, async t => {
    const { id } = await me.create()
    const { outgoing, answer } = await sending(
      me,
      server.port,
      `/v2/images/${id}/${path}`,
      Buffer.alloc(3 * MiB),
      {
        'x-openstack-image-size': 100 * MiB,
      },
    )
    await until(() => files(server).some(name => name.includes(id)), 'the beginning of the upload')
    const cut = timed(t, 'the request was cut', () => answer)
    t.equal((await cancel(id)).status, 204)
    t.equal(await status(id), 'queued', 'at once')
    t.equal((await cut).status, 410)
    outgoing.destroy()
    await nothingLeft(t, id)
    t.equal((await cancel(id)).status, 409, 'nothing runs any more')
    await usable(t, id)
  })
}

test('the loser of a cancelled upload does not disturb the next one', async t => {
  const { id } = await me.create()
  const first = await sending(me, server.port, `/v2/images/${id}/file`, Buffer.alloc(MiB))
  await until(() => files(server).some(name => name.includes(id)), 'the beginning of the upload')
  await cancel(id)
  await usable(t, id)
  first.outgoing.end()
  t.equal((await first.answer).status, 410)
  t.equal((await me.download(id)).text, 'other bytes')
})

for (const [path, what] of [
  ['/silent', 'a source that does not answer'],
  ['/slow', 'a slow source'],
]) {
  test(`web-download from ${what}`, async t => {
    const { id } = await me.create()
    await me.post(`/v2/images/${id}/import`, {
      method: { name: 'web-download', uri: `${source.url}${path}` },
    })
    await until(() => source.open() === 1, 'the connection')
    const ended = timed(t, 'reading stopped', () =>
      until(() => source.open() === 0, 'the end of the connection'),
    )
    t.equal((await cancel(id)).status, 204)
    t.match(await me.show(id), { status: 'queued', size: null, os_glance_failed_import: 'fast' })
    await ended
    t.match(await tasks(id), [
      { status: 'failure', message: 'The transfer was cancelled.', result: { error: { code: 'cancelled' } } },
    ])
    await nothingLeft(t, id)
    t.equal((await cancel(id)).status, 409)
    await usable(t, id)
  })

  test(`the deletion of an image that waits for ${what}`, async t => {
    const { id } = await me.create()
    await me.post(`/v2/images/${id}/import`, {
      method: { name: 'web-download', uri: `${source.url}${path}` },
    })
    await until(() => source.open() === 1, 'the connection')
    const ended = timed(t, 'reading stopped', () =>
      until(() => source.open() === 0, 'the end of the connection'),
    )
    t.equal((await me.delete(`/v2/images/${id}`)).status, 204)
    await ended
    await nothingLeft(t, id)
  })
}

test('an import that waits for its turn', async t => {
  const slow = await Promise.all(
    Array.from({ length: server.deps.config.import_tasks_per_project }, () => me.create()),
  )
  const uri = `${source.url}/slow`
  for (const { id } of slow)
    await me.post(`/v2/images/${id}/import`, { method: { name: 'web-download', uri } })
  await until(() => source.open() === slow.length, 'the connections')
  const { id } = await me.create()
  await me.post(`/v2/images/${id}/import`, { method: { name: 'web-download', uri } })
  t.match(await tasks(id), [{ status: 'pending' }])
  t.equal((await cancel(id)).status, 204)
  t.match(await tasks(id), [{ status: 'failure' }])
  await usable(t, id)
  for (const { id } of slow) t.equal((await cancel(id)).status, 204)
  await until(() => source.open() === 0, 'the end of the connections')
})

test('copy-image: the image keeps the copies that it had', async t => {
  const { id } = await me.createActive(Buffer.alloc(MiB, 'bytes'))
  const before = await me.show(id)
  // a copy that is under way for as long as the test wants
  let release = () => {}
  const held = new Promise<void>(resolve => {
    release = resolve
  })
  const cheap = server.deps.stores.get('cheap')
  const original = cheap.write
  cheap.write = async (...given) => {
    const writer = await original(...given)
    return { ...writer, write: chunk => held.then(() => writer.write(chunk)) }
  }
  t.teardown(() => {
    cheap.write = original
  })
  await server
    .as(admin)
    .post(`/v2/images/${id}/import`, { method: { name: 'copy-image' }, stores: ['cheap'] })
  await until(() => files(server).some(name => name.startsWith('cheap') && name.includes(id)), 'the copy')
  t.equal((await cancel(id)).status, 204)
  t.match(await me.show(id), { status: 'active', stores: before.stores, checksum: before.checksum })
  release()
  cheap.write = original
  await settled(server, id)
  await until(() => server.deps.hashes.active === 0, 'the end of the copy')
  await reap(server.deps)
  t.equal(files(server).filter(name => name.includes(id)).length, 1)
  t.ok((await me.download(id)).bytes.equals(Buffer.alloc(MiB, 'bytes')))
  t.equal((await cancel(id)).status, 409)
})

test('who may', async t => {
  const { id } = await me.create({ visibility: 'shared' })
  await me.post(`/v2/images/${id}/members`, { member: 'beta' })
  const { outgoing, answer } = await sending(me, server.port, `/v2/images/${id}/file`, Buffer.alloc(MiB))
  await until(async () => (await status(id)) === 'saving', 'saving')
  t.equal((await cancel(id, server.as(bob))).status, 403)
  t.equal((await cancel(id, server.as(rita))).status, 403)
  t.equal((await cancel(id, server.as({ project_id: 'gamma' }))).status, 404)
  t.equal((await cancel('nothing')).status, 404)
  t.equal(await status(id), 'saving')
  t.equal((await cancel(id, server.as(admin))).status, 204)
  t.equal((await answer).status, 410)
  outgoing.destroy()
})

test('nothing to cancel', async t => {
  t.equal((await cancel((await me.create()).id)).status, 409)
  t.equal((await cancel((await me.createActive()).id)).status, 409)
})

test('many who cancel at once: one does', async t => {
  const { id } = await me.create()
  const { outgoing, answer } = await sending(me, server.port, `/v2/images/${id}/file`, Buffer.alloc(MiB))
  await until(async () => (await status(id)) === 'saving', 'saving')
  const answers = await Promise.all(Array.from({ length: 8 }, () => cancel(id)))
  t.strictSame(answers.map(one => one.status).toSorted(), [204, ...Array(7).fill(409)])
  t.equal((await answer).status, 410)
  outgoing.destroy()
})

test('an upload that ends while it is cancelled does one or the other', async t => {
  for (let round = 0; round < 12; round++) {
    const { id } = await me.create()
    const [put, cancelled] = await Promise.all([
      me.upload(id, Buffer.alloc(200_000)),
      new Promise(resolve => setTimeout(resolve, 3 * round)).then(() => cancel(id)),
    ])
    if (cancelled.status === 204) t.equal(put.status, 410)
    else t.strictSame([put.status, cancelled.status], [204, 409])
    t.equal(await status(id), cancelled.status === 204 ? 'queued' : 'active')
    await me.delete(`/v2/images/${id}`)
  }
})
