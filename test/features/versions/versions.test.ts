/** Versions of an image through the API: adding, listing, promoting, going back, and the lineage's own address. */
import { randomUUID } from 'node:crypto'
import t from 'tap'
import { admin, alice, bob, rita, startApp } from '../../helpers/app.js'
import type { Client } from '../../helpers/client.js'

const server = await startApp(t)
const owner = server.as(alice)
const reader = server.as(rita)
const stranger = server.as(bob)
const root = server.as(admin)
const service = server.as({ user_id: 'nova', project_id: 'services', roles: ['service', 'reader', 'member'] })

const at = (id: string, rest = '') => `/v2/images/${id}/versions${rest}`

/** Adds a version and gives it bytes; returns its image's id. */
async function next(who: Client, id: string, comment = 'newer'): Promise<string> {
  const made = await who.post(at(id), { comment })
  if (made.status !== 201) throw new Error(`no version: ${made.status} ${made.text}`)
  const put = await who.upload(made.json.image_id, Buffer.from(comment))
  if (put.status !== 204) throw new Error(`no bytes: ${put.status} ${put.text}`)
  return made.json.image_id
}

const promote = (who: Client, id: string, version: number, comment?: string) =>
  who.put(at(id, '/production'), { version, ...(comment !== undefined && { comment }) })

t.test('the first version added makes the image version 1, in production', async t => {
  const first = await owner.createActive(Buffer.from('one'), { name: 'web', os_distro: 'debian' })
  t.equal((await owner.get(at(first.id))).status, 404, 'no versions yet')
  t.equal((await owner.get(at(first.id, '/latest'))).status, 404)
  const made = await owner.post(at(first.id), { comment: 'security fixes' })
  t.equal(made.status, 201)
  t.match(made.json, {
    version: 2,
    comment: 'security fixes',
    status: 'queued',
    size: null,
    os_hash_value: null,
    production: false,
    created_by: 'alice',
  })
  t.equal(new URL(String(made.headers.location)).pathname, at(made.json.image_id, '/2'))
  t.match(await owner.show(first.id), { os_glance_version: '1', os_glance_production: 'true' })
  t.equal((await owner.show(first.id)).updated_at, first.updated_at, 'its own attributes are as they were')
  const { json } = await owner.get(at(made.json.image_id))
  t.match(json, { name: 'web', production: 1 })
  t.same(
    json.versions.map((one: Record<string, unknown>) => [
      one.version,
      one.image_id,
      one.production,
      one.comment,
    ]),
    [
      [2, made.json.image_id, false, 'security fixes'],
      [1, first.id, true, null],
    ],
  )
  t.equal((await owner.get(at(first.id, '/latest'))).json.version, 1, 'the highest that is active')
  await owner.upload(made.json.image_id, Buffer.from('two'))
  const latest = (await owner.get(at(first.id, '/latest'))).json
  t.match(latest, { version: 2, size: 3, status: 'active', os_hash_value: /^[0-9a-f]{128}$/ })
  t.equal((await owner.get(at(first.id, '/production'))).json.version, 1, 'bytes put nothing in production')
  t.equal((await owner.get(at(first.id, '/1'))).json.image_id, first.id)
  for (const which of ['0', '3', '01', '-1', 'newest', '99999999999', '1.0'])
    t.equal((await owner.get(at(first.id, `/${which}`))).status, 404, which)
})

t.test('a version of a queued image: nothing is in production until it is put there', async t => {
  const { id } = await owner.create({ name: 'empty' })
  await owner.post(at(id), { comment: 'first' })
  const { json } = await owner.get(at(id))
  t.match(json, { production: null, name: 'empty' })
  t.equal((await owner.get(at(id, '/production'))).status, 404)
  t.equal((await owner.get(at(id, '/latest'))).status, 404)
  t.same((await owner.get(at(id, '/history'))).json, { history: [] })
  t.equal((await promote(owner, id, 1)).status, 409, 'not active')
  t.equal((await owner.get(`/v2/lineages/${json.lineage}`)).json.production, null)
  t.equal((await owner.get(`/v2/lineages/${json.lineage}/image`)).status, 404)
  t.equal((await reader.get(`/v2/lineages/${json.lineage}`)).status, 404)
  t.equal((await owner.get('/v2/images?name=empty')).json.images.length, 2, 'both are listed')
  t.equal((await reader.get('/v2/images?name=empty')).json.images.length, 0)
  await owner.upload(id, Buffer.from('x'))
  t.equal((await promote(owner, id, 1)).status, 200)
  t.equal((await owner.get('/v2/images?name=empty')).json.images.length, 1)
})

