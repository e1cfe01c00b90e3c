/** Versions under an operator's rules: policies, property protections, limits. */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { admin, alice, bob, rita, startApp } from '../../helpers/app.js'

function file(t: Test, name: string, text: string): string {
  const path = join(t.testdir(), name)
  writeFileSync(path, text)
  return path
}

const at = (id: string, rest = '') => `/v2/images/${id}/versions${rest}`

t.test('a copy leaves out properties that the caller may not read or set', async t => {
  const rules = {
    x_open: ['@', '@'],
    x_secret: ['@', 'admin'],
    x_fixed: ['admin', '@'],
    '.*': ['@', '@'],
  }
  const text = Object.entries(rules)
    .map(
      ([name, [create, read]]) => `[^${name}]\ncreate = ${create}\nread = ${read}\nupdate = @\ndelete = @\n`,
    )
    .join('')
  const server = await startApp(t, { property_protection_file: file(t, 'protections.conf', text) })
  const root = server.as(admin)
  const properties = { x_open: 'a', x_secret: 'b', x_fixed: 'c' }
  const { id } = await root.create({ owner: 'alpha', ...properties })
  const copy = async (who: typeof root) => {
    const made = await who.post(at(id), { comment: 'c' })
    return root.show(made.json.image_id)
  }
  const own = await copy(server.as(alice))
  t.equal(own.x_open, 'a')
  t.notOk('x_secret' in own || 'x_fixed' in own)
  t.match(await copy(root), properties)
})

t.test('a version counts as an image of its owner', async t => {
  const server = await startApp(t, { limit_image_count_total: 2 })
  const owner = server.as(alice)
  const first = await owner.createActive()
  const second = await owner.createActive()
  t.equal((await owner.post(at(first.id), { comment: 'c' })).status, 413)
  t.equal(
    (await server.as(admin).post(at(first.id), { comment: 'c' })).status,
    413,
    "also by an admin's hand",
  )
  t.equal((await owner.get(at(first.id))).status, 404, 'what was refused began no lineage')
  t.equal((await owner.post(at(first.id), { comment: 'c', image_id: second.id })).status, 201)
})

t.test('rules of the operator say who knows, adds and promotes versions', async t => {
  const policy_file = file(
    t,
    'policy.yaml',
    [
      'get_versions: rule:context_is_admin or (role:reader and project_id:%(project_id)s)',
      'promote_version: role:releaser and project_id:%(project_id)s',
      'add_version: role:builder and project_id:%(project_id)s',
      'get_superseded_version: role:reader',
      'publicize_image: role:releaser',
    ].join('\n'),
  )
  const server = await startApp(t, { policy_file })
  const owner = server.as(alice)
  const reader = server.as(rita)
  const stranger = server.as(bob)
  const builder = server.as({ ...alice, roles: ['builder', 'member', 'reader'] })
  const releaser = server.as({ ...alice, roles: ['releaser', 'member', 'reader'] })
  const { id } = await releaser.createActive(Buffer.from('1'), { name: 'x', visibility: 'public' })
  t.equal((await owner.post(at(id), { comment: 'c' })).status, 403)
  const made = await builder.post(at(id), { comment: 'c' })
  t.equal(made.status, 201)
  const second = made.json.image_id
  t.equal((await owner.show(second)).visibility, 'shared', 'a builder does not publish')
  await owner.upload(second, Buffer.from('2'))

  t.equal((await reader.get(`/v2/images/${second}`)).status, 200, 'readers know all')
  t.equal((await reader.get('/v2/images?os_hidden=true')).json.images.length, 1)
  t.equal((await reader.get(at(id, '/history'))).status, 200)
  t.equal((await stranger.get(`/v2/images/${second}`)).status, 404)
  t.equal((await stranger.get(at(id, '/history'))).status, 403)

  for (const who of [owner, builder, reader])
    t.equal((await who.put(at(id, '/production'), { version: 2 })).status, 403)
  t.equal((await stranger.put(at(id, '/production'), { version: 2 })).status, 403)
  t.equal((await releaser.put(at(id, '/production'), { version: 2 })).status, 200)
  t.equal(
    (await stranger.get(`/v2/images/${id}`)).status,
    200,
    'one that was in production, by the rule for it',
  )
  t.equal((await stranger.get('/v2/images?os_hidden=true')).json.images.length, 0, 'but in no list')
})
