/** How far uploads and imports are, in every replica, and how they ended. */
import { randomBytes } from 'node:crypto'
import type { ServerResponse } from 'node:http'
import t from 'tap'
import { reap } from '../../../src/data/reap.js'
import { admin, alice, bob, rita, startApp } from '../../helpers/app.js'
import type { Client } from '../../helpers/client.js'
import { until } from '../../helpers/left.js'
import { startReplica } from '../../helpers/replica.js'
import { sending } from '../../helpers/slow.js'
import { settled, startWorker } from '../../helpers/tasks.js'
import { webServer } from '../../helpers/web.js'

t.setTimeout(120_000)

const MiB = 2 ** 20
const server = await startApp(t, {
  import_allowed_addresses: ['127.0.0.0/8'],
  import_allowed_ports: [],
  recycle_bin: 0,
})
await startWorker(t, server)
const replica = await startReplica(t, server)
const me = server.as(alice)
const there = replica.as(alice)

const progress = async (id: string, who = me) => (await who.get(`/v2/images/${id}/progress`)).json
const reached = (id: string, what: (seen: Record<string, unknown>) => boolean, who = me) =>
  until(async () => {
    const seen = await progress(id, who)
    return what(seen) ? seen : null
  }, 'that progress')

t.test('an upload, seen from another server', async t => {
  const { id } = await me.create()
  t.match(await progress(id, there), {
    phase: 'making',
    bytes_done: 0,
    bytes_total: null,
    percent: null,
    bytes_per_second: null,
    started_at: null,
    error: null,
  })
  const { outgoing, answer } = await sending(
    me,
    server.port,
    `/v2/images/${id}/file`,
    Buffer.alloc(6 * MiB),
    {
      'content-length': 8 * MiB,
    },
  )
  const seen = await reached(id, ({ bytes_done }) => bytes_done === 6 * MiB, there)
  t.match(seen, { phase: 'uploading', bytes_total: 8 * MiB, percent: 75, error: null })
  t.equal(typeof seen.bytes_per_second, 'number')
  t.match(seen.started_at, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/)
  outgoing.end(Buffer.alloc(2 * MiB))
  t.equal((await answer).status, 204)
  t.match(await progress(id, there), {
    phase: 'available',
    bytes_done: 8 * MiB,
    bytes_total: 8 * MiB,
    percent: 100,
    bytes_per_second: null,
    error: null,
  })
})

t.test('staged bytes wait as uploaded, their import ends as available', async t => {
  const { id } = await me.create()
  await me.send('PUT', `/v2/images/${id}/stage`, { 'content-type': 'application/octet-stream' }, 'staged')
  t.match(await progress(id), { phase: 'uploading', bytes_done: 6, bytes_total: 6, percent: 100 })
  await me.post(`/v2/images/${id}/import`, {
    method: { name: 'glance-direct' },
    stores: ['fast', 'cheap'],
  })
  await settled(server, id)
  t.match(await progress(id), { phase: 'available', bytes_done: 6, bytes_total: 6, percent: 100 })
})

/** A source that gives as much as the test says. */
async function source(t: Parameters<typeof webServer>[0], announced: number | undefined) {
  let response: ServerResponse | undefined
  const web = await webServer(t, (_, answer) => {
    response = answer
    answer.writeHead(200, announced === undefined ? {} : { 'content-length': announced })
    answer.flushHeaders()
  })
  return { ...web, response: () => until(() => response, 'the request') }
}

const download = (who: Client, id: string, uri: string, more = {}) =>
  who.post(`/v2/images/${id}/import`, { method: { name: 'web-download', uri }, ...more })

t.test('an import into two stores, seen from another server', async t => {
  const { id } = await me.create()
  const { url, response } = await source(t, 4 * MiB)
  await download(me, id, url, { stores: ['fast', 'cheap'] })
  const answer = await response()
  answer.write(Buffer.alloc(2 * MiB))
  t.match(await reached(id, ({ bytes_done }) => bytes_done === 2 * MiB, there), {
    phase: 'importing',
    bytes_total: 8 * MiB,
    percent: 25,
  })
  answer.end(Buffer.alloc(2 * MiB))
  await settled(server, id)
  t.match(await progress(id, there), { phase: 'available', bytes_done: 4 * MiB, percent: 100 })
})

t.test('an import of unknown length, which breaks off, and begins again', async t => {
  const { id } = await me.create()
  const { url, response } = await source(t, undefined)
  await download(me, id, url)
  const answer = await response()
  answer.write(Buffer.alloc(2 * MiB))
  t.match(await reached(id, ({ bytes_done }) => bytes_done === 2 * MiB), {
    phase: 'importing',
    bytes_total: null,
    percent: null,
  })
  answer.destroy()
  await settled(server, id)
  const error = { code: 'source_cut', message: String }
  t.match(await progress(id, there), { phase: 'failed', bytes_per_second: null, error })
  const { json } = await me.get(`/v2/images/${id}/tasks`)
  t.match(json.tasks, [{ status: 'failure', result: { error } }])
  t.equal(json.tasks[0].message, (await progress(id)).error.message)

  const again = await source(t, 3)
  t.equal((await download(me, id, again.url)).status, 202)
  ;(await again.response()).end('abc')
  t.match(await settled(server, id), { status: 'active', size: 3 })
  t.match(await progress(id), { phase: 'available', bytes_done: 3, error: null })
})