t.test('what a copy takes over, and what it does not', async t => {
  const image = await owner.create({
    name: 'full',
    min_disk: 3,
    min_ram: 4,
    disk_format: 'qcow2',
    visibility: 'community',
    os_hidden: true,
    os_distro: 'debian',
    img_signature_hash_method: 'SHA-256',
    cinder_encryption_key_id: randomUUID(),
    os_encrypt_format: 'LUKSv2',
    'owner_specified.openstack.md5': 'x',
    tags: ['a', 'b'],
  })
  await owner.patch(`/v2/images/${image.id}`, [
    { op: 'replace', path: '/protected', value: true },
    { op: 'replace', path: '/visibility', value: 'shared' },
  ])
  await owner.post(`/v2/images/${image.id}/members`, { member: 'beta' })
  await owner.post(`/v2/images/${image.id}/members`, { member: 'gamma' })
  await stranger.put(`/v2/images/${image.id}/members/beta`, { status: 'accepted' })
  for (const body of [
    { kind: 'group', target: 'builders' },
    { kind: 'domain', target: 'east' },
  ])
    t.equal((await root.post(`/v2/images/${image.id}/shares`, body)).status, 201)
  const defaults = { cpu_cores: 2, memory_mb: null, max_concurrent_use: 9 }
  t.equal((await owner.put(`/v2/images/${image.id}/launch-defaults`, defaults)).status, 200)
  const made = (await server.as({ user_id: 'amy' }).post(at(image.id), { comment: 'c' })).json
  const copy = await owner.show(made.image_id)
  t.match(copy, {
    name: 'full',
    owner: 'alpha',
    min_disk: 3,
    min_ram: 4,
    disk_format: 'qcow2',
    container_format: 'bare',
    visibility: 'shared',
    protected: false,
    os_hidden: false,
    os_distro: 'debian',
    tags: ['a', 'b'],
    size: null,
  })
  t.equal(made.created_by, 'amy')
  for (const name of Object.keys(image).filter(name => /^(img_sig|cinder_enc|os_enc|owner_spec)/.test(name)))
    t.notOk(name in copy, name)
  t.match((await owner.get(`/v2/images/${made.image_id}/launch-defaults`)).json, defaults)
  const { shares } = (await owner.get(`/v2/images/${made.image_id}/shares`)).json
  t.same(shares.map((one: Record<string, string>) => `${one.kind} ${one.target}`).sort(), [
    'domain east',
    'group builders',
  ])
  const { members } = (await owner.get(`/v2/images/${made.image_id}/members`)).json
  t.same(members.map((one: Record<string, string>) => [one.member_id, one.status]).sort(), [
    ['beta', 'accepted'],
    ['gamma', 'pending'],
  ])
  t.equal(
    (await stranger.get(`/v2/images/${made.image_id}`)).status,
    404,
    'members see what is in production',
  )
})

t.test('an image that is there becomes the next version', async t => {
  const first = await owner.createActive(Buffer.from('one'), { name: 'golden' })
  const snapshot = await owner.createActive(Buffer.from('snapshot'), { name: 'snapshot' })
  const adopt = (image_id: string, id = first.id, who = owner) =>
    who.post(at(id), { comment: 'taken', image_id })
  t.equal((await adopt(first.id)).status, 409, 'itself')
  t.equal((await adopt(randomUUID())).status, 404)
  t.equal((await adopt((await stranger.createActive()).id)).status, 404, "another project's, not to be seen")
  const foreign = await stranger.createActive(Buffer.from('x'), { visibility: 'community' })
  t.equal((await adopt(foreign.id)).status, 403, "another project's")
  t.equal((await adopt(foreign.id, first.id, root)).status, 409, 'another owner, also for admins')
  t.equal((await adopt((await owner.create()).id)).status, 409, 'without bytes')
  t.equal((await owner.get(at(first.id))).status, 404, 'what was refused began no lineage')
  const made = await adopt(snapshot.id)
  t.equal(made.status, 201)
  t.match(made.json, { version: 2, image_id: snapshot.id, status: 'active', comment: 'taken' })
  t.equal((await adopt(snapshot.id)).status, 409, 'twice')
  const other = await owner.createActive()
  t.equal((await adopt(snapshot.id, other.id)).status, 409, 'of two lineages')
  t.equal((await owner.get(at(first.id))).json.name, 'golden')
  t.equal((await promote(owner, first.id, 2)).status, 200)
  t.equal((await owner.get(at(first.id))).json.name, 'snapshot', 'that of the one in production')
})

