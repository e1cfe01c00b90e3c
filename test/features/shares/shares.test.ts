import t from 'tap'
import { admin, alice, bob, rita, startApp } from '../../helpers/app.js'
import type { Client } from '../../helpers/client.js'

t.setTimeout(120_000)

const server = await startApp(t)
const root = server.as(admin)
/** The owner, who belongs to a group. */
const owner = server.as({ ...alice, groups: ['builders'] })
const builder = { user_id: 'bert', project_id: 'beta', groups: ['others', 'builders'] }
const eastern = { user_id: 'emma', project_id: 'omega', project_domain_id: 'east' }

const share = (who: Client, id: string, body: unknown) => who.post(`/v2/images/${id}/shares`, body)
const group = { kind: 'group', target: 'builders' }
const domain = { kind: 'domain', target: 'east' }

t.test('a share comes as 201, is listed, and ends', async t => {
  const { id } = await owner.create()
  const made = await share(owner, id, group)
  t.equal(made.status, 201)
  t.match(made.json.id, /^[0-9a-f-]{36}$/)
  t.match(made.json.created_at, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/)
  t.strictSame(made.json, {
    id: made.json.id,
    image_id: id,
    ...group,
    created_at: made.json.created_at,
    created_by: 'alice',
  })
  const second = await share(root, id, domain)
  t.strictSame((await owner.get(`/v2/images/${id}/shares`)).json, { shares: [made.json, second.json] })
  t.equal((await share(owner, id, group)).status, 409)
  t.equal((await share(root, id, { kind: 'group', target: 'east' })).status, 201, 'a group of that name')
  t.equal((await owner.delete(`/v2/images/${id}/shares/${made.json.id}`)).status, 204)
  t.equal((await owner.delete(`/v2/images/${id}/shares/${made.json.id}`)).status, 404)
  t.equal((await owner.get(`/v2/images/${id}/shares`)).json.shares.length, 2)
  t.equal((await owner.delete(`/v2/images/${id}`)).status, 204)
  t.strictSame(await server.deps.db.selectFrom('image_shares').select('id').execute(), [])
})

t.test('recipients have it at once, as if their project had accepted it, until it ends', async t => {
  const table = [
    ['the group', group, server.as(builder), server.as(bob)],
    ['the domain', domain, server.as(eastern), server.as({ ...eastern, project_domain_id: 'west' })],
  ] as const
  for (const [name, target, recipient, stranger] of table) {
    const { id } = await owner.createActive(Buffer.from('of others'))
    const lists = async (who: Client) => {
      const found: string[] = []
      for (const query of [
        '',
        'visibility=shared',
        'member_status=accepted',
        'visibility=all',
        'member_status=all',
        'member_status=pending',
        'member_status=rejected',
        'visibility=private',
        'visibility=public',
        'visibility=community',
      ]) {
        const { json } = await who.get(`/v2/images?id=${id}&${query}`)
        if (json.images.length === 1) found.push(query)
      }
      return found
    }
    const seen = ['', 'visibility=shared', 'member_status=accepted', 'visibility=all', 'member_status=all']
    t.strictSame(await lists(recipient), [], name)
    t.equal((await recipient.get(`/v2/images/${id}`)).status, 404, name)
    const made = await share(root, id, target)
    t.equal(made.status, 201, name)
    t.strictSame(await lists(recipient), seen, name)
    t.equal((await recipient.show(id)).id, id, name)
    t.equal((await recipient.download(id)).text, 'of others', name)
    t.equal((await recipient.get(`/v2/images?marker=${id}`)).status, 200, name)
    t.strictSame(await lists(stranger), [], name)
    t.equal((await stranger.get(`/v2/images/${id}`)).status, 404, name)
    t.equal((await stranger.download(id)).status, 404, name)
    t.equal((await recipient.delete(`/v2/images/${id}`)).status, 403, name)
    t.equal((await recipient.put(`/v2/images/${id}/tags/x`)).status, 403, name)
    t.equal(
      (await recipient.patch(`/v2/images/${id}`, [{ op: 'add', path: '/x', value: 'y' }])).status,
      403,
      name,
    )
    await owner.delete(`/v2/images/${id}/shares/${made.json.id}`)
    t.strictSame(await lists(recipient), [], name)
    t.equal((await recipient.get(`/v2/images/${id}`)).status, 404, name)
  }
})

t.test('from the recycle bin it comes back with its shares and launch defaults', async t => {
  const recipient = server.as(builder)
  const { id } = await owner.createActive()
  await share(owner, id, group)
  const defaults = { cpu_cores: 2, memory_mb: null, max_concurrent_use: 3 }
  await owner.put(`/v2/images/${id}/launch-defaults`, defaults)
  await owner.delete(`/v2/images/${id}`)
  t.equal((await recipient.get(`/v2/images/${id}`)).status, 404)
  t.equal((await recipient.get(`/v2/recycle-bin/${id}`)).status, 404, 'deletions are the affair of owners')
  t.equal((await owner.post(`/v2/recycle-bin/${id}/restore`)).status, 200)
  t.equal((await recipient.get(`/v2/images/${id}`)).status, 200)
  t.equal((await recipient.get(`/v2/images?id=${id}`)).json.images.length, 1)
  t.strictSame((await owner.get(`/v2/images/${id}/launch-defaults`)).json, defaults)
})

