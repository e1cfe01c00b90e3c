import { randomUUID } from 'node:crypto'
import t from 'tap'
import { MAX_LINKS } from '../../../src/features/links/create.js'
import { removeExpired } from '../../../src/features/links/repository.js'
import { hashOf } from '../../../src/features/links/secret.js'
import { admin, alice, bob, rita, startApp } from '../../helpers/app.js'
import { makeLink } from '../../helpers/links.js'

t.setTimeout(120_000)
const server = await startApp(t)
const { db } = server.deps
const owner = server.as(alice)
const colleague = server.as({ ...alice, user_id: 'anna' })
const reader = server.as(rita)
const stranger = server.as(bob)
const root = server.as(admin)

const image = await root.createActive(Buffer.from('bytes'), { visibility: 'public', owner: 'alpha' })
const at = `/v2/images/${image.id}/links`
const seconds = (text: string) => (Date.parse(text) - Date.now()) / 1000

async function ids(who: typeof owner, path = `${at}?limit=1000`): Promise<string[]> {
  const { status, json } = await who.get(path)
  return status === 200 ? json.links.map((link: { id: string }) => link.id) : [String(status)]
}

t.test('a link is made, shown once, listed without its secret, revoked', async t => {
  const made = await owner.post(at, { filename: 'disk.img', expires_in: 600 })
  t.equal(made.status, 201)
  t.equal(made.headers['cache-control'], 'no-store')
  t.strictSame(Object.keys(made.json).toSorted(), ['expires_at', 'id', 'url'])
  t.match(made.json.url, /^http:\/\/[^/]+\/v2\/links\/[\w-]{43}$/)
  const left = seconds(made.json.expires_at)
  t.ok(left > 540 && left <= 601, `${left}`)
  const { links } = (await owner.get(at)).json
  t.strictSame(links, [
    {
      id: made.json.id,
      filename: 'disk.img',
      user_id: 'alice',
      project_id: 'alpha',
      created_at: links[0].created_at,
      expires_at: made.json.expires_at,
    },
  ])
  const secret = made.json.url.split('/').at(-1)
  const row = await db.selectFrom('image_links').selectAll().executeTakeFirstOrThrow()
  t.notMatch(JSON.stringify(row), secret, 'the secret is in no row')
  t.ok(row.secret_hash.equals(hashOf(secret)))
  t.equal((await owner.delete(`${at}/${made.json.id}`)).status, 204)
  t.strictSame(await ids(owner), [])
  t.equal((await owner.delete(`${at}/${made.json.id}`)).status, 404)
})

t.test('a day is the most and what is meant', async t => {
  const link = await makeLink(owner, image.id)
  const left = seconds(link.expires_at)
  t.ok(left > 86_300 && left <= 86_401, `${left}`)
  await owner.delete(`${at}/${link.id}`)
})