t.test('promotion, rollback and history', async t => {
  const first = await owner.createActive(Buffer.from('v1'), { name: 'app' })
  for (const n of [2, 3, 4]) await next(owner, first.id, `v${n}`)
  const back = () => owner.post(at(first.id, '/rollback'))
  const now = async () => (await owner.get(at(first.id, '/production'))).json.version
  t.equal((await back()).status, 409, 'nothing was before')
  const put = await promote(owner, first.id, 2, 'tested')
  t.equal(put.status, 200)
  t.match(put.json, { version: 2, production: true })
  t.equal((await promote(owner, first.id, 2)).status, 200, 'again changes nothing')
  await promote(owner, first.id, 4)
  await promote(owner, first.id, 3)
  t.match((await back()).json, { version: 4, production: true })
  t.equal((await back()).json.version, 2)
  t.equal((await back()).json.version, 1)
  t.equal((await back()).status, 409, 'nothing lies before the first')
  t.equal(await now(), 1)
  const { history } = (await owner.get(at(first.id, '/history'))).json
  t.same(
    history.map((one: Record<string, unknown>) => [one.from, one.to, one.by, one.comment]),
    [
      [2, 1, 'alice', null],
      [4, 2, 'alice', null],
      [3, 4, 'alice', null],
      [4, 3, 'alice', null],
      [2, 4, 'alice', null],
      [1, 2, 'alice', 'tested'],
      [null, 1, 'alice', null],
    ],
  )
  // on from here, and back over what is not active any more
  await promote(owner, first.id, 3)
  await promote(owner, first.id, 4)
  await promote(owner, first.id, 2)
  const { image_id: four } = (await owner.get(at(first.id, '/4'))).json
  const { image_id: three } = (await owner.get(at(first.id, '/3'))).json
  await owner.post(`/v2/images/${four}/actions/deactivate`)
  t.equal((await owner.delete(`/v2/images/${three}`)).status, 204)
  t.equal((await back()).json.version, 1)
  t.equal((await back()).status, 409)
  const paged: { id: number }[] = []
  let url = at(first.id, '/history?limit=4')
  for (let n = 0; url && n < 10; n++) {
    const { json } = await owner.get(url)
    t.ok(json.history.length <= 4)
    paged.push(...json.history)
    url = json.next
  }
  t.equal(paged.length, 11)
  t.same(paged, (await owner.get(at(first.id, '/history'))).json.history)
  t.ok(paged.every((one, n) => n === 0 || one.id < paged[n - 1]!.id))
})

t.test('only what is active is put in production', async t => {
  const first = await owner.createActive(Buffer.from('v1'))
  const queued = (await owner.post(at(first.id), { comment: 'no bytes' })).json
  t.equal((await promote(owner, first.id, 2)).status, 409)
  await owner.upload(queued.image_id, Buffer.from('v2'))
  await owner.post(`/v2/images/${queued.image_id}/actions/deactivate`)
  t.equal((await promote(owner, first.id, 2)).status, 409)
  t.equal((await promote(owner, first.id, 3)).status, 404)
  t.equal((await owner.get(at(first.id, '/production'))).json.version, 1)
  await owner.post(`/v2/images/${queued.image_id}/actions/reactivate`)
  t.equal((await promote(owner, first.id, 2)).status, 200)
})