t.test(
  'its other visibilities keep a shared image from recipients; shared again, they have it again',
  async t => {
    const recipient = server.as(builder)
    const { id } = await owner.create()
    const made = await share(owner, id, group)
    for (const [visibility, status] of [
      ['private', 404],
      ['public', 200],
      ['community', 200],
      ['shared', 200],
    ] as const) {
      await root.patch(`/v2/images/${id}`, [{ op: 'replace', path: '/visibility', value: visibility }])
      t.equal((await recipient.get(`/v2/images/${id}`)).status, status, visibility)
      const { images } = (await recipient.get(`/v2/images?id=${id}`)).json
      t.equal(images.length, ['public', 'shared'].includes(visibility) ? 1 : 0, visibility)
      if (visibility === 'shared') continue
      for (const who of [owner, root]) {
        t.equal((await share(who, id, { ...group, target: 'more' })).status, 403, visibility)
        t.equal((await who.get(`/v2/images/${id}/shares`)).status, 403, visibility)
        t.equal((await who.delete(`/v2/images/${id}/shares/${made.json.id}`)).status, 403, visibility)
      }
      const unseen = visibility === 'private' ? 404 : 403
      t.equal((await share(recipient, id, group)).status, unseen, visibility)
      t.equal((await recipient.get(`/v2/images/${id}/shares`)).status, unseen, visibility)
    }
  },
)

t.test('who may do what', async t => {
  const actors: Record<string, Client> = {
    'owner in the group': owner,
    'owner out of it': server.as({ ...alice, groups: ['others'] }),
    'owner, reader in the group': server.as({ ...rita, groups: ['builders'] }),
    'manager of the project': server.as({ ...alice, roles: ['manager', 'member', 'reader'] }),
    'manager of another': server.as({ ...bob, roles: ['manager', 'member', 'reader'] }),
    'recipient as member': server.as({ ...bob, groups: ['builders'] }),
    'recipient in the group': server.as({ user_id: 'gus', project_id: 'gamma', groups: ['first'] }),
    admin: root,
    stranger: server.as({ user_id: 'greta', project_id: 'delta', groups: ['builders'] }),
    service: server.as({ user_id: 'nova', project_id: 'service', roles: ['service'] }),
  }
  const table: Record<string, [group: number, domain: number, list: number, end: number]> = {
    'owner in the group': [201, 403, 200, 204],
    'owner out of it': [403, 403, 200, 204],
    'owner, reader in the group': [403, 403, 403, 403],
    'manager of the project': [201, 403, 200, 204],
    'manager of another': [403, 403, 403, 403],
    'recipient as member': [403, 403, 403, 403],
    'recipient in the group': [403, 403, 403, 403],
    admin: [201, 201, 200, 204],
    stranger: [404, 404, 404, 404],
    service: [404, 404, 404, 404],
  }
  for (const [name, expected] of Object.entries(table)) {
    const { id } = await owner.create()
    await owner.post(`/v2/images/${id}/members`, { member: 'beta' })
    const first = await share(root, id, { kind: 'group', target: 'first' })
    const who = actors[name]!
    t.strictSame(
      [
        (await share(who, id, group)).status,
        (await share(who, id, domain)).status,
        (await who.get(`/v2/images/${id}/shares`)).status,
        (await who.delete(`/v2/images/${id}/shares/${first.json.id}`)).status,
      ],
      expected,
      name,
    )
  }
})

t.test('members: a recipient finds its project accepted, the owner only whom it added', async t => {
  const recipient = server.as(builder)
  const colleague = server.as(bob)
  const { id } = await owner.create()
  const at = `/v2/images/${id}/members`
  const made = await share(owner, id, group)
  const own = { member_id: 'beta', image_id: id, status: 'accepted', schema: '/v2/schemas/member' }
  const listed = (await recipient.get(at)).json
  t.match(listed, { members: [own], schema: '/v2/schemas/members' })
  t.equal(listed.members[0].created_at, made.json.created_at)
  t.strictSame((await recipient.get(`${at}/beta`)).json, listed.members[0])
  t.equal((await recipient.get(`${at}/delta`)).status, 404)
  t.equal((await colleague.get(at)).status, 404, 'of the same project, but not of the group')
  t.strictSame((await owner.get(at)).json.members, [])
  t.equal((await owner.get(`${at}/beta`)).status, 404)
  t.equal((await recipient.put(`${at}/beta`, { status: 'rejected' })).status, 409, 'nothing was asked')
  t.equal((await recipient.delete(`${at}/beta`)).status, 403)
  t.equal((await recipient.post(at, { member: 'delta' })).status, 403)
  await owner.post(at, { member: 'beta' })
  t.equal((await owner.get(`${at}/beta`)).json.status, 'pending')
  t.equal((await colleague.get(`${at}/beta`)).json.status, 'pending')
  t.equal((await recipient.get(`${at}/beta`)).json.status, 'accepted')
  t.equal((await recipient.get(at)).json.members.length, 1)
  t.equal((await colleague.get(`/v2/images?id=${id}`)).json.images.length, 0)
  t.equal((await recipient.get(`/v2/images?id=${id}`)).json.images.length, 1)
  t.equal((await recipient.get(`/v2/images?id=${id}&member_status=pending`)).json.images.length, 1)
})

