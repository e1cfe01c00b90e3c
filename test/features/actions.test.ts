import { join } from 'node:path'
import t from 'tap'
import { admin, alice, bob, rita, startApp } from '../helpers/app.js'
import type { Client } from '../helpers/client.js'

const server = await startApp(t, { show_image_direct_url: true, show_multiple_locations: true })
const owner = server.as(alice)
const root = server.as(admin)
const act = (who: Client, id: string, action: string) => who.post(`/v2/images/${id}/actions/${action}`)

t.test('a deactivated image keeps its bytes from everyone but admins', async t => {
  const bytes = Buffer.from('some bytes')
  const { id, ...before } = await owner.createActive(bytes)
  t.match(before.direct_url, /^file:\/\//)
  t.match(before.locations, [{ metadata: { store: 'fast' } }])
  t.equal(before.stores, 'fast')
  t.equal((await act(owner, id, 'deactivate')).status, 204)
  t.equal((await act(owner, id, 'deactivate')).status, 204, 'again')
  const shown = await owner.show(id)
  t.equal(shown.status, 'deactivated')
  t.strictSame(shown.locations, [])
  t.notOk('direct_url' in shown)
  t.notOk('stores' in shown)
  t.match(await root.show(id), { direct_url: before.direct_url, stores: 'fast' })
  t.equal((await owner.download(id)).status, 403)
  t.equal((await owner.download(id, { range: 'bytes=0-1' })).status, 403)
  t.strictSame((await root.download(id)).bytes, bytes)
  t.equal((await owner.patch(`/v2/images/${id}`, [{ op: 'add', path: '/p', value: 'x' }])).status, 200)
  t.equal((await act(owner, id, 'reactivate')).status, 204)
  t.equal((await act(owner, id, 'reactivate')).status, 204, 'again')
  t.strictSame((await owner.download(id)).bytes, bytes)
})

t.test('who may', async t => {
  const { id } = await owner.createActive(undefined, { visibility: 'shared' })
  await owner.post(`/v2/images/${id}/members`, { member: 'beta' })
  t.equal((await act(server.as(bob), id, 'deactivate')).status, 403)
  t.equal((await act(server.as(rita), id, 'deactivate')).status, 403)
  t.equal((await act(server.as({ project_id: 'gamma' }), id, 'deactivate')).status, 404)
  t.equal((await act(root, id, 'deactivate')).status, 204)
  t.equal((await act(server.as(bob), id, 'reactivate')).status, 403)
  t.equal((await act(owner, id, 'reactivate')).status, 204)
  t.equal((await act(owner, 'nothing', 'reactivate')).status, 404)
})

t.test('form', async t => {
  const { id } = await owner.createActive()
  const at = `/v2/images/${id}/actions/deactivate`
  t.equal((await owner.post(at, {})).status, 400, 'a body')
  t.equal((await owner.post(at, undefined, { 'content-type': 'application/json' })).status, 204)
  t.equal((await owner.get(at)).status, 405)
  t.equal((await owner.get(at)).headers.allow, 'POST')
  t.equal((await owner.post(`/v2/images/${id}/actions/explode`)).status, 404)
})

t.test('many who do the same at once all succeed', async t => {
  const { id } = await owner.createActive()
  for (const action of ['deactivate', 'reactivate']) {
    const answers = await Promise.all(Array.from({ length: 12 }, () => act(owner, id, action)))
    t.strictSame([...new Set(answers.map(answer => answer.status))], [204], action)
  }
})

t.test('no policy lets others deactivate an image', async t => {
  const policy_file = join(t.testdir({ 'policy.yaml': 'deactivate: ""\n' }), 'policy.yaml')
  const open = await startApp(t, { policy_file })
  const { id } = await open.as(admin).createActive(undefined, { visibility: 'public' })
  t.equal((await act(open.as(bob), id, 'deactivate')).status, 403)
  t.equal((await act(open.as(admin), id, 'deactivate')).status, 204)
})