t.test('deleting: the one in production last; numbers are not given twice', async t => {
  const first = await owner.createActive(Buffer.from('v1'), { name: 'to delete' })
  const second = await next(owner, first.id)
  const refused = await owner.delete(`/v2/images/${first.id}`)
  t.equal(refused.status, 409)
  t.match(refused.text, /in production/)
  t.equal((await owner.download(first.id)).text, 'v1')
  t.equal((await owner.delete(`/v2/images/${second}`)).status, 204)
  t.equal((await owner.get(at(first.id))).json.versions.length, 1)
  const third = (await owner.post(at(first.id), { comment: 'c' })).json
  t.equal(third.version, 3)
  t.equal((await owner.delete(`/v2/images/${first.id}`)).status, 409, 'others without bytes count, too')
  t.equal((await owner.delete(`/v2/images/${third.image_id}`)).status, 204)
  const { os_glance_lineage } = await owner.show(first.id)
  t.equal((await owner.delete(`/v2/images/${first.id}`)).status, 204)
  t.equal((await owner.get(`/v2/lineages/${os_glance_lineage}`)).status, 404)
  const row = await server.deps.db
    .selectFrom('images')
    .selectAll()
    .where('id', '=', first.id)
    .executeTakeFirstOrThrow()
  t.match(
    row,
    { production: false, lineage: os_glance_lineage, version: 1 },
    'what comes back is not in production',
  )
})

t.test('what comes back from the recycle bin is not in production', async t => {
  const first = await owner.createActive(Buffer.from('v1'), { name: 'binned' })
  const second = await next(owner, first.id)
  const restore = (id: string) => owner.post(`/v2/recycle-bin/${id}/restore`)
  const { os_glance_lineage: lineage } = await owner.show(first.id)
  await promote(owner, first.id, 2)
  t.equal((await owner.delete(`/v2/images/${first.id}`)).status, 204)
  t.equal((await owner.get(at(second, '/1'))).status, 404)
  t.equal((await promote(owner, second, 1)).status, 404)
  t.equal((await owner.post(at(second, '/rollback'))).status, 409, 'what is in the bin is not gone back to')
  t.equal((await owner.delete(`/v2/images/${second}`)).status, 204, 'siblings in the bin do not count')
  t.equal((await owner.get(`/v2/lineages/${lineage}`)).status, 404)
  t.equal((await restore(second)).status, 200)
  t.match(await owner.show(second), { os_glance_version: '2', os_glance_production: 'false' })
  t.equal((await owner.get(at(second))).json.production, null)
  t.equal((await reader.get(`/v2/images/${second}`)).status, 404)
  t.equal((await owner.post(at(second, '/rollback'))).json.version, 2, 'back to what was last')
  t.equal((await restore(first.id)).status, 200)
  t.match(await owner.show(first.id), { os_glance_version: '1', os_glance_production: 'false' })
  t.equal((await owner.get('/v2/images?name=binned')).json.images.length, 1)
  t.equal((await owner.post(at(second, '/rollback'))).json.version, 1)
})

t.test('one in production may be deactivated, and is then nobody else’s to use', async t => {
  const first = await owner.createActive(Buffer.from('v1'), { name: 'withdrawn' })
  await next(owner, first.id)
  const { os_glance_lineage: lineage } = await owner.show(first.id)
  t.equal((await owner.get(`/v2/lineages/${lineage}/image`)).json.id, first.id)
  t.equal((await owner.post(`/v2/images/${first.id}/actions/deactivate`)).status, 204)
  t.equal((await owner.get(`/v2/lineages/${lineage}/image`)).status, 404)
  t.match((await owner.get(at(first.id, '/production'))).json, { version: 1, status: 'deactivated' })
  t.equal((await owner.get('/v2/images?name=withdrawn')).json.images.length, 1)
  t.equal((await promote(owner, first.id, 2)).status, 200)
  t.equal((await owner.get(`/v2/lineages/${lineage}/image`)).status, 200)
})

