import { randomBytes, randomUUID } from 'node:crypto'
import { readdirSync } from 'node:fs'
import t, { type Test } from 'tap'
import { destroyExpired } from '../../../src/data/destroy.js'
import type { Deps } from '../../../src/deps.js'
import { admin, alice, bob, rita, startApp, type TestApp } from '../../helpers/app.js'
import { files, ledger, tidying } from '../../helpers/left.js'

t.setTimeout(120_000)

const DAY = 86_400_000
const ids = (answer: { json: { images: { id: string }[] } }) => answer.json.images.map(({ id }) => id)

const server = await startApp(t)
const owner = server.as(alice)
const root = server.as(admin)
const test = tidying(t, server)

const binOf = async (who = owner, query = '') => ids(await who.get(`/v2/recycle-bin${query}`))

test('a deleted image is gone for Glance’s API, and comes back as it was', async t => {
  const bytes = randomBytes(100_000)
  const { id } = await owner.createActive(bytes, { name: 'debian', os_distro: 'debian', tags: ['a', 'b'] })
  await owner.post(`/v2/images/${id}/members`, { member: 'beta' })
  await server.as(bob).put(`/v2/images/${id}/members/beta`, { status: 'accepted' })
  const before = (await owner.get(`/v2/images/${id}`)).json
  const began = Date.now()
  t.equal((await owner.delete(`/v2/images/${id}`)).status, 204)

  const gone = [
    await owner.get(`/v2/images/${id}`),
    await root.get(`/v2/images/${id}`),
    await owner.download(id),
    await owner.upload(id, 'other bytes'),
    await owner.patch(`/v2/images/${id}`, [{ op: 'replace', path: '/name', value: 'x' }]),
    await owner.get(`/v2/images/${id}/members`),
    await owner.get(`/v2/images/${id}/tasks`),
    await owner.put(`/v2/images/${id}/tags/c`),
    await owner.post(`/v2/images/${id}/actions/deactivate`),
    await owner.delete(`/v2/images/${id}`),
    await server.as(bob).get(`/v2/images/${id}`),
  ]
  t.strictSame(new Set(gone.map(({ status }) => status)), new Set([404]))
  for (const who of [owner, root, server.as(bob)])
    t.notOk(ids(await who.get('/v2/images?limit=1000')).includes(id))
  t.equal((await owner.get(`/v2/images?marker=${id}`)).status, 400)
  const taken = await owner.post('/v2/images', { id })
  t.equal(taken.status, 409, 'its id is in use')

  const shown = await owner.get(`/v2/recycle-bin/${id}`)
  t.equal(shown.status, 200)
  const { deleted_at, deleted_by, expires_at, self, ...rest } = shown.json
  t.strictSame({ ...rest, self: before.self }, before)
  t.equal(self, `/v2/recycle-bin/${id}`)
  t.equal(deleted_by, 'alice')
  t.ok(Math.abs(Date.parse(deleted_at) - began) < 60_000)
  t.equal(Date.parse(expires_at) - Date.parse(deleted_at), 7 * DAY)
  t.match((await owner.get('/v2/recycle-bin')).json, { images: [{ id, name: 'debian', deleted_at }] })

  const restored = await owner.post(`/v2/recycle-bin/${id}/restore`)
  t.equal(restored.status, 200)
  t.strictSame(restored.json, before)
  t.strictSame((await owner.get(`/v2/images/${id}`)).json, before)
  t.ok((await owner.download(id)).bytes.equals(bytes))
  t.ok(ids(await server.as(bob).get('/v2/images')).includes(id), 'its member finds it again')
  t.strictSame(await binOf(), [])
  t.equal((await owner.post(`/v2/recycle-bin/${id}/restore`)).status, 404)
  t.equal((await owner.delete(`/v2/recycle-bin/${id}`)).status, 404)
})

