/** Who knows of which version of an image: by id, in lists, and what counts as hidden there. */
import { randomUUID } from 'node:crypto'
import t from 'tap'
import { type Caller, nobody } from '../../src/auth/caller.js'
import type { Visibility } from '../../src/images/image.js'
import { findUnscoped, pageOf } from '../../src/images/repository.js'
import { countsAsHidden, isVisible, listed } from '../../src/images/visibility.js'
import { admin, alice, rita, startApp } from '../helpers/app.js'

const server = await startApp(t)
const { db, policy } = server.deps

/** What a version is to its lineage: `alone` has no sibling in production. */
const kinds = ['no version', 'in production', 'superseded', 'next', 'alone', 'alone and superseded'] as const
type Kind = (typeof kinds)[number]
const visibilities: Visibility[] = ['public', 'community', 'shared', 'private']

interface Case {
  id: string
  kind: Kind
  visibility: Visibility
  owner: string | null
  /** Whether it is shared with gamma. */
  shared: boolean
  os_hidden: boolean
}
const cases: Case[] = []

async function add(one: Omit<Case, 'id'>, columns: object = {}): Promise<void> {
  const id = randomUUID()
  const { kind, shared, ...rest } = one
  await db
    .insertInto('images')
    .values({ id, status: 'active', name: kind, ...rest, ...columns })
    .execute()
  if (shared)
    await db
      .insertInto('image_members')
      .values({ image_id: id, member: 'gamma', status: 'accepted' })
      .execute()
  cases.push({ id, ...one })
}

for (const visibility of visibilities)
  for (const owner of ['alpha', 'beta', null])
    for (const shared of [false, true])
      for (const os_hidden of [false, true]) {
        const same = { visibility, owner, shared, os_hidden }
        await add({ kind: 'no version', ...same })
        const lineage = randomUUID()
        const lonely = randomUUID()
        await db
          .insertInto('lineages')
          .values([{ id: lineage }, { id: lonely }])
          .execute()
        await add(
          { kind: 'in production', ...same },
          { lineage, version: 2, production: true, promoted: true },
        )
        await add({ kind: 'superseded', ...same }, { lineage, version: 1, promoted: true })
        await add({ kind: 'next', ...same }, { lineage, version: 3 })
        await add({ kind: 'alone', ...same }, { lineage: lonely, version: 1 })
        await add({ kind: 'alone and superseded', ...same }, { lineage: lonely, version: 2, promoted: true })
      }

interface Who {
  caller: Caller
  /** Whose versions it makes. */
  makes: 'nobody' | 'alpha' | 'all'
  rebuilds?: boolean
}
const of = (project_id: string | null, ...roles: string[]): Caller => ({ ...nobody, project_id, roles })
const root: Caller = { ...of('cloud', 'admin', 'member', 'reader'), is_admin: true }
const callers: Record<string, Who> = {
  'a member of alpha': { caller: of('alpha', 'member', 'reader'), makes: 'alpha' },
  'a reader of alpha': { caller: of('alpha', 'reader'), makes: 'nobody' },
  'a member of gamma': { caller: of('gamma', 'member', 'reader'), makes: 'nobody' },
  'a member of no project': { caller: of(null, 'member', 'reader'), makes: 'nobody' },
  'a service': { caller: of('services', 'service', 'reader'), makes: 'nobody', rebuilds: true },
  'a reader of alpha by way of a service': {
    caller: { ...of('alpha', 'reader'), service_roles: ['service'] },
    makes: 'nobody',
    rebuilds: true,
  },
  'an admin': { caller: root, makes: 'all', rebuilds: true },
}

/** The visibility of an image that is no version, in words of its own. */
const isKnown = ({ caller }: Who, one: Case) =>
  caller.is_admin ||
  one.owner === null ||
  one.owner === caller.project_id ||
  one.visibility === 'public' ||
  one.visibility === 'community' ||
  (one.visibility === 'shared' && one.shared && caller.project_id === 'gamma')

const isMaker = (who: Who, one: Case) =>
  who.makes === 'all' || (who.makes === 'alpha' && one.owner === 'alpha')
const isFree = (one: Case) => one.kind === 'no version' || one.kind === 'in production'

t.test(
  'by id: who may not make versions knows the one in production; services those before, too',
  async t => {
    for (const [name, who] of Object.entries(callers))
      for (const one of cases) {
        const image = await findUnscoped(db, one.id, { project: who.caller.project_id })
        const superseded = one.kind === 'superseded' || one.kind === 'alone and superseded'
        const expected =
          isKnown(who, one) && (isFree(one) || isMaker(who, one) || (superseded && who.rebuilds === true))
        t.equal(
          image && isVisible(policy, who.caller, image),
          expected,
          `${name}: ${one.kind}, ${one.visibility} of ${one.owner}`,
        )
      }
  },
)