t.test('all versions have one owner: given to another project, they go together', async t => {
  const first = await owner.createActive(Buffer.from('v1'), { name: 'given away' })
  const second = await next(owner, first.id)
  const binned = await next(owner, first.id, 'binned')
  const destroyed = await next(owner, first.id, 'destroyed')
  for (const id of [binned, destroyed]) await owner.delete(`/v2/images/${id}`)
  await owner.delete(`/v2/recycle-bin/${destroyed}`)
  const give = (id: string, value: string) =>
    root.patch(`/v2/images/${id}`, [{ op: 'replace', path: '/owner', value }])
  const { updated_at } = await owner.show(first.id)
  t.equal((await give(second, 'beta')).status, 200)
  for (const id of [first.id, second]) {
    t.equal((await stranger.show(id)).owner, 'beta')
    t.equal((await owner.get(`/v2/images/${id}`)).status, 404)
  }
  t.ok(String((await stranger.show(first.id)).updated_at) >= String(updated_at))
  t.match((await stranger.get(at(second))).json, {
    production: 1,
    versions: [{ version: 2 }, { version: 1 }],
  })
  t.equal((await promote(stranger, second, 2)).status, 200)
  const inBin = async (who: Client) =>
    (await who.get('/v2/recycle-bin?name=given%20away')).json.images.map(({ id }: { id: string }) => id)
  t.strictSame(await inBin(owner), [])
  t.strictSame(await inBin(stranger), [binned])
  t.equal((await stranger.post(`/v2/recycle-bin/${binned}/restore`)).status, 200)
  t.equal((await stranger.get(at(first.id))).json.versions.length, 3)
  t.equal((await give(first.id, 'alpha')).status, 200, 'and back')
  t.equal((await owner.get(at(first.id))).json.versions.length, 3)
})

t.test('nothing becomes public by somebody who may not publish', async t => {
  const { id } = await root.createActive(Buffer.from('v1'), {
    name: 'base',
    owner: 'alpha',
    visibility: 'public',
  })
  const mine = (await owner.post(at(id), { comment: 'a copy' })).json.image_id
  t.equal((await owner.show(mine)).visibility, 'shared', 'a copy is not public')
  const theirs = (await root.post(at(id), { comment: "an admin's copy" })).json.image_id
  t.match(await owner.show(theirs), { visibility: 'public', owner: 'alpha' })
  await owner.upload(theirs, Buffer.from('v3'))
  await owner.upload(mine, Buffer.from('v2'))
  t.equal((await stranger.get(`/v2/images/${theirs}`)).status, 404)
  t.equal((await promote(owner, id, 3)).status, 403)
  t.equal((await owner.get(at(id, '/production'))).json.version, 1)
  t.equal((await promote(owner, id, 2)).status, 200, 'one that is not public')
  t.equal((await stranger.get('/v2/images?name=base')).json.images.length, 0)
  t.equal((await owner.post(at(id, '/rollback'))).status, 403, 'nor by going back')
  t.equal((await promote(root, id, 3)).status, 200)
  t.equal((await stranger.get(`/v2/images/${theirs}`)).status, 200)
  const open = await owner.createActive(Buffer.from('x'), { visibility: 'community' })
  const copy = (await owner.post(at(open.id), { comment: 'c' })).json.image_id
  t.equal((await owner.show(copy)).visibility, 'community', 'members may make community images')
})

t.test('what is asked for must make sense', async t => {
  const { id } = await owner.createActive()
  const refused: unknown[] = [
    {},
    { comment: '' },
    { comment: '  ' },
    { comment: 5 },
    { comment: null },
    { comment: 'x'.repeat(1001) },
    { comment: 'a\0b' },
    { comment: '\ud800' },
    { comment: 'x', image_id: 5 },
    { comment: 'x', image_id: 'x'.repeat(37) },
    { comment: 'x', more: true },
    [],
    'text',
  ]
  for (const body of refused)
    t.equal((await owner.post(at(id), body)).status, 400, JSON.stringify(body).slice(0, 60))
  t.equal((await owner.post(at(id))).status, 400)
  t.equal((await owner.post(at(id), { comment: 'x', image_id: 'a\0b' })).status, 404)
  t.equal((await owner.get(at(id))).status, 404)
  t.equal((await owner.put(at(id, '/production'), { version: 1 })).status, 404)
  t.equal((await owner.post(at(id, '/rollback'))).status, 404)
  t.equal((await owner.get(at(id, '/history'))).status, 404)
  t.equal((await owner.post(at(id), { comment: '😀'.repeat(500) })).status, 201)
  for (const version of [0, -1, 1.5, '1', null, 2 ** 31, undefined])
    t.equal((await owner.put(at(id, '/production'), { version })).status, 400, String(version))
  t.equal((await owner.put(at(id, '/production'), { version: 1, comment: '' })).status, 400)
  for (const marker of ['x', '-1', '1.5', '9'.repeat(16), '%00'])
    for (const list of ['', '/history'])
      t.equal((await owner.get(at(id, `${list}?marker=${marker}`))).status, 400, marker)
  t.equal((await owner.get(at(id, '?marker=999999999999999'))).json.versions.length, 2)
  t.equal((await owner.get(at(id, '?limit=x'))).status, 400)
  t.same((await owner.get(at(id, '?limit=0'))).json.versions, [])
  for (const query of ['marker=none', 'marker=%00', 'limit=-1', 'name=%00', 'owner=%00'])
    t.equal((await owner.get(`/v2/lineages?${query}`)).status, 400, query)
  for (const id of ['none', '%00', 'x'.repeat(100)]) {
    t.equal((await owner.get(`/v2/lineages/${id}`)).status, 404)
    t.equal((await owner.get(`/v2/lineages/${id}/image`)).status, 404)
    t.equal((await owner.post(at(id), { comment: 'x' })).status, 404)
  }
  t.equal((await owner.delete(at(id))).status, 405)
})