test('an image without bytes is destroyed at once', async t => {
  const { id } = await owner.create()
  t.equal((await owner.delete(`/v2/images/${id}`)).status, 204)
  const staged = await owner.create()
  await owner.send(
    'PUT',
    `/v2/images/${staged.id}/stage`,
    { 'content-type': 'application/octet-stream' },
    'some bytes',
  )
  t.equal((await owner.delete(`/v2/images/${staged.id}`)).status, 204)
  t.strictSame(await binOf(), [])
  t.equal((await owner.get(`/v2/recycle-bin/${id}`)).status, 404)
  t.equal((await owner.post('/v2/images', { id })).status, 409)
  t.strictSame(
    files(server).filter(name => name.includes(staged.id)),
    [],
  )
})

test('an image without a single byte has its data all the same', async t => {
  const { id } = await owner.createActive(Buffer.alloc(0))
  await owner.delete(`/v2/images/${id}`)
  t.equal((await owner.post(`/v2/recycle-bin/${id}/restore`)).json.status, 'active')
})

test('destroyed is destroyed, and the id is never used again', async t => {
  const { id } = await owner.createActive()
  await owner.delete(`/v2/images/${id}`)
  t.ok(files(server).some(name => name.includes(id)))
  t.equal((await owner.delete(`/v2/recycle-bin/${id}`)).status, 204)
  t.strictSame(
    files(server).filter(name => name.includes(id)),
    [],
  )
  t.equal((await owner.delete(`/v2/recycle-bin/${id}`)).status, 404)
  t.equal((await owner.post(`/v2/recycle-bin/${id}/restore`)).status, 404)
  t.equal((await owner.post('/v2/images', { id })).status, 409)
})

test('what is deactivated, hidden or named as another comes back as that', async t => {
  const one = await owner.createActive(undefined, { name: 'same', os_hidden: true })
  await owner.post(`/v2/images/${one.id}/actions/deactivate`)
  await owner.delete(`/v2/images/${one.id}`)
  const other = await owner.createActive(undefined, { name: 'same' })
  t.ok((await binOf()).includes(one.id), 'a hidden one is in the bin like any other')
  const restored = await owner.post(`/v2/recycle-bin/${one.id}/restore`)
  t.match(restored.json, { status: 'deactivated', os_hidden: true, name: 'same' })
  t.equal((await owner.show(other.id)).name, 'same')
})

test('a protected image does not get there', async t => {
  const { id } = await owner.createActive(undefined, { protected: true })
  t.equal((await owner.delete(`/v2/images/${id}`)).status, 403)
  t.equal((await owner.get(`/v2/recycle-bin/${id}`)).status, 404)
})

test('who may not delete learns nothing of what was deleted', async t => {
  const { id } = await root.createActive(undefined, { visibility: 'public' })
  await root.delete(`/v2/images/${id}`)
  const shared = await owner.createActive()
  await owner.post(`/v2/images/${shared.id}/members`, { member: 'beta' })
  await owner.delete(`/v2/images/${shared.id}`)
  for (const who of [server.as(bob), server.as(rita)])
    for (const one of [id, shared.id]) {
      t.equal((await who.get(`/v2/recycle-bin/${one}`)).status, 404)
      t.equal((await who.post(`/v2/recycle-bin/${one}/restore`)).status, 404)
      t.equal((await who.delete(`/v2/recycle-bin/${one}`)).status, 404)
    }
  t.equal((await server.as(rita).get('/v2/recycle-bin')).status, 403)
  t.equal((await server.as(rita).delete('/v2/recycle-bin')).status, 403)
  t.strictSame(await binOf(server.as(bob)), [])
  t.strictSame(await binOf(server.as(bob), '?owner=alpha'), [])
  t.equal((await server.as(bob).delete('/v2/recycle-bin?owner=alpha')).status, 403)
  t.equal((await server.as(bob).get(`/v2/recycle-bin?marker=${shared.id}`)).status, 400)
  t.ok((await binOf()).includes(shared.id))
  t.strictSame(await binOf(root), [id], 'the admin’s own project')
  t.ok((await binOf(root, '?owner=alpha')).includes(shared.id))
  t.equal((await root.get(`/v2/recycle-bin/${shared.id}`)).json.deleted_by, 'alice')
  t.equal((await root.post(`/v2/recycle-bin/${shared.id}/restore`)).status, 200)
})

