import { type Expression, type ExpressionBuilder, type SqlBool, sql } from 'kysely'
import type { Caller } from '../auth/caller.js'
import type { DB } from '../db/schema.js'
import type { Policy } from '../policy/policy.js'
import { imageTarget } from './access.js'
import type { Image, MemberStatus } from './image.js'
import { learnGroups, type Reach, shareFor } from './reach.js'

type Row = ExpressionBuilder<DB & { i: DB['images'] }, 'i'>

/**
 * Whether a caller may know of an image: one rule twice, as a predicate on an image and as a condition in SQL.
 * Policy on what is done with it comes on top. An admin knows of everything, a project of its own, of public and
 * community images and of those shared with it, accepted or not, or with its domain or a group of the caller's; an
 * image without owner hides from nobody here, policy decides. Of the versions of one thing, those who may not make
 * versions know the one in production only.
 */
export function isVisible(policy: Pick<Policy, 'allows'>, caller: Caller, image: Image): boolean {
  return isKnown(caller, image) && isVersionKnown(policy, caller, image)
}

/** The same, with the caller's groups asked for where they matter. Throws Unavailable when they can't be. */
export async function mayKnow(
  policy: Pick<Policy, 'allows'>,
  caller: Caller,
  image: Image,
): Promise<boolean> {
  if (isVisible(policy, caller, image)) return true
  return (await learnGroups(caller, image)) && isVisible(policy, caller, image)
}

function isKnown(
  caller: Caller,
  image: Pick<Image, 'owner' | 'visibility' | 'member_status' | 'shares'>,
): boolean {
  if (caller.is_admin || image.owner === null) return true
  if (image.visibility === 'public' || image.visibility === 'community') return true
  if (caller.project_id === null) return false
  if (image.owner === caller.project_id) return true
  if (image.visibility !== 'shared') return false
  return image.member_status !== null || shareFor(caller, image) !== undefined
}

/** One that was in production before can still be read by id, by those who rebuild servers from it. */
function isVersionKnown(policy: Pick<Policy, 'allows'>, caller: Caller, image: Image): boolean {
  if (image.lineage === null || image.production) return true
  const { own, others } = versionsKnown(policy, caller)
  if (image.owner !== null && image.owner === caller.project_id ? own : others) return true
  return image.promoted && policy.allows(caller, 'get_superseded_version', imageTarget(caller, image))
}

/**
 * Whether the caller knows all versions of its own project's images, and of others'. The rule is asked about the
 * project alone, so that SQL can say the same.
 */
function versionsKnown(policy: Pick<Policy, 'allows'>, caller: Caller): { own: boolean; others: boolean } {
  const ask = (project: string) =>
    policy.allows(caller, 'get_versions', { project_id: project, owner: project })
  // no project has an empty id
  return { own: caller.project_id !== null && ask(caller.project_id), others: ask('') }
}

/** The versions among the rows of `images as i` that lists show the caller: the same in SQL. */
export function versionKnown(eb: Row, policy: Pick<Policy, 'allows'>, caller: Caller): Expression<SqlBool> {
  const { own, others } = versionsKnown(policy, caller)
  if (own && others) return sql<SqlBool>`true`
  const ways = [eb('i.lineage', 'is', null), eb('i.production', '=', true)]
  if (own) ways.push(eb('i.owner', '=', caller.project_id))
  if (others) ways.push(eb('i.owner', 'is distinct from', caller.project_id))
  return eb.or(ways)
}

/**
 * The rows of `images as i` that count as hidden in lists, or the others: hidden ones, and versions of a lineage that
 * has another in production, so that a look-up by name finds one.
 */
export function countsAsHidden(eb: Row, hidden: boolean): Expression<SqlBool> {
  const replaced = eb.exists(
    eb
      .selectFrom('images as p')
      .select(sql`1`.as('one'))
      .whereRef('p.lineage', '=', 'i.lineage')
      .where('p.production', '=', true)
      // so that PostgreSQL looks up one lineage, instead of reading all that there are into a table first
      .offset(0),
  )
  if (!hidden) {
    const shown = eb.or([eb('i.lineage', 'is', null), eb('i.production', '=', true), eb.not(replaced)])
    return eb.and([eb('i.os_hidden', '=', false), shown])
  }
  const old = eb.and([eb('i.lineage', 'is not', null), eb('i.production', '=', false), replaced])
  return eb.or([eb('i.os_hidden', '=', true), old])
}

/** What a list holds besides its filters. */
export interface Scope {
  /** One visibility, `all`, or undefined for Glance's default list. */
  visibility?: string | undefined
  /** Which of the images shared with the caller's project count. */
  member_status: MemberStatus | 'all'
}

/**
 * The rows of `images as i` that a list shows the caller. The default list leaves out others' community images,
 * for admins too; images without owner are listed for admins only.
 *
 * @param reach what reachOf gave for the caller
 */
export function listed(
  eb: Row,
  policy: Pick<Policy, 'allows'>,
  caller: Caller,
  scope: Scope,
  reach: Reach,
): Expression<SqlBool> {
  const conditions: Expression<SqlBool>[] = [versionKnown(eb, policy, caller)]
  const own = caller.project_id === null ? sql<SqlBool>`false` : eb('i.owner', '=', caller.project_id)
  if (!caller.is_admin) {
    const member =
      caller.project_id === null
        ? sql<SqlBool>`false`
        : eb.and([
            eb('i.visibility', '=', 'shared'),
            eb.or([
              eb.exists(
                eb
                  .selectFrom('image_members as m')
                  .select(sql`1`.as('one'))
                  .whereRef('m.image_id', '=', 'i.id')
                  .where('m.member', '=', caller.project_id)
                  .$if(scope.member_status !== 'all', q => q.where('m.status', '=', scope.member_status)),
              ),
              ...reached(eb, scope, reach),
            ]),
          ])
    conditions.push(eb.or([eb('i.visibility', 'in', ['public', 'community']), own, member]))
  }
  if (scope.visibility === undefined) {
    conditions.push(eb.or([own, eb('i.visibility', '<>', 'community')]))
  } else if (scope.visibility !== 'all') {
    conditions.push(eb('i.visibility', '=', scope.visibility))
  }
  return eb.and(conditions)
}

/** Rows that a share shows the caller: as if its project had accepted. No condition at all where there are no shares. */
function reached(eb: Row, scope: Scope, { groups, domain }: Reach): Expression<SqlBool>[] {
  if (scope.member_status !== 'accepted' && scope.member_status !== 'all') return []
  if (groups.length === 0 && domain === null) return []
  return [
    eb(
      'i.id',
      'in',
      eb
        .selectFrom('image_shares as s')
        .select('s.image_id')
        .where(s =>
          s.or([
            ...(groups.length > 0 ? [s.and([s('s.kind', '=', 'group'), s('s.target', 'in', groups)])] : []),
            ...(domain !== null ? [s.and([s('s.kind', '=', 'domain'), s('s.target', '=', domain)])] : []),
          ]),
        ),
    ),
  ]
}
