import { join } from 'node:path'
import t from 'tap'
import { admin, alice, bob, rita, startApp } from '../helpers/app.js'
import type { Client } from '../helpers/client.js'

const server = await startApp(t)
const root = server.as(admin)
const owner = server.as(alice)
const recipient = server.as(bob)

const actors: Record<string, Client> = {
  owner,
  'owner, reader only': server.as(rita),
  recipient,
  'recipient, reader only': server.as({ ...bob, roles: ['reader'] }),
  admin: root,
  stranger: server.as({ user_id: 'greta', project_id: 'gamma' }),
}

/** An image of alpha that is shared with beta and delta. */
async function shared(attributes = {}) {
  const { id } = await owner.create({ visibility: 'shared', ...attributes })
  for (const member of ['beta', 'delta']) await owner.post(`/v2/images/${id}/members`, { member })
  return { id, at: `/v2/images/${id}/members` }
}

t.test('a member comes as 200 with its whole record', async t => {
  const { id } = await owner.create()
  const added = await owner.post(`/v2/images/${id}/members`, { member: 'beta', status: 'accepted', more: 1 })
  t.equal(added.status, 200)
  t.match(added.json.created_at, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/)
  t.strictSame(added.json, {
    member_id: 'beta',
    image_id: id,
    status: 'pending',
    created_at: added.json.created_at,
    updated_at: added.json.created_at,
    schema: '/v2/schemas/member',
  })
  t.strictSame((await owner.get(`/v2/images/${id}/members`)).json, {
    members: [added.json],
    schema: '/v2/schemas/members',
  })
  t.strictSame((await owner.get(`/v2/images/${id}/members/beta`)).json, added.json)
})

t.test('who may do what on a shared image', async t => {
  type Cell = number | string
  const table: Record<string, Record<string, Cell>> = {
    list: {
      owner: 'beta,delta',
      'owner, reader only': 'beta,delta',
      recipient: 'beta',
      'recipient, reader only': 'beta',
      admin: 'beta,delta',
      stranger: 404,
    },
    'show beta': {
      owner: 200,
      'owner, reader only': 200,
      recipient: 200,
      'recipient, reader only': 200,
      admin: 200,
      stranger: 404,
    },
    'show delta': {
      owner: 200,
      'owner, reader only': 200,
      recipient: 404,
      'recipient, reader only': 404,
      admin: 200,
      stranger: 404,
    },
    'show nobody': {
      owner: 404,
      'owner, reader only': 404,
      recipient: 404,
      'recipient, reader only': 404,
      admin: 404,
      stranger: 404,
    },
    add: {
      owner: 200,
      'owner, reader only': 403,
      recipient: 403,
      'recipient, reader only': 403,
      admin: 200,
      stranger: 404,
    },
    'answer for beta': {
      owner: 403,
      'owner, reader only': 403,
      recipient: 200,
      'recipient, reader only': 403,
      admin: 200,
      stranger: 404,
    },
    'answer for delta': {
      owner: 403,
      'owner, reader only': 403,
      recipient: 404,
      'recipient, reader only': 404,
      admin: 200,
      stranger: 404,
    },
    'remove beta': {
      owner: 204,
      'owner, reader only': 403,
      recipient: 403,
      'recipient, reader only': 403,
      admin: 204,
      stranger: 404,
    },
  }
  const acts: Record<string, (who: Client, at: string) => Promise<{ status: number; json?: unknown }>> = {
    list: (who, at) => who.get(at),
    'show beta': (who, at) => who.get(`${at}/beta`),
    'show delta': (who, at) => who.get(`${at}/delta`),
    'show nobody': (who, at) => who.get(`${at}/nobody`),
    add: (who, at) => who.post(at, { member: 'epsilon' }),
    'answer for beta': (who, at) => who.put(`${at}/beta`, { status: 'accepted' }),
    'answer for delta': (who, at) => who.put(`${at}/delta`, { status: 'accepted' }),
    'remove beta': (who, at) => who.delete(`${at}/beta`),
  }
  for (const [act, row] of Object.entries(table))
    for (const [actor, expected] of Object.entries(row)) {
      const { at } = await shared()
      const answer = await acts[act]!(actors[actor]!, at)
      if (typeof expected === 'number') t.equal(answer.status, expected, `${act} by ${actor}`)
      else {
        const { members } = answer.json as { members: { member_id: string }[] }
        t.equal(members.map(one => one.member_id).join(), expected, `${act} by ${actor}`)
      }
    }
})