t.test('versions and lineages come in pages', async t => {
  const own = { user_id: 'pat', project_id: 'pages' }
  const who = server.as(own)
  const ids: string[] = []
  for (let n = 0; n < 5; n++) {
    const { id } = await who.createActive(Buffer.from('x'), { name: n < 3 ? 'three' : 'two' })
    await who.post(at(id), { comment: 'c' })
    ids.push(id)
  }
  for (let n = 0; n < 3; n++) await who.post(at(ids[0]!), { comment: 'c' })
  const walk = async (url: string, key: string) => {
    const rows: Record<string, unknown>[] = []
    for (let n = 0; url && n < 20; n++) {
      const { status, json } = await who.get(url)
      t.equal(status, 200, url)
      rows.push(...json[key])
      url = json.next
    }
    return rows
  }
  const versions = await walk(at(ids[0]!, '?limit=2'), 'versions')
  t.same(
    versions.map(one => one.version),
    [5, 4, 3, 2, 1],
  )
  const lineages = await walk('/v2/lineages?owner=pages&limit=2', 'lineages')
  t.same(
    lineages.map(one => one.image_id),
    ids.toReversed(),
  )
  t.match(lineages[0], { name: 'two', owner: 'pages', production: 1 })
  t.same(await walk('/v2/lineages?limit=1&name=three', 'lineages'), lineages.slice(2))
  t.same(await walk('/v2/lineages?owner=alpha&name=web', 'lineages'), [])
  t.same((await who.get('/v2/lineages?limit=0')).json, { lineages: [] })
  t.same((await stranger.get('/v2/lineages?name=three')).json, { lineages: [] })
  await who.patch(`/v2/images/${ids[4]}`, [{ op: 'replace', path: '/os_hidden', value: true }])
  t.equal(
    (await walk('/v2/lineages?owner=pages', 'lineages')).length,
    4,
    'hidden ones are in no default list',
  )
})

t.test('each may do what the project’s makers of images may do', async t => {
  const shared = await owner.createActive(Buffer.from('v1'), { name: 'rules' })
  const { id } = shared
  await owner.post(`/v2/images/${id}/members`, { member: 'beta' })
  const second = await next(owner, id)
  const { os_glance_lineage: lineage } = await owner.show(id)
  const noReader = server.as({ ...alice, roles: ['member'] })
  const scoped = server.as({ ...admin, project_id: null, system_scope: 'all' })
  const other = server.as({ project_id: 'gamma' })
  /** caller → status of: list, number 2, history, add, promote, rollback, lineage, its image; and versions listed */
  const table: [string, Client, number[], number[]][] = [
    ['owner', owner, [200, 200, 200, 201, 200, 200, 200, 200], [2, 1]],
    ['admin', root, [200, 200, 200, 201, 200, 200, 200, 200], [3, 2, 1]],
    ['reader', reader, [200, 404, 403, 403, 403, 403, 200, 200], [1]],
    ['recipient', stranger, [200, 404, 403, 403, 403, 403, 200, 200], [1]],
    ['member without reader', noReader, [404, 404, 404, 404, 404, 404, 404, 404], []],
    ['stranger', other, [404, 404, 404, 404, 404, 404, 404, 404], []],
    ['system scope', scoped, [404, 404, 404, 404, 404, 404, 404, 404], []],
  ]
  for (const [name, who, expected, listed] of table) {
    const list = await who.get(at(id))
    const statuses = [
      list.status,
      (await who.get(at(id, '/2'))).status,
      (await who.get(at(id, '/history'))).status,
      (await who.post(at(id), { comment: name })).status,
      (await promote(who, id, 2)).status,
      (await who.post(at(id, '/rollback'))).status,
      (await who.get(`/v2/lineages/${lineage}`)).status,
      (await who.get(`/v2/lineages/${lineage}/image`)).status,
    ]
    t.same(statuses, expected, name)
    if (list.status === 200)
      t.same(
        list.json.versions.map((one: { version: number }) => one.version),
        listed,
        name,
      )
  }
  for (const who of [reader, stranger]) {
    t.equal((await who.get(at(id, '/latest'))).json.version, 1, 'the newest that they may see')
    t.equal((await who.get(`/v2/images/${second}`)).status, 404)
  }
})