t.test('pages', async t => {
  const { id } = await owner.create()
  const targets = Array.from({ length: 7 }, (_, n) => `group-${n}`)
  for (const target of targets) await share(root, id, { kind: 'group', target })
  const found: string[] = []
  let next: string | undefined = `/v2/images/${id}/shares?limit=3`
  for (let page = 0; next; page++) {
    t.ok(page < 3)
    const { json } = await owner.get(next)
    found.push(...json.shares.map((one: { target: string }) => one.target))
    next = json.next
  }
  t.strictSame(found, targets)
  const at = `/v2/images/${id}/shares`
  t.strictSame((await owner.get(`${at}?limit=0`)).json, { shares: [] })
  const other = await owner.create()
  const foreign = (await share(owner, other.id, group)).json.id
  for (const query of [
    'limit=x',
    'limit=-1',
    'marker=x',
    'marker=%00',
    `marker=${'x'.repeat(300)}`,
    `marker=${foreign}`,
  ])
    t.equal((await owner.get(`${at}?${query}`)).status, 400, query)
})

t.test('bad input', async t => {
  const { id } = await owner.create()
  const other = await owner.create()
  const foreign = (await share(owner, other.id, group)).json.id
  for (const body of [
    {},
    [],
    'x',
    '',
    { kind: 'group' },
    { target: 'builders' },
    { kind: 'project', target: 'x' },
    { kind: 'group', target: '' },
    { kind: 'group', target: null },
    { kind: 'group', target: ['builders'] },
    { kind: 'group', target: 'x'.repeat(256) },
    { kind: 'group', target: 'a\0' },
    { kind: 'group', target: '😀' },
    { kind: 'group', target: '\ud800' },
    { ...group, more: 1 },
  ])
    t.equal((await share(root, id, body)).status, 400, JSON.stringify(body))
  t.match((await share(root, id, { kind: 'project', target: 'x' })).text, 'group, domain')
  for (const target of ['x'.repeat(255), 'a/b', "'--", 'ünïcode', ' ', '%00'])
    t.equal((await share(root, id, { kind: 'group', target })).json.target, target)
  for (const odd of ['%00', 'x'.repeat(300), '%E2%82%AC', "'--", 'a%2Fb', foreign])
    t.equal((await owner.delete(`/v2/images/${id}/shares/${odd}`)).status, 404, odd)
  for (const odd of ['nothing', '%00', 'x'.repeat(300)]) {
    t.equal((await owner.get(`/v2/images/${odd}/shares`)).status, 404, odd)
    t.equal((await share(root, odd, group)).status, 404, odd)
    t.equal((await owner.delete(`/v2/images/${odd}/shares/${foreign}`)).status, 404, odd)
  }
  t.equal((await owner.get(`/v2/images/${other.id}/shares/${foreign}`)).status, 405)
  const odd = server.as({
    user_id: 'o',
    project_id: 'odd',
    groups: ["'--", 'x'.repeat(255), '{a,b}', 'c"d', 'NULL'],
  })
  t.equal((await odd.get(`/v2/images?id=${id}`)).json.images.length, 1, 'groups are no SQL')
})

t.test('128 shares, for many at once, too', async t => {
  const { id } = await owner.create()
  const answers = await Promise.all(
    Array.from({ length: 140 }, (_, n) => share(root, id, { kind: 'group', target: `g${n}` })),
  )
  t.equal(answers.filter(answer => answer.status === 201).length, 128)
  t.equal(answers.filter(answer => answer.status === 413).length, 12)
  t.equal((await share(root, id, { kind: 'domain', target: 'one more' })).status, 413)
  t.equal((await owner.get(`/v2/images/${id}/shares?limit=1000`)).json.shares.length, 128)
})

t.test('who has no project is no recipient, whatever the groups', async t => {
  const { id } = await owner.create()
  await share(owner, id, group)
  const nowhere = server.as({ user_id: 'n', project_id: null, project_domain_id: null, groups: ['builders'] })
  t.equal((await nowhere.get(`/v2/images/${id}`)).status, 404)
})