t.test('only shared images have members', async t => {
  for (const visibility of ['private', 'public', 'community']) {
    const { id, at } = await shared()
    await root.patch(`/v2/images/${id}`, [{ op: 'replace', path: '/visibility', value: visibility }])
    const unseen = visibility === 'private' ? 404 : 403
    for (const [who, refused] of [
      [owner, 403],
      [root, 403],
      [recipient, unseen],
    ] as const) {
      const list = await who.get(at)
      t.equal(list.status, refused)
      if (refused === 403) t.match(list.text, /Only shared images have members/)
      t.equal((await who.get(`${at}/beta`)).status, 404)
      t.equal((await who.post(at, { member: 'x' })).status, refused)
      t.equal((await who.put(`${at}/beta`, { status: 'accepted' })).status, refused)
      t.equal((await who.delete(`${at}/beta`)).status, refused)
    }
  }
})

t.test('any answer to any other, and what it does to the list', async t => {
  const { id, at } = await shared()
  const listed = async (query = '') =>
    (await recipient.get(`/v2/images?id=${id}${query}`)).json.images.length === 1
  const answers = ['pending', 'accepted', 'rejected']
  for (const from of answers)
    for (const to of answers) {
      await recipient.put(`${at}/beta`, { status: from })
      const changed = await recipient.put(`${at}/beta`, { status: to })
      t.equal(changed.status, 200)
      t.equal(changed.json.status, to)
      t.equal(await listed(), to === 'accepted')
      t.equal(await listed('&visibility=shared'), to === 'accepted')
      for (const status of answers) t.equal(await listed(`&member_status=${status}`), to === status)
      t.equal(await listed('&member_status=all'), true)
      t.equal((await recipient.get(`/v2/images/${id}`)).status, 200)
    }
})

t.test('bad input', async t => {
  const { id, at } = await shared()
  for (const body of [
    {},
    { member: '' },
    { member: null },
    { member: 5 },
    { member: ['x'] },
    { member_id: 'x' },
    [],
    'x',
    '',
    { member: 'm'.repeat(256) },
    { member: '😀' },
    { member: 'a\0' },
  ])
    t.equal((await owner.post(at, body)).status, 400, JSON.stringify(body))
  for (const body of [
    {},
    { status: 'maybe' },
    { status: null },
    { status: 5 },
    { status: ['accepted'] },
    [],
    '{',
    '',
  ])
    t.equal((await recipient.put(`${at}/beta`, body)).status, 400, JSON.stringify(body))
  t.equal((await owner.post(at, { member: 'beta' })).status, 409)
  await recipient.put(`${at}/beta`, { status: 'accepted' })
  t.equal((await owner.post(at, { member: 'beta' })).status, 409)
  t.equal((await owner.get(`${at}/beta`)).json.status, 'accepted', 'and the answer stays')
  t.equal((await owner.post('/v2/images/nothing/members', { member: 'x' })).status, 404)
  t.equal((await owner.post('/v2/images/nothing/members', {})).status, 400)
  for (const odd of ['%00', 'a%00b', 'x'.repeat(300), '%E2%82%AC', "'--"]) {
    t.equal((await owner.get(`${at}/${odd}`)).status, 404, odd)
    t.equal((await owner.delete(`${at}/${odd}`)).status, 404, odd)
    t.equal((await root.put(`${at}/${odd}`, { status: 'accepted' })).status, 404, odd)
    t.equal((await owner.get(`/v2/images/${odd}/members`)).status, 404, odd)
  }
  t.equal((await owner.delete(`${at}/beta`, { 'content-type': 'application/octet-stream' })).status, 204)
  t.equal((await owner.delete(`${at}/beta`)).status, 404)
  t.equal((await owner.post(at, { member: 'beta' })).json.status, 'pending', 'who comes back is asked again')
  t.equal((await owner.post(at, { member: 'alpha' })).status, 200, 'the owner may be a member')
  await owner.delete(`/v2/images/${id}`)
  t.equal((await owner.get(at)).status, 404)
})

t.test('128 members; a full list is told before a duplicate, and holds for many at once', async t => {
  const { id } = await owner.create()
  const at = `/v2/images/${id}/members`
  for (let n = 0; n < 120; n++) await owner.post(at, { member: `m${n}` })
  const answers = await Promise.all(Array.from({ length: 20 }, (_, n) => owner.post(at, { member: `n${n}` })))
  t.equal(answers.filter(answer => answer.status === 200).length, 8)
  t.equal(answers.filter(answer => answer.status === 413).length, 12)
  t.equal((await owner.post(at, { member: 'm0' })).status, 413)
  t.equal((await owner.get(at)).json.members.length, 128)
})

t.test('members do not change updated_at of the image', async t => {
  const { id } = await owner.create()
  const read = () =>
    server.deps.db.selectFrom('images').select('updated_at').where('id', '=', id).executeTakeFirst()
  const before = await read()
  await owner.post(`/v2/images/${id}/members`, { member: 'beta' })
  t.strictSame(await read(), before)
})