const nowhere = { groups: [], domain: null }

t.test('lists show the same, but for those before, which are for services by id only', async t => {
  for (const [name, who] of Object.entries(callers)) {
    const rows = await pageOf(db)
      .where(eb =>
        listed(eb as never, policy, who.caller, { visibility: 'all', member_status: 'all' }, nowhere),
      )
      .execute()
    const found = new Set(rows.map(row => row.id))
    for (const one of cases) {
      // images without owner: admins' lists only, unless anybody may use them
      const unlisted =
        one.owner === null &&
        !who.caller.is_admin &&
        (one.visibility === 'private' ||
          (one.visibility === 'shared' && !(one.shared && who.caller.project_id === 'gamma')))
      const expected = isKnown(who, one) && !unlisted && (isFree(one) || isMaker(who, one))
      t.equal(found.has(one.id), expected, `${name}: ${one.kind}, ${one.visibility} of ${one.owner}`)
    }
  }
})

t.test('versions beside one in production count as hidden, whatever their attribute says', async t => {
  for (const hidden of [true, false]) {
    const rows = await pageOf(db)
      .where(eb => countsAsHidden(eb as never, hidden))
      .execute()
    const expected = cases.filter(
      one => (one.os_hidden || one.kind === 'superseded' || one.kind === 'next') === hidden,
    )
    t.strictSame(rows.map(row => row.id).toSorted(), expected.map(one => one.id).toSorted())
  }
})

t.test('through the API, with the facts about versions to read and to filter by', async t => {
  const at = (kind: Kind) =>
    cases.find(
      one =>
        one.kind === kind &&
        one.visibility === 'public' &&
        one.owner === 'alpha' &&
        !one.shared &&
        !one.os_hidden,
    )!.id
  const ids = async (who: Parameters<typeof server.as>[0], query: string) =>
    new Set(
      (await server.as(who).get(`/v2/images?limit=1000${query}`)).json.images.map(
        (one: { id: string }) => one.id,
      ),
    )
  const owner = server.as(alice)
  const reader = server.as(rita)
  const inProduction = await reader.show(at('in production'))
  t.match(inProduction, { os_glance_version: '2', os_glance_production: 'true', os_hidden: false })
  const next = await owner.show(at('next'))
  t.match(next, { os_glance_version: '3', os_glance_production: 'false', os_hidden: false })
  t.equal(next.os_glance_lineage, inProduction.os_glance_lineage)
  t.notOk(
    Object.keys(await reader.show(at('no version'))).some(key => key.startsWith('os_glance')),
    'only images of a lineage carry them',
  )
  for (const [name, kind, status] of [
    ['next', 'next', 404],
    ['superseded', 'superseded', 404],
    ['alone', 'alone', 404],
    ['in production', 'in production', 200],
  ] as const)
    t.equal((await reader.get(`/v2/images/${at(kind)}`)).status, status, `a reader, ${name}`)

  for (const [who, list] of [
    ['owner', await ids(alice, '')],
    ['admin', await ids(admin, '')],
    ['reader', await ids(rita, '')],
  ] as const) {
    t.ok(list.has(at('in production')), who)
    t.notOk(list.has(at('next')) || list.has(at('superseded')), who)
    t.equal(list.has(at('alone')), who !== 'reader', `${who}: the only one, not in production`)
  }
  const hidden = await ids(alice, '&os_hidden=true')
  t.ok(hidden.has(at('next')) && hidden.has(at('superseded')))
  t.notOk(hidden.has(at('in production')))
  t.notOk((await ids(rita, '&os_hidden=true')).has(at('next')))

  const lineage = inProduction.os_glance_lineage
  t.strictSame(await ids(alice, `&os_glance_lineage=${lineage}`), new Set([at('in production')]))
  t.equal((await ids(alice, `&os_glance_lineage=${lineage}&os_hidden=true`)).size, 2)
  t.strictSame(
    await ids(alice, `&os_glance_lineage=${lineage}&os_hidden=true&os_glance_version=3`),
    new Set([at('next')]),
  )
  for (const query of ['version=x', 'version=99999999999', 'production=maybe', 'lineage=none'])
    t.equal((await ids(alice, `&os_glance_${query}`)).size, 0, query)
  t.ok((await ids(alice, '&os_glance_production=true')).has(at('in production')))
  t.notOk((await ids(alice, '&os_glance_production=false')).has(at('no version')))

  const patch = [{ op: 'replace', path: '/os_glance_production', value: 'true' }]
  t.equal((await owner.patch(`/v2/images/${at('next')}`, patch)).status, 403)
  t.equal((await owner.post('/v2/images', { os_glance_lineage: String(lineage) })).status, 403)
  t.equal((await reader.get(`/v2/images?marker=${at('next')}`)).status, 403)
})
