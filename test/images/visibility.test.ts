import t from 'tap'
import type { Caller } from '../../src/auth/caller.js'
import { nobody } from '../../src/auth/caller.js'
import type { Image, MemberStatus, Visibility } from '../../src/images/image.js'
import { learnGroups, reachOf } from '../../src/images/reach.js'
import { findUnscoped, pageOf } from '../../src/images/repository.js'
import { isVisible, listed } from '../../src/images/visibility.js'
import { admin, alice, bob, startApp } from '../helpers/app.js'

t.setTimeout(120_000)

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
  'a builder of epsilon': { ...nobody, project_id: 'epsilon', groups: ['builders', 'x'], roles: ['reader'] },
  'a builder whose groups are asked for': asked({ ...nobody, project_id: 'epsilon', roles: ['reader'] }),
  'a builder without a project': { ...nobody, groups: ['builders'], roles: ['reader'] },
  'somebody in the east': { ...nobody, project_id: 'zeta', project_domain_id: 'east', roles: ['reader'] },
  'somebody whose user is in the east': {
    ...nobody,
    project_id: 'zeta',
    user_domain_id: 'east',
    roles: ['reader'],
  },
  'a builder of gamma in the east': {
    ...nobody,
    project_id: 'gamma',
    project_domain_id: 'east',
    groups: ['builders'],
    roles: ['reader'],
  },
  'a builder of alpha': { ...nobody, project_id: 'alpha', groups: ['builders'], roles: ['reader'] },
  // a group's id is no domain's, and the other way round
  'somebody in group east and domain builders': {
    ...nobody,
    project_id: 'eta',
    project_domain_id: 'builders',
    groups: ['east'],
    roles: ['reader'],
  },
}

/** A caller whose groups somebody else knows. */
function asked(caller: Caller): Caller {
  let known: readonly string[] | null = null
  return {
    ...caller,
    group_source: {
      get known() {
        return known
      },
      async ask() {
        known = ['x', 'builders']
        return known
      },
    },
  }
}

interface Case {
  id: string
  visibility: Visibility
  owner: string | null
  /** Membership of project gamma. */
  member: MemberStatus | null
  /** Whom it is shared with besides. */
  share: { kind: 'group' | 'domain'; target: string } | null
}
const shares: Case['share'][] = [
  null,
  { kind: 'group', target: 'builders' },
  { kind: 'domain', target: 'east' },
]
const cases: Case[] = []
for (const visibility of visibilities)
  for (const owner of owners)
    for (const member of memberships)
      for (const share of shares) {
        const id = `00000000-0000-4000-8000-${String(cases.length).padStart(12, '0')}`
        cases.push({ id, visibility, owner, member, share })
        await db.insertInto('images').values({ id, visibility, owner }).execute()
        if (member) {
          await db
            .insertInto('image_members')
            .values({ image_id: id, member: 'gamma', status: member })
            .execute()
        }
        if (share)
          await db
            .insertInto('image_shares')
            .values({ id: `share-of-${cases.length}`, image_id: id, ...share })
            .execute()
      }
const nameOf = ({ visibility, owner, member, share }: Case) =>
  `${visibility} of ${owner}, gamma ${member}, ${share?.kind} ${share?.target}`

/** Whether a share alone shows the image, said a second time. */
const sharedWith = (name: string, { visibility, share }: Case) =>
  visibility === 'shared' &&
  ((share?.kind === 'group' &&
    [
      'a builder of epsilon',
      'a builder whose groups are asked for',
      'a builder of gamma in the east',
      'a builder of alpha',
    ].includes(name)) ||
    (share?.kind === 'domain' && ['somebody in the east', 'a builder of gamma in the east'].includes(name)))

const isMember = (caller: Caller, { visibility, member }: Case) =>
  visibility === 'shared' && member !== null && caller.project_id === 'gamma'

/** Ids that the SQL condition lists. */
const ids = async (caller: Caller, scope: Parameters<typeof listed>[3]) => {
  const reach = await reachOf(server.deps, caller)
  const rows = await pageOf(db)
    .where(eb => listed(eb as never, policy, caller, scope, reach))
    .execute()
  return rows.map(row => row.id)
}

/** For each caller the ids of what the predicate lets them see. */
const visible = new Map<string, Set<string>>()

t.test('who may know of an image, by id', async t => {
  for (const [name, caller] of Object.entries(callers)) {
    const seen = new Set<string>()
    visible.set(name, seen)
    for (const one of cases) {
      const { id, visibility, owner } = one
      const image = (await findUnscoped(db, id, { project: caller.project_id })) as Image
      await learnGroups(caller, image)
      const expected =
        caller.is_admin ||
        owner === null ||
        visibility === 'public' ||
        visibility === 'community' ||
        owner === caller.project_id ||
        isMember(caller, one) ||
        sharedWith(name, one)
      t.equal(isVisible(policy, caller, image), expected, `${name}: ${nameOf(one)}`)
      if (expected) seen.add(id)
    }
  }
})

t.test('the predicate and the SQL agree on every row', async t => {
  for (const [name, caller] of Object.entries(callers)) {
    const found = new Set(await ids(caller, { visibility: 'all', member_status: 'all' }))
    for (const one of cases) {
      const { id, visibility, owner } = one
      // images without owner can be shown by id; lists leave them out for those who are no admins
      const ownerless = owner === null && (visibility === 'shared' || visibility === 'private')
      const expected =
        ownerless && !caller.is_admin
          ? isMember(caller, one) || sharedWith(name, one)
          : visible.get(name)!.has(id)
      t.equal(found.has(id), expected, `${name}: ${nameOf(one)}`)
    }
  }
})

t.test('no list shows what cannot be shown by id', async t => {
  for (const [name, caller] of Object.entries(callers))
    for (const visibility of [undefined, 'all', '', ...visibilities])
      for (const member_status of ['all', 'pending', 'accepted', 'rejected'] as const)
        for (const id of await ids(caller, { visibility, member_status }))
          t.ok(visible.get(name)!.has(id), `${name} ${visibility} ${member_status}`)
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
          // a share is as good as having accepted
          if (sharedWith(name, one) && (member_status === 'accepted' || member_status === 'all')) return true
          if (!isMember(caller, one)) return false
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
    cases.find(
      one =>
        one.visibility === visibility && one.owner === owner && one.member === member && one.share === null,
    )?.id as string
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