t.test('many at once: each has an answer of its own', async t => {
  const { id } = await owner.create()
  const at = `/v2/images/${id}/members`
  await owner.post(at, { member: 'there' })
  const given = ['a', 'there', 'b', 'a', '', 'x'.repeat(256), 'c\0', '😀', 'ü/..', 'batch']
  const answer = await owner.post(`${at}/batch`, { members: given })
  t.equal(answer.status, 200)
  t.strictSame(
    answer.json.results.map((one: Record<string, unknown>) => [one.member_id, one.status, typeof one.error]),
    [
      ['a', 200, 'undefined'],
      ['there', 409, 'string'],
      ['b', 200, 'undefined'],
      ['', 400, 'string'],
      ['x'.repeat(256), 400, 'string'],
      ['c\0', 400, 'string'],
      ['😀', 400, 'string'],
      ['ü/..', 200, 'undefined'],
      ['batch', 200, 'undefined'],
    ],
  )
  const { members } = (await owner.get(at)).json
  t.same(members.map((one: { member_id: string }) => one.member_id).sort(), [
    'a',
    'b',
    'batch',
    'there',
    'ü/..',
  ])
  t.ok(members.every((one: { status: string }) => one.status === 'pending'))
  t.strictSame((await owner.post(`${at}/batch`, { members: [] })).json, { results: [] })
})

t.test('a member called batch is one as any other', async t => {
  const { id } = await owner.create()
  const at = `/v2/images/${id}/members`
  t.equal((await owner.get(`${at}/batch`)).status, 404)
  await owner.post(at, { member: 'batch' })
  t.equal((await owner.get(`${at}/batch`)).json.member_id, 'batch')
  const project = server.as({ user_id: 'b', project_id: 'batch' })
  t.equal((await project.put(`${at}/batch`, { status: 'accepted' })).json.status, 'accepted')
  t.equal((await owner.delete(`${at}/batch`)).status, 204)
  for (const member of ['batch', 'other']) {
    const refused = await owner.inject({ method: 'PATCH', url: `${at}/${member}` })
    t.equal(refused.status, 405)
    t.equal(refused.headers.allow, 'GET, PUT, DELETE', 'as Glance says')
  }
  t.equal((await owner.post(`${at}/other`, {})).status, 405)
})

t.test('many at once: who may, and for which image', async t => {
  const { id, at } = await shared()
  for (const [actor, status] of Object.entries({
    owner: 200,
    'owner, reader only': 403,
    recipient: 403,
    'recipient, reader only': 403,
    admin: 200,
    stranger: 404,
  }))
    t.equal((await actors[actor]!.post(`${at}/batch`, { members: ['x'] })).status, status, actor)
  for (const body of [
    {},
    [],
    '',
    { members: 'x' },
    { members: [5] },
    { members: [null] },
    { members: [['x']] },
    { members: ['x'], more: 1 },
    { members: Array.from({ length: 1001 }, (_, n) => `m${n}`) },
  ])
    t.equal((await owner.post(`${at}/batch`, body)).status, 400, JSON.stringify(body).slice(0, 60))
  t.equal((await owner.post('/v2/images/nothing/members/batch', { members: ['x'] })).status, 404)
  await owner.patch(`/v2/images/${id}`, [{ op: 'replace', path: '/visibility', value: 'private' }])
  t.equal((await owner.post(`${at}/batch`, { members: ['x'] })).status, 403)
  t.equal((await recipient.post(`${at}/batch`, { members: ['x'] })).status, 404)
})

t.test('many at once: 128 at most, also from several sides', async t => {
  const { id } = await owner.create()
  const at = `/v2/images/${id}/members`
  const answers = await Promise.all(
    [0, 1, 2].map(n =>
      owner.post(`${at}/batch`, { members: Array.from({ length: 60 }, (_, m) => `m${n}-${m}`) }),
    ),
  )
  const statuses = answers.flatMap(({ json }) => json.results.map((one: { status: number }) => one.status))
  t.equal(statuses.filter(status => status === 200).length, 128)
  t.equal(statuses.filter(status => status === 413).length, 52)
  t.equal((await owner.get(at)).json.members.length, 128)
})

t.test('a list shows nobody whom the policy shows to nobody', async t => {
  const policy_file = join(t.testdir({ 'policy.yaml': 'get_member: "!"\n' }), 'policy.yaml')
  const hiding = (await startApp(t, { policy_file })).as(alice)
  const { id } = await hiding.create({ visibility: 'shared' })
  await hiding.post(`/v2/images/${id}/members`, { member: 'beta' })
  t.match(await hiding.get(`/v2/images/${id}/members`), { status: 200, json: { members: [] } })
})