test('an image that belongs to nobody is the admins’', async t => {
  const { id } = await root.createActive()
  await root.patch(`/v2/images/${id}`, [{ op: 'replace', path: '/owner', value: null }])
  await root.delete(`/v2/images/${id}`)
  t.strictSame(await binOf(root, '?owner='), [id])
  t.strictSame(await binOf(owner, '?owner='), [])
  t.equal((await owner.delete('/v2/recycle-bin?owner=')).status, 403)
  t.equal((await root.delete('/v2/recycle-bin?owner=')).status, 204)
  t.equal((await root.get(`/v2/recycle-bin/${id}`)).status, 404)
})

test('the bin is emptied for one project at a time', async t => {
  const mine = await Promise.all([1, 2, 3].map(() => owner.createActive()))
  const theirs = await server.as(bob).createActive()
  const kept = await owner.createActive()
  for (const { id } of mine) await owner.delete(`/v2/images/${id}`)
  await server.as(bob).delete(`/v2/images/${theirs.id}`)
  t.equal((await owner.delete('/v2/recycle-bin')).status, 204)
  t.strictSame(await binOf(), [])
  t.strictSame(await binOf(server.as(bob)), [theirs.id])
  t.equal((await owner.show(kept.id)).status, 'active')
  t.equal((await root.delete('/v2/recycle-bin?owner=beta')).status, 204)
  t.strictSame(await binOf(server.as(bob)), [])
  const left = new Set((await ledger(server)).map(row => row.image_id))
  for (const { id } of [...mine, theirs]) t.notOk(left.has(id))
})

test('pages, last deleted first, and the filters of the list', async t => {
  const made: string[] = []
  for (let n = 0; n < 7; n++) {
    const { id } = await owner.createActive(undefined, {
      name: `p${n % 2}`,
      tags: ['paged'],
      os_hidden: n === 3,
      os_distro: 'x',
    })
    await owner.delete(`/v2/images/${id}`)
    made.unshift(id)
  }
  const seen: string[][] = []
  let next: string | undefined = '/v2/recycle-bin?tag=paged&limit=3'
  while (next) {
    const { json } = await owner.get(next)
    seen.push(json.images.map((one: { id: string }) => one.id))
    next = json.next
    t.notOk('first' in json)
  }
  t.strictSame(seen.flat(), made)
  t.strictSame(
    seen.map(page => page.length),
    [3, 3, 1],
  )
  t.equal((await binOf(owner, '?tag=paged&name=p1')).length, 3)
  t.equal((await binOf(owner, '?tag=paged&os_distro=x&status=active')).length, 7)
  t.strictSame(await binOf(owner, '?tag=paged&os_hidden=true'), [made[3]])
  t.strictSame(await binOf(owner, '?limit=0'), [])
  for (const bad of [
    'limit=x',
    'limit=-1',
    'marker=nobody',
    `marker=${randomUUID()}`,
    'owner=%00',
    'status=gt:1',
  ])
    t.equal((await owner.get(`/v2/recycle-bin?${bad}`)).status, 400, bad)
  t.equal((await owner.delete('/v2/recycle-bin')).status, 204)
})

test('ids of any form are just not there', async t => {
  for (const id of ['x', '%00', 'a'.repeat(300), '..%2f..', '%F0%9F%92%A9']) {
    t.equal((await owner.get(`/v2/recycle-bin/${id}`)).status, 404, id)
    t.equal((await owner.post(`/v2/recycle-bin/${id}/restore`)).status, 404, id)
    t.equal((await owner.delete(`/v2/recycle-bin/${id}`)).status, 404, id)
  }
})

test('of many restorations and destructions at once one wins', async t => {
  for (let round = 0; round < 6; round++) {
    const { id } = await owner.createActive(randomBytes(5000))
    await owner.delete(`/v2/images/${id}`)
    const answers = await Promise.all(
      Array.from({ length: 8 }, (_, n) =>
        n % 2
          ? owner.post(`/v2/recycle-bin/${id}/restore`).then(({ status }) => status)
          : owner.delete(`/v2/recycle-bin/${id}`).then(({ status }) => status),
      ),
    )
    t.equal(answers.filter(status => status !== 404).length, 1, String(answers))
    const restored = answers.includes(200)
    t.equal((await owner.download(id)).status, restored ? 200 : 404)
    t.equal(files(server).filter(name => name.includes(id)).length, restored ? 1 : 0)
  }
})

