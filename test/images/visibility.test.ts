import t from 'tap'
import type { Caller } from '../../src/auth/caller.js'
import { nobody } from '../../src/auth/caller.js'
import type { MemberStatus, Visibility } from '../../src/images/image.js'
import { findUnscoped, pageOf } from '../../src/images/repository.js'
import { isVisible, listed } from '../../src/images/visibility.js'
import { admin, alice, bob, startApp } from '../helpers/app.js'

const server = await startApp(t)
const { db, policy } = server.deps

const visibilities: Visibility[] = ['public', 'community', 'shared', 'private']
const owners = ['alpha', 'beta', null]
const memberships: (MemberStatus | null)[] = [null, 'pending', 'accepted', 'rejected']
const callers: Record<string, Caller> = {
  'a member of alpha': { ...nobody, project_id: 'alpha', roles: ['member', 'reader'] },
  'a member of beta': { ...nobody, project_id: 'beta', roles: ['member', 'reader'] },
  'a member of gamma': { ...nobody, project_id: 'gamma', roles: ['member', 'reader'] },
  'somebody without a project': { ...nobody, roles: ['reader'] },
  'an admin': { ...nobody, project_id: 'alpha', roles: ['admin'], is_admin: true },
  'an admin without a project': { ...nobody, roles: ['admin'], is_admin: true },
}

interface Case {
  id: string
  visibility: Visibility
  owner: string | null
  /** Membership of project gamma. */
  member: MemberStatus | null
}
const cases: Case[] = []
for (const visibility of visibilities)
  for (const owner of owners)
    for (const member of memberships) {
      const id = `00000000-0000-4000-8000-${String(cases.length).padStart(12, '0')}`
      cases.push({ id, visibility, owner, member })
      await db.insertInto('images').values({ id, visibility, owner }).execute()
      if (member) {
        await db
          .insertInto('image_members')
          .values({ image_id: id, member: 'gamma', status: member })
          .execute()
      }
    }

/** Ids that the SQL condition lists. */
const ids = async (caller: Caller, scope: Parameters<typeof listed>[3]) =>
  (
    await pageOf(db)
      .where(eb => listed(eb as never, policy, caller, scope))
      .execute()
  ).map(row => row.id)

t.test('who may know of an image, by id', async t => {
  for (const [name, caller] of Object.entries(callers))
    for (const { id, visibility, owner, member } of cases) {
      const image = await findUnscoped(db, id, { project: caller.project_id })
      const expected =
        caller.is_admin ||
        owner === null ||
        visibility === 'public' ||
        visibility === 'community' ||
        owner === caller.project_id ||
        (visibility === 'shared' && member !== null && caller.project_id === 'gamma')
      t.equal(
        image && isVisible(policy, caller, image),
        expected,
        `${name}: ${visibility} of ${owner}, gamma ${member}`,
      )
    }
})

t.test('the predicate and the SQL agree on every row', async t => {
  for (const [name, caller] of Object.entries(callers)) {
    const found = new Set(await ids(caller, { visibility: 'all', member_status: 'all' }))
    for (const { id, visibility, owner, member } of cases) {
      const image = await findUnscoped(db, id, { project: caller.project_id })
      // images without owner can be shown by id; lists leave them out for those who are no admins
      const ownerless = owner === null && (visibility === 'shared' || visibility === 'private')
      const member_ = visibility === 'shared' && member !== null && caller.project_id === 'gamma'
      const expected = ownerless && !caller.is_admin ? member_ : image && isVisible(policy, caller, image)
      t.equal(found.has(id), expected, `${name}: ${visibility} of ${owner}, gamma ${member}`)
    }
  }
})

t.test('no list shows what cannot be shown by id', async t => {
  for (const [name, caller] of Object.entries(callers))
    for (const visibility of [undefined, 'all', '', ...visibilities])
      for (const member_status of ['all', 'pending', 'accepted', 'rejected'] as const)
        for (const id of await ids(caller, { visibility, member_status })) {
          const image = await findUnscoped(db, id, { project: caller.project_id })
          t.ok(image && isVisible(policy, caller, image), `${name} ${visibility} ${member_status}`)
        }
})

t.test('lists by visibility and membership', async t => {
  const members = { pending: 'pending', accepted: 'accepted', rejected: 'rejected' } as const
  for (const [name, caller] of Object.entries(callers))
    for (const visibility of [undefined, 'all', ...visibilities])
      for (const member_status of ['all', ...Object.values(members)] as const) {
        const project = caller.project_id
        const expected = cases.filter(one => {
          const own = project !== null && one.owner === project
          if (visibility === undefined && one.visibility === 'community' && !own) return false
          if (visibility !== undefined && visibility !== 'all' && one.visibility !== visibility) return false
          if (caller.is_admin || own) return true
          if (one.visibility === 'public' || one.visibility === 'community') return true
          if (one.visibility !== 'shared' || project !== 'gamma' || one.member === null) return false
          return member_status === 'all' || one.member === member_status
        })
        const found = await ids(caller, { visibility, member_status })
        t.strictSame(
          found.toSorted(),
          expected.map(one => one.id).toSorted(),
          `${name}: visibility ${visibility}, member_status ${member_status}`,
        )
      }
})

t.test('through the API: default lists, filters, and images without owner', async t => {
  const root = server.as(admin)
  const gamma = server.as({ user_id: 'greta', project_id: 'gamma' })
  const list = async (who: typeof root, query = '') => {
    const { json } = await who.get(`/v2/images?limit=1000${query}`)
    return new Set(json.images.map((image: { id: string }) => image.id))
  }
  const at = (visibility: Visibility, owner: string | null, member: MemberStatus | null) =>
    cases.find(one => one.visibility === visibility && one.owner === owner && one.member === member)
      ?.id as string
  t.notOk((await list(root)).has(at('community', 'beta', null)), "an admin's list lacks others' community")
  t.ok((await list(root, '&visibility=community')).has(at('community', 'beta', null)))
  t.ok((await list(root)).has(at('private', null, null)))
  t.ok((await list(gamma)).has(at('public', null, null)), 'public, whoever owns it')
  t.notOk((await list(gamma)).has(at('shared', null, null)))
  t.equal((await gamma.get(`/v2/images/${at('shared', null, null)}`)).status, 200)
  t.equal((await gamma.get(`/v2/images/${at('private', null, null)}`)).status, 404)
  t.ok((await list(gamma)).has(at('shared', 'beta', 'accepted')))
  t.notOk((await list(gamma)).has(at('shared', 'beta', 'pending')))
  t.ok((await list(gamma, '&member_status=pending')).has(at('shared', 'beta', 'pending')))
  t.notOk((await list(gamma, '&member_status=pending')).has(at('shared', 'beta', 'accepted')))
  t.equal((await gamma.get(`/v2/images/${at('shared', 'beta', 'rejected')}`)).status, 200)
  t.notOk((await list(gamma, '&member_status=all')).has(at('private', 'beta', 'accepted')))
  t.equal((await gamma.get(`/v2/images/${at('private', 'beta', 'accepted')}`)).status, 404)
  t.equal((await list(gamma, '&visibility=')).size, 0)
  t.equal((await server.as({ ...alice, roles: ['member'] }).get('/v2/images')).status, 403)
  t.equal(
    (await server.as({ ...bob, roles: ['member'] }).get(`/v2/images/${at('public', 'alpha', null)}`)).status,
    404,
  )
  t.equal(
    (await server.as({ roles: ['service'] }).get(`/v2/images/${at('public', 'alpha', null)}`)).status,
    404,
  )
})