t.test('every route that finds an image knows the rule', async t => {
  const { id } = await root.createActive(Buffer.from('v1'), { owner: 'alpha', visibility: 'public' })
  const second = (await root.post(at(id), { comment: 'c' })).json.image_id
  await root.upload(second, Buffer.from('v2'))
  const ask = async (who: Client, image: string) => ({
    show: (await who.get(`/v2/images/${image}`)).status,
    file: (await who.download(image)).status,
    members: (await who.get(`/v2/images/${image}/members`)).status,
    tasks: (await who.get(`/v2/images/${image}/tasks`)).status,
    locations: (await who.get(`/v2/images/${image}/locations`)).status,
    versions: (await who.get(at(image))).status,
    tag: (await who.put(`/v2/images/${image}/tags/x`)).status,
    patch: (await who.patch(`/v2/images/${image}`, [{ op: 'replace', path: '/name', value: 'x' }])).status,
    delete: (await who.delete(`/v2/images/${image}`)).status,
    deactivate: (await who.post(`/v2/images/${image}/actions/deactivate`)).status,
    upload: (await who.upload(image, Buffer.from('x'))).status,
    import: (await who.post(`/v2/images/${image}/import`, { method: { name: 'glance-direct' } })).status,
    cache: (await who.put(`/v2/cache/${image}`)).status,
    store: (await who.delete(`/v2/stores/fast/${image}`)).status,
    share: (await who.post(`/v2/images/${image}/members`, { member: 'gamma' })).status,
    location: (await who.post(`/v2/images/${image}/locations`, { url: 'http://127.0.0.1/x' })).status,
  })
  for (const [name, who] of [
    ['a reader of the owning project', reader],
    ['another project', stranger],
  ] as const) {
    for (const [route, status] of Object.entries(await ask(who, second)))
      t.equal(status, 404, `${name}: ${route}`)
    t.equal((await who.get(`/v2/images/${id}`)).status, 200, name)
  }
  t.equal((await stranger.download(id)).text, 'v1')
  const link = new URL((await stranger.post(`/v2/images/${id}/links`, {})).json.url)
  const open = () => fetch(`${server.url}${link.pathname}`)
  t.equal(await (await open()).text(), 'v1')

  await promote(root, id, 2)
  t.equal((await open()).status, 404, 'by a link neither, whose maker may not see it any more')
  for (const [name, who] of [
    ['a reader', reader],
    ['another project', stranger],
  ] as const) {
    t.equal((await who.get(`/v2/images/${id}`)).status, 404, `${name}: the one before`)
    t.equal((await who.get(`/v2/images/${second}`)).status, 200, name)
  }
  t.equal((await service.get(`/v2/images/${id}`)).status, 200, 'services rebuild servers from it')
  t.equal((await service.download(id)).text, 'v1')
  t.equal((await service.get(at(second, '/1'))).json.image_id, id)
  const third = await next(root, id)
  t.equal(
    (await service.get(`/v2/images/${third}`)).status,
    404,
    'but from nothing that never was in production',
  )
  t.same(
    (await service.get(at(second))).json.versions.map((one: { version: number }) => one.version),
    [2],
    'and they are in no list',
  )
  const rebuilding = server.as({ ...bob, service_roles: ['service'] })
  t.equal((await rebuilding.get(`/v2/images/${id}`)).status, 200, 'a user’s token with a service’s beside it')
})
