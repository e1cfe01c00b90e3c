import t from 'tap'
import { Conflict } from '../../src/errors.js'
import type { Status } from '../../src/images/image.js'
import { canMove, move, transitions } from '../../src/images/status.js'
import { admin, alice, startApp } from '../helpers/app.js'

const server = await startApp(t)
const { db } = server.deps
const owner = server.as(alice)
const root = server.as(admin)

/** Glance's table: from the state at the left, the states to which an image may go. */
const table: Record<Status, string> = {
  queued: 'saving uploading importing active deleted',
  saving: 'active killed deleted queued',
  uploading: 'importing queued deleted',
  importing: 'active deleted queued',
  active: 'pending_delete deleted deactivated',
  deactivated: 'active deleted',
  killed: 'deleted',
  pending_delete: 'deleted active',
  deleted: '',
}
const states = Object.keys(table) as Status[]

async function put(id: string, status: Status): Promise<void> {
  await db.updateTable('images').set({ status, size: 5, virtual_size: 6 }).where('id', '=', id).execute()
}
const read = (id: string) =>
  db.selectFrom('images').select(['status', 'size', 'virtual_size']).where('id', '=', id).executeTakeFirst()

t.test('every pair of states: allowed as Glance allows it, and only from the state it is in', async t => {
  t.strictSame(Object.keys(transitions).toSorted(), states.toSorted())
  const { id } = await owner.create()
  for (const from of states)
    for (const to of states) {
      const allowed = table[from].split(' ').includes(to)
      t.equal(canMove(from, to), allowed, `${from} → ${to}`)
      await put(id, from)
      if (!allowed) {
        await t.rejects(move(db, id, from, to), Conflict, `${from} → ${to} is a conflict`)
        t.equal((await read(id))?.status, from)
        continue
      }
      t.equal(await move(db, id, from, to), true)
      const kept = to === 'queued' ? null : 5
      t.strictSame(await read(id), { status: to, size: kept, virtual_size: kept && 6 })
      t.equal(await move(db, id, from, to), false, 'a second one finds it moved')
    }
  await put(id, 'queued')
})

t.test('no way leads from where bytes are back to where they are awaited', async t => {
  const reached = new Set<Status>(['active'])
  for (const from of reached) for (const to of transitions[from]) reached.add(to)
  for (const status of ['queued', 'saving', 'uploading', 'importing'] as const)
    t.notOk(reached.has(status), status)
})

t.test('what each state answers', async t => {
  const actions: Record<string, (id: string) => Promise<{ status: number }>> = {
    upload: id => owner.upload(id, 'bytes'),
    download: id => owner.download(id),
    'download by admin': id => root.download(id),
    deactivate: id => owner.post(`/v2/images/${id}/actions/deactivate`),
    reactivate: id => owner.post(`/v2/images/${id}/actions/reactivate`),
    'change formats': id =>
      owner.patch(`/v2/images/${id}`, [{ op: 'replace', path: '/disk_format', value: 'raw' }]),
    'change name': id => owner.patch(`/v2/images/${id}`, [{ op: 'replace', path: '/name', value: 'n' }]),
    tag: id => owner.put(`/v2/images/${id}/tags/t`),
    delete: id => owner.delete(`/v2/images/${id}`),
  }
  const expected: Record<string, Record<string, number>> = {
    upload: { queued: 204, else: 409 },
    download: { active: 200, deactivated: 403, else: 204 },
    'download by admin': { active: 200, deactivated: 200, else: 204 },
    deactivate: { active: 204, deactivated: 204, else: 403 },
    reactivate: { active: 204, deactivated: 204, else: 403 },
    'change formats': { queued: 200, importing: 200, else: 403 },
    'change name': { else: 200 },
    tag: { else: 204 },
    delete: { else: 204 },
  }
  for (const status of states.filter(one => one !== 'deleted' && one !== 'pending_delete'))
    for (const [name, act] of Object.entries(actions)) {
      const hasBytes = status === 'active' || status === 'deactivated'
      const { id } = hasBytes ? await owner.createActive(Buffer.from('bytes')) : await owner.create()
      await put(id, status)
      const answer = await act(id)
      t.equal(answer.status, expected[name]?.[status] ?? expected[name]?.else, `${name} while ${status}`)
    }
})

t.test('a deleted image is nowhere', async t => {
  const { id } = await owner.createActive(Buffer.from('bytes'), { p: 'x', tags: ['a'] })
  await owner.post(`/v2/images/${id}/members`, { member: 'beta' })
  t.equal((await owner.delete(`/v2/images/${id}`)).status, 204)
  for (const who of [owner, root]) {
    t.equal((await who.get(`/v2/images/${id}`)).status, 404)
    t.equal((await who.download(id)).status, 404)
    t.equal((await who.delete(`/v2/images/${id}`)).status, 404)
    t.equal((await who.patch(`/v2/images/${id}`, [])).status, 404)
    t.equal((await who.put(`/v2/images/${id}/tags/t`)).status, 404)
    t.equal((await who.get(`/v2/images/${id}/members`)).status, 404)
    t.equal((await who.post(`/v2/images/${id}/actions/deactivate`)).status, 404)
    t.equal((await who.upload(id, 'x')).status, 404)
    t.strictSame((await who.get(`/v2/images?id=${id}&visibility=all`)).json.images, [])
    t.equal((await who.get(`/v2/images?marker=${id}`)).status, 400)
  }
  t.equal((await owner.delete(`/v2/recycle-bin/${id}`)).status, 204)
  const left = await server.deps.pool.query(
    `select (select count(*) from image_properties where image_id = $1)
       + (select count(*) from image_tags where image_id = $1)
       + (select count(*) from image_members where image_id = $1)
       + (select count(*) from image_locations where image_id = $1)
       + (select count(*) from blobs where image_id = $1) as count`,
    [id],
  )
  t.equal(left.rows[0].count, 0)
})

t.test('a protected image is not deleted, by nobody, and everything else goes on', async t => {
  const { id } = await owner.create({ protected: true })
  t.equal((await owner.delete(`/v2/images/${id}`)).status, 403)
  t.equal((await root.delete(`/v2/images/${id}`)).status, 403)
  t.equal((await owner.upload(id, 'x')).status, 204)
  t.equal((await owner.post(`/v2/images/${id}/actions/deactivate`)).status, 204)
  t.equal((await owner.put(`/v2/images/${id}/tags/t`)).status, 204)
  await owner.patch(`/v2/images/${id}`, [{ op: 'replace', path: '/protected', value: false }])
  t.equal((await owner.delete(`/v2/images/${id}`)).status, 204)
})
