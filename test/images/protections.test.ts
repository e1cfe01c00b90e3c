import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { admin, alice, startApp } from '../helpers/app.js'

/**
 * Property protections at the API. Statuses are what Glance 33 answered with this file, but for its faults: its lists
 * find images by properties that the caller may not read, every PATCH by such a caller erases them, and adding one
 * that is there fails with 500.
 */
const rules: Record<string, { create: string; read: string; update: string; delete: string }> = {
  x_open: { create: '@', read: '@', update: '@', delete: '@' },
  x_secret: { create: 'admin', read: 'admin', update: 'admin', delete: 'admin' },
  x_fixed: { create: 'admin', read: '@', update: 'admin', delete: 'admin' },
  x_drop: { create: '@', read: 'admin', update: 'admin', delete: 'admin' },
  x_keep: { create: '@', read: '@', update: '@', delete: '!' },
  x_written: { create: '@', read: 'admin', update: '@', delete: '@' },
}
const names = Object.keys(rules)
const file = join(t.testdir(), 'property-protections.conf')
writeFileSync(
  file,
  names
    .map(
      name =>
        `[^${name}]\n${Object.entries(rules[name]!)
          .map(pair => pair.join(' = '))
          .join('\n')}\n`,
    )
    .join(''),
)
const server = await startApp(t, { property_protection_file: file })
const root = server.as(admin)
const member = server.as(alice)

const V20 = 'application/openstack-images-v2.0-json-patch'
const ours = (image: object) => Object.fromEntries(Object.entries(image).filter(([name]) => name in rules))

/** An image of alpha with each of the properties, made by an admin. */
const made = () =>
  root.create({ owner: 'alpha', ...Object.fromEntries(names.map(name => [name, `old ${name}`])) })

t.test('properties are made by those who may', async t => {
  for (const [name, forAlice, forRoot] of [
    ['x_open', 201, 201],
    ['x_secret', 403, 201],
    ['x_fixed', 403, 201],
    ['x_drop', 201, 201],
    ['x_keep', 201, 201],
    ['unlisted', 403, 403],
  ] as const) {
    const body = { name: 'an image', [name]: 'v' }
    t.equal((await member.post('/v2/images', body)).status, forAlice, `${name} by a member`)
    t.equal((await root.post('/v2/images', body)).status, forRoot, `${name} by an admin`)
  }
  const dropped = await member.create({ x_drop: 'for the admin' })
  t.notOk('x_drop' in dropped, 'the answer shows only what its reader may read')
  t.equal((await root.show(dropped.id)).x_drop, 'for the admin')
})

t.test('properties that the caller may not read are shown nowhere and find nothing', async t => {
  const { id } = await made()
  const readable = { x_open: 'old x_open', x_fixed: 'old x_fixed', x_keep: 'old x_keep' }
  t.same(ours(await member.show(id)), readable)
  t.same(Object.keys(ours(await root.show(id))).sort(), [...names].sort())
  const listed = await member.get(`/v2/images?id=${id}`)
  t.same(ours(listed.json.images[0]), readable)
  for (const name of names) {
    const filtered = `/v2/images?id=${id}&${name}=old%20${name}`
    t.equal((await member.get(filtered)).json.images.length, name in readable ? 1 : 0, name)
    t.equal((await root.get(filtered)).json.images.length, 1, `${name} for an admin`)
  }
  const own = { os_glance_importing_to_stores: 'fast' }
  await server.deps.db
    .insertInto('image_properties')
    .values({ image_id: id, name: 'os_glance_importing_to_stores', value: 'fast' })
    .execute()
  t.match(await member.show(id), own, 'what tracks an import is shown to everybody')
})

t.test('PATCH does to each property what its rules let the caller do, and nothing to the others', async t => {
  const table: Record<string, [add: number, replace: number, remove: number, legacyAdd: number]> = {
    x_open: [200, 200, 200, 409],
    x_secret: [403, 409, 409, 403],
    x_fixed: [403, 403, 403, 409],
    x_drop: [403, 409, 409, 403],
    x_keep: [200, 200, 403, 409],
    x_written: [200, 409, 409, 200],
    unlisted: [403, 409, 409, 403],
  }
  for (const [name, [add, replace, remove, legacyAdd]] of Object.entries(table))
    for (const [op, mediaType, status] of [
      ['add', undefined, add],
      ['replace', undefined, replace],
      ['remove', undefined, remove],
      ['add', V20, legacyAdd],
      ['replace', V20, replace],
      ['remove', V20, remove],
    ] as const) {
      const { id } = await made()
      const value = op === 'remove' ? {} : { value: 'new' }
      const operation = mediaType ? { [op]: `/${name}`, ...value } : { op, path: `/${name}`, ...value }
      const what = `${op} ${name}${mediaType ? ', the old form' : ''}`
      const patched = await member.patch(`/v2/images/${id}`, [operation], mediaType)
      t.equal(patched.status, status, what)
      const expected: Record<string, unknown> = Object.fromEntries(names.map(one => [one, `old ${one}`]))
      if (status === 200 && op === 'remove') delete expected[name]
      else if (status === 200) expected[name] = 'new'
      t.same(ours(await root.show(id)), expected, `${what}: what is there now`)
      if (status === 200) t.notOk('x_secret' in patched.json, `${what}: the answer`)
    }
})

t.test('a patch that is refused for one property changes none', async t => {
  const { id } = await made()
  const patched = await member.patch(`/v2/images/${id}`, [
    { op: 'replace', path: '/x_open', value: 'new' },
    { op: 'replace', path: '/name', value: 'new' },
    { op: 'add', path: '/x_secret', value: 'guess' },
  ])
  t.equal(patched.status, 403)
  t.match(await root.show(id), { name: 'an image', x_open: 'old x_open', x_secret: 'old x_secret' })
})

t.test('a service token counts for properties, not for the image', async t => {
  const served = join(t.testdir(), 'service.conf')
  writeFileSync(served, '[.*]\ncreate = service\nread = service\nupdate = service\ndelete = service\n')
  const app = await startApp(t, { property_protection_file: served })
  const helped = app.as({ ...alice, service_roles: ['service'] })
  const { id } = await helped.create({ anything: 'v' })
  t.match(await helped.show(id), { anything: 'v' })
  t.notOk('anything' in (await app.as(alice).show(id)))
  const { id: foreign } = await app.as(admin).create()
  t.equal((await helped.get(`/v2/images/${foreign}`)).status, 404)
})
