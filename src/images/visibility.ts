import { type Expression, type ExpressionBuilder, type SqlBool, sql } from 'kysely'
import type { Caller } from '../auth/caller.js'
import type { DB } from '../db/schema.js'
import type { Image, MemberStatus } from './image.js'

/**
 * Whether a caller may know of an image: one rule twice, as a predicate on an image and as a condition in SQL.
 * Policy comes on top. An admin knows of everything, a project of its own, of public and community images and of
 * those shared with it, accepted or not; an image without owner hides from nobody here, policy decides.
 */
export function isVisible(
  caller: Caller,
  image: Pick<Image, 'owner' | 'visibility' | 'member_status'>,
): boolean {
  if (caller.is_admin || image.owner === null) return true
  if (image.visibility === 'public' || image.visibility === 'community') return true
  if (caller.project_id === null) return false
  return image.owner === caller.project_id || (image.visibility === 'shared' && image.member_status !== null)
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
 */
export function listed(
  eb: ExpressionBuilder<DB & { i: DB['images'] }, 'i'>,
  caller: Caller,
  scope: Scope,
): Expression<SqlBool> {
  const conditions: Expression<SqlBool>[] = []
  const own = caller.project_id === null ? sql<SqlBool>`false` : eb('i.owner', '=', caller.project_id)
  if (!caller.is_admin) {
    const member =
      caller.project_id === null
        ? sql<SqlBool>`false`
        : eb.and([
            eb('i.visibility', '=', 'shared'),
            eb.exists(
              eb
                .selectFrom('image_members as m')
                .select(sql`1`.as('one'))
                .whereRef('m.image_id', '=', 'i.id')
                .where('m.member', '=', caller.project_id)
                .$if(scope.member_status !== 'all', q => q.where('m.status', '=', scope.member_status)),
            ),
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