test('deleted and restored over and over while others look', async t => {
  const { id } = await owner.createActive(Buffer.from('the same'))
  const steps = Array.from({ length: 40 }, (_, n) =>
    n % 2 ? owner.delete(`/v2/images/${id}`) : owner.post(`/v2/recycle-bin/${id}/restore`),
  )
  for (const { status } of await Promise.all(steps)) t.ok([200, 204, 404].includes(status))
  const inBin = (await owner.get(`/v2/recycle-bin/${id}`)).status === 200
  t.equal((await owner.get(`/v2/images/${id}`)).status, inBin ? 404 : 200)
  if (inBin) await owner.post(`/v2/recycle-bin/${id}/restore`)
  t.equal((await owner.download(id)).text, 'the same')
})

/** An application whose clock can be set forward. */
async function withClock(t: Test, overrides = {}) {
  let ahead = 0
  const running = await startApp(t, overrides, {
    change: () => ({ now: () => new Date(Date.now() + ahead) }),
  })
  const wait = (days: number) => {
    ahead += days * DAY
  }
  return { running, me: running.as(alice), wait }
}

const run = (running: TestApp, config: Partial<Deps['config']> = {}) =>
  destroyExpired({ ...running.deps, config: { ...running.deps.config, ...config } })

t.test('what nobody restored in time is destroyed by a job, also when the bin was switched off', async t => {
  const { running, me, wait } = await withClock(t)
  const [first, second, kept] = await Promise.all([1, 2, 3].map(() => me.createActive()))
  await me.delete(`/v2/images/${first!.id}`)
  wait(4)
  await me.delete(`/v2/images/${second!.id}`)
  wait(2.9)
  await run(running)
  t.strictSame(await binOf(me), [second!.id, first!.id])
  wait(0.2)
  await run(running, { recycle_bin: 0 })
  t.strictSame(await binOf(me), [second!.id], 'the promise that was given holds')
  wait(4)
  await run(running, { recycle_bin: 0 })
  t.strictSame(await binOf(me), [])
  t.equal(files(running).length, 1)
  t.equal((await me.show(kept!.id)).status, 'active')
})

t.test('the jobs of the application do that', async t => {
  const { running, me, wait } = await withClock(t)
  const { features } = await import('../../../src/app.js')
  const { id } = await me.createActive()
  await me.delete(`/v2/images/${id}`)
  wait(8)
  for (const job of features.flatMap(({ jobs = [] }) => jobs))
    await job.run(running.deps, new AbortController().signal, false)
  t.equal((await me.get(`/v2/recycle-bin/${id}`)).status, 404)
  t.strictSame(files(running), [])
})

t.test('a restored image that is deleted again has all its time again', async t => {
  const { running, me, wait } = await withClock(t)
  const { id } = await me.createActive()
  await me.delete(`/v2/images/${id}`)
  wait(6)
  await me.post(`/v2/recycle-bin/${id}/restore`)
  await me.delete(`/v2/images/${id}`)
  wait(6)
  await run(running)
  t.strictSame(await binOf(me), [id])
})

t.test('a project has so much in the bin, and the oldest go first', async t => {
  const { running, me } = await withClock(t, { recycle_bin_max_size: 25_000 })
  const other = running.as(bob)
  const theirs = await other.createActive(randomBytes(20_000))
  await other.delete(`/v2/images/${theirs.id}`)
  const made: string[] = []
  for (let n = 0; n < 4; n++) {
    const { id } = await me.createActive(randomBytes(10_000))
    await me.delete(`/v2/images/${id}`)
    made.unshift(id)
  }
  t.strictSame(await binOf(me), made.slice(0, 2))
  const large = await me.createActive(randomBytes(25_001))
  await me.delete(`/v2/images/${large.id}`)
  t.strictSame(await binOf(me), made.slice(0, 2), 'what is too large at all moves nothing')
  t.equal(files(running).length, 3)
  await run(running, { recycle_bin_max_size: 15_000 })
  t.strictSame(await binOf(me), [made[0]], 'also when the setting was lowered')
  t.strictSame(await binOf(other), [])
  await run(running, { recycle_bin_max_size: 0 })
  t.strictSame(files(running), [])
})