t.test('the base of the URL is the setting, else what the client used', async t => {
  const other = await startApp(t, { public_url: 'https://images.example.org/glance/' })
  const own = other.as(alice)
  const { id } = await own.createActive()
  t.match((await makeLink(own, id)).url, /^https:\/\/images\.example\.org\/glance\/v2\/links\/[\w-]{43}$/)
  const made = await owner.post(at, {}, { host: 'cloud.example:9292' })
  t.match(made.json.url, /^http:\/\/cloud\.example:9292\/v2\/links\//)
  await owner.delete(`${at}/${made.json.id}`)
})

t.test('who sees and revokes whose links', async t => {
  const links = {
    owner: await makeLink(owner, image.id),
    stranger: await makeLink(stranger, image.id),
    root: await makeLink(root, image.id),
  }
  const all = Object.values(links).map(({ id }) => id)
  t.strictSame((await ids(owner)).toSorted(), all.toSorted(), 'who made one, of the owning project')
  t.strictSame((await ids(colleague)).toSorted(), all.toSorted(), 'the owning project')
  t.strictSame((await ids(root)).toSorted(), all.toSorted(), 'an admin')
  t.strictSame(await ids(stranger), [links.stranger.id], 'others their own')
  t.strictSame(await ids(reader), [], 'readers have none')
  t.strictSame(await ids(server.as({ ...bob, user_id: 'None' })), [], 'whatever their name is')
  t.strictSame(await ids(server.as({ ...bob, user_id: 'bert' })), [])

  const revoke = async (who: typeof owner, { id }: { id: string }) => (await who.delete(`${at}/${id}`)).status
  t.equal(await revoke(stranger, links.owner), 404)
  t.equal(await revoke(reader, links.owner), 404)
  t.equal(await revoke(stranger, links.stranger), 204)
  t.equal(await revoke(colleague, links.owner), 204)
  t.equal(await revoke(colleague, links.root), 204)
  t.strictSame(await ids(root), [])
})

t.test('who may make one', async t => {
  const own = await owner.createActive(Buffer.from('x'), { visibility: 'private' })
  const status = async (who: typeof owner, id: string, wishes: object = {}) =>
    (await who.post(`/v2/images/${id}/links`, wishes)).status
  t.equal(await status(reader, image.id), 403, 'a reader may not download')
  t.equal(await status(stranger, own.id), 404)
  t.equal((await stranger.get(`/v2/images/${own.id}/links`)).status, 404)
  t.equal((await stranger.delete(`/v2/images/${own.id}/links/${randomUUID()}`)).status, 404)
  t.equal(await status(root, own.id), 201)
  t.equal(await status(owner, randomUUID()), 404)
  const queued = await owner.create()
  t.equal(await status(owner, queued.id), 409)
  await owner.post(`/v2/images/${own.id}/actions/deactivate`)
  t.equal(await status(owner, own.id), 403)
  t.equal(await status(root, own.id), 409)
  t.equal(await status(owner, image.id, { direct: true }), 403)
  t.equal(await status(root, image.id, { direct: true }), 409, 'no store is public')
  await db.deleteFrom('image_links').execute()
})

t.test('what is asked for is checked', async t => {
  const bad = [
    { expires_in: 0 },
    { expires_in: -1 },
    { expires_in: 86_401 },
    { expires_in: 1.5 },
    { expires_in: '60' },
    { expires_in: null },
    { filename: '' },
    { filename: 'x'.repeat(256) },
    { filename: 7 },
    { filename: 'a\0b' },
    { filename: '\ud83d\ude00' },
    { direct: 'yes' },
    { secret: 'mine' },
    [],
    'text',
    '{',
  ]
  for (const body of bad) t.equal((await owner.post(at, body)).status, 400, JSON.stringify(body).slice(0, 60))
  t.equal((await owner.post(at)).status, 400)
  for (const path of [`${at}?limit=x`, `${at}?limit=-1`, `${at}?marker=nonsense`, `${at}?marker=%00`])
    t.equal((await owner.get(path)).status, 400, path)
  for (const id of ['nonsense', 'x'.repeat(300), '%00', randomUUID()])
    t.equal((await owner.delete(`${at}/${id}`)).status, 404, id)
  t.equal((await owner.put(at, {})).headers.allow, 'GET, POST')
})

t.test('lists go by pages, the newest first', async t => {
  const made: string[] = []
  for (let n = 0; n < 5; n++) made.unshift((await makeLink(owner, image.id)).id)
  const seen: string[] = []
  let path: string | undefined = `${at}?limit=2`
  for (let pages = 0; path !== undefined && pages < 5; pages++) {
    const { json } = await owner.get(path)
    seen.push(...json.links.map((link: { id: string }) => link.id))
    path = json.next
  }
  t.strictSame(seen, made)
  t.strictSame((await owner.get(`${at}?limit=0`)).json, { links: [] })
  const foreign = await makeLink(stranger, image.id)
  const own = await makeLink(server.as({ ...bob, user_id: 'bert' }), image.id)
  t.equal((await stranger.get(`${at}?marker=${own.id}`)).status, 400, "another's link is no marker")
  t.strictSame(await ids(stranger), [foreign.id])
  await db.deleteFrom('image_links').execute()
})

t.test('live links are bounded for each project', async t => {
  const first = await makeLink(owner, image.id)
  const row = await db.selectFrom('image_links').selectAll().executeTakeFirstOrThrow()
  const rows = Array.from({ length: MAX_LINKS - 2 }, () => ({
    ...row,
    id: randomUUID(),
    secret_hash: hashOf(randomUUID()),
  }))
  await db.insertInto('image_links').values(rows).execute()
  const tries = await Promise.all(Array.from({ length: 5 }, () => owner.post(at, {})))
  t.strictSame(tries.map(({ status }) => status).toSorted(), [201, 413, 413, 413, 413])
  t.equal((await stranger.post(at, {})).status, 201, "others' links do not count")
  await owner.delete(`${at}/${first.id}`)
  t.equal((await owner.post(at, {})).status, 201)
  await db
    .updateTable('image_links')
    .set({ created_at: new Date(Date.now() - 100_000), expires_at: new Date(Date.now() - 50_000) })
    .execute()
  t.strictSame(await ids(owner), [], 'expired ones are not listed')
  t.equal((await owner.post(at, {})).status, 201, 'nor counted')
  await removeExpired(db)
  const left = await db.selectFrom('image_links').select('id').execute()
  t.equal(left.length, 1, 'the job removes them')
  await db.deleteFrom('image_links').execute()
})

t.test('the database keeps no link beyond a day, and none of a deleted image', async t => {
  const other = await owner.createActive()
  await makeLink(owner, other.id)
  await t.rejects(
    db
      .updateTable('image_links')
      .set({ expires_at: new Date(Date.now() + 87_000_000) })
      .execute(),
    /image_links_day/,
  )
  t.equal((await ids(owner, `/v2/images/${other.id}/links`)).length, 1)
  await owner.delete(`/v2/images/${other.id}`)
  t.strictSame(await db.selectFrom('image_links').select('id').execute(), [])
})