t.test('a copy of an active image, which fails: the image is available', async t => {
  const { id } = await me.createActive(randomBytes(MiB))
  const cheap = server.deps.stores.get('cheap')
  const { write } = cheap
  cheap.write = async (...given) => ({
    ...(await write(...given)),
    commit: () => Promise.reject(new Error('the disk fell out')),
  })
  await server
    .as(admin)
    .post(`/v2/images/${id}/import`, { method: { name: 'copy-image' }, stores: ['cheap'] })
  await settled(server, id)
  cheap.write = write
  t.match(await progress(id), { phase: 'available', percent: 100, error: { code: 'internal_error' } })
})

t.test('an upload whose client went away', async t => {
  const { id } = await me.create()
  const { outgoing } = await sending(me, server.port, `/v2/images/${id}/file`, Buffer.alloc(3 * MiB), {
    'content-length': 9 * MiB,
  })
  await reached(id, ({ bytes_done }) => Number(bytes_done) > 0)
  outgoing.destroy()
  t.match(await reached(id, ({ phase }) => phase === 'failed', there), {
    bytes_total: 9 * MiB,
    bytes_per_second: null,
    error: { code: 'upload_cut', message: String },
  })
  t.equal((await me.upload(id, 'bytes')).status, 204)
  t.match(await progress(id), { phase: 'available', error: null })
})

t.test('an upload whose server was killed', async t => {
  const { id } = await me.create()
  const { outgoing, answer } = await sending(me, replica.port, `/v2/images/${id}/file`, Buffer.alloc(MiB), {
    ...there.headers,
  })
  await until(async () => (await me.show(id)).status === 'saving', 'saving')
  // another server finds that nobody renews the lease
  await server.deps.db
    .updateTable('blobs')
    .set({ renewed_at: new Date(Date.now() - 60_000) })
    .where('image_id', '=', id)
    .execute()
  await server.deps.db
    .updateTable('images')
    .set({ updated_at: new Date(Date.now() - 60_000) })
    .where('id', '=', id)
    .execute()
  await reap(server.deps)
  t.match(await progress(id), { phase: 'failed', error: { code: 'interrupted' } })
  t.equal((await answer).status, 410, 'had it been alive, it would have heard')
  outgoing.destroy()
  t.match(await progress(id), { phase: 'failed', error: { code: 'interrupted' } }, 'and not said otherwise')
})

t.test('what is deleted', async t => {
  const { id } = await me.createActive()
  // its bytes can't be removed at once
  const fast = server.deps.stores.get('fast')
  const { remove } = fast
  fast.remove = () => Promise.reject(new Error('not now'))
  t.equal((await me.delete(`/v2/images/${id}`)).status, 204)
  fast.remove = remove
  t.match(await progress(id, there), { phase: 'deleting' })
  t.equal((await server.as(bob).get(`/v2/images/${id}/progress`)).status, 404)
  t.match((await me.get('/v2/progress?phase=deleting')).json, { progress: [{ id, phase: 'deleting' }] })
  await reap(server.deps)
  t.equal((await me.get(`/v2/images/${id}/progress`)).status, 404)
})

t.test('who may', async t => {
  const { id } = await me.create({ visibility: 'shared' })
  await me.post(`/v2/images/${id}/members`, { member: 'beta' })
  const at = `/v2/images/${id}/progress`
  t.equal((await server.as(rita).get(at)).status, 200, 'a reader of the project')
  t.equal((await server.as(admin).get(at)).status, 200)
  t.equal((await server.as(bob).get(at)).status, 403, 'somebody it is shared with')
  t.equal((await server.as({ project_id: 'gamma' }).get(at)).status, 404)
  t.equal((await me.get('/v2/images/nothing/progress')).status, 404)
  t.equal((await server.as({ project_id: 'gamma', roles: [] }).get('/v2/progress')).status, 403)
})

t.test('the list', async t => {
  const carol = server.as({ user_id: 'carol', project_id: 'delta' })
  const failed: string[] = []
  for (let n = 0; n < 3; n++) {
    const { id } = await carol.create({ disk_format: 'qcow2' })
    t.equal((await carol.upload(id, 'no qcow2')).status, 415)
    failed.push(id)
  }
  const { id: active } = await carol.createActive()
  const { id: made } = await carol.create()
  const ids = async (path: string): Promise<string[]> =>
    (await carol.get(path)).json.progress.map((row: { id: string }) => row.id)

  t.strictSame(await ids('/v2/progress'), [made, active, ...failed.toReversed()])
  t.strictSame(await ids('/v2/progress?phase=available'), [active])
  t.strictSame(await ids('/v2/progress?phase=making'), [made])
  t.strictSame(await ids('/v2/progress?phase=importing'), [])
  const first = (await carol.get('/v2/progress?phase=failed&limit=2')).json
  t.match(first.progress, [
    { id: failed[2], phase: 'failed', error: { code: 'format_mismatch', message: /qcow2/ } },
    { id: failed[1] },
  ])
  t.equal(first.next, `/v2/progress?phase=failed&limit=2&marker=${failed[1]}`)
  const second = (await carol.get(first.next)).json
  t.match(second.progress, [{ id: failed[0] }])
  t.notOk('next' in second)
  t.strictSame(await ids('/v2/progress?limit=0'), [])
  for (const bad of ['phase=done', 'limit=x', 'limit=-1', `marker=${'x'.repeat(300)}`, 'marker=%00'])
    t.equal((await carol.get(`/v2/progress?${bad}`)).status, 400, bad)
  t.equal((await me.get(`/v2/progress?marker=${made}`)).status, 400, "another project's")
})