t.test('many deletions at once leave no more than that', async t => {
  const { running, me } = await withClock(t, { recycle_bin_max_size: 30_000 })
  const images = await Promise.all(Array.from({ length: 10 }, () => me.createActive(randomBytes(10_000))))
  const answers = await Promise.all(images.map(({ id }) => me.delete(`/v2/images/${id}`)))
  t.strictSame(new Set(answers.map(({ status }) => status)), new Set([204]))
  t.equal((await binOf(me)).length, 3)
  t.equal(files(running).length, 3)
})

t.test('without a bin deleted is destroyed', async t => {
  const running = await startApp(t, { recycle_bin: 0 })
  const me = running.as(alice)
  const { id } = await me.createActive()
  await me.delete(`/v2/images/${id}`)
  t.strictSame(files(running), [])
  t.strictSame((await me.get('/v2/recycle-bin')).json, { images: [] })
  t.equal((await me.post('/v2/images', { id })).status, 409)
})

t.test('what is in the bin counts for no limit, and has to fit to come back', async t => {
  const MiB = 2 ** 20
  const running = await startApp(t, { limit_image_count_total: 2, limit_image_size_total: 5 })
  const me = running.as(alice)
  const usage = async () => (await me.get('/v2/info/usage')).json.usage
  const { id } = await me.createActive(randomBytes(3 * MiB))
  await me.delete(`/v2/images/${id}`)
  t.match(await usage(), { image_count_total: { usage: 0 }, image_size_total: { usage: 0 } })
  const large = await me.createActive(randomBytes(4 * MiB))
  const refused = await me.post(`/v2/recycle-bin/${id}/restore`)
  t.equal(refused.status, 413)
  t.match(refused.text, /image_size_total is over limit of 5 due to current usage 4 and delta 3/)
  t.equal((await me.get(`/v2/recycle-bin/${id}`)).status, 200, 'it is there still')
  await me.delete(`/v2/images/${large.id}`)
  const small = await Promise.all([me.create(), me.create()])
  t.equal((await me.post(`/v2/recycle-bin/${id}/restore`)).status, 413, 'too many')
  await me.delete(`/v2/images/${small[0].id}`)
  t.equal((await me.post(`/v2/recycle-bin/${id}/restore`)).status, 200)
  t.match(await usage(), { image_count_total: { usage: 2 }, image_size_total: { usage: 3 } })

  const root = running.as(admin)
  const full = await root.post(`/v2/recycle-bin/${large.id}/restore`)
  t.equal(full.status, 413, 'it is the owner’s limit, whoever restores')
})

t.test('restorations at once cannot pass the limit together', async t => {
  const running = await startApp(t, { limit_image_count_total: 6 })
  const me = running.as(alice)
  const images = await Promise.all(Array.from({ length: 6 }, () => me.createActive()))
  for (const { id } of images) await me.delete(`/v2/images/${id}`)
  await Promise.all([1, 2, 3, 4].map(() => me.create()))
  const answers = await Promise.all(images.map(({ id }) => me.post(`/v2/recycle-bin/${id}/restore`)))
  t.strictSame(answers.map(({ status }) => status).toSorted(), [200, 200, 413, 413, 413, 413])
})

t.test('deletion takes the copy out of the cache', async t => {
  const cache_dir = t.testdir()
  const running = await startApp(t, { cache_dir })
  const me = running.as(alice)
  const { id } = await me.createActive(randomBytes(1000))
  await me.download(id)
  await running.deps.cache!.fetch(
    {
      id,
      size: 1000,
      md5: String((await me.show(id)).checksum),
      version: String((await me.show(id)).checksum),
    },
    async () => Promise.reject(new Error('it is there')),
  )
  t.equal(readdirSync(`${cache_dir}/images`).length, 1)
  await me.delete(`/v2/images/${id}`)
  t.strictSame(readdirSync(`${cache_dir}/images`), [])
  await me.post(`/v2/recycle-bin/${id}/restore`)
  t.equal((await me.download(id)).bytes.length, 1000)
})
