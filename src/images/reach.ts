import { type SqlBool, sql } from 'kysely'
import type { Pool } from 'pg'
import { askGroups, type Caller, knownGroups } from '../auth/caller.js'
import { prepared } from '../db/prepared.js'
import type { Image, Share } from './image.js'

/**
 * Whom shares reach: the members of a group, and the projects of a domain. Where a caller's groups have to be asked
 * for, that is put off until there is a share that makes them matter.
 */

/** The share that lets a caller see an image; by the groups that are known by now. */
export function shareFor(caller: Caller, image: Pick<Image, 'visibility' | 'shares'>): Share | undefined {
  // who has no project is a member of nothing
  if (image.visibility !== 'shared' || caller.project_id === null) return undefined
  const groups = knownGroups(caller)
  return image.shares?.find(({ kind, target }) =>
    kind === 'group' ? groups.includes(target) : target === caller.project_domain_id,
  )
}

/** Whether groups would have to be asked for to tell what a caller may see. */
const isUnknown = (caller: Caller) =>
  !caller.is_admin && caller.project_id !== null && caller.group_source?.known === null

/** Asks for the caller's groups if they matter for this image and are not known; whether it did. Throws Unavailable. */
export async function learnGroups(
  caller: Caller,
  image: Pick<Image, 'visibility' | 'shares'>,
): Promise<boolean> {
  if (!isUnknown(caller) || image.visibility !== 'shared') return false
  if (!image.shares?.some(({ kind }) => kind === 'group')) return false
  await askGroups(caller)
  return true
}

const groupShare = prepared('group share of image', (db, p: { id: string }) =>
  db
    .selectFrom('image_shares')
    .select(sql`1`.as('one'))
    .where('image_id', '=', p.id)
    .where('kind', '=', 'group')
    .limit(1),
)

/** The same before a transaction that reads the image: nobody should wait for Keystone while holding its lock. */
export async function learnGroupsFor({ pool }: { pool: Pool }, caller: Caller, id: string): Promise<void> {
  if (isUnknown(caller) && (await groupShare(pool, { id })).length > 0) await askGroups(caller)
}

/** What of all shares reaches a caller: for lists. */
export interface Reach {
  groups: readonly string[]
  /** The domain of the caller's project. */
  domain: string | null
}

const nothing: Reach = { groups: [], domain: null }

const anyShares = prepared(
  'shares that reach a caller',
  (db, p: { groups: readonly string[] | null; domain: string | null }) =>
    db.selectNoFrom(eb => [
      eb
        .exists(
          eb
            .selectFrom('image_shares')
            .select(sql`1`.as('one'))
            .where('kind', '=', 'group')
            .where(sql<SqlBool>`(${p.groups}::text[] is null or target = any(${p.groups}::text[]))`),
        )
        .as('groups'),
      eb
        .exists(
          eb
            .selectFrom('image_shares')
            .select(sql`1`.as('one'))
            .where('kind', '=', 'domain')
            .where('target', '=', p.domain as string),
        )
        .as('domain'),
    ]),
)

/**
 * What of all shares reaches a caller, nothing for an admin, who sees all anyway. Looked up at each list, as a share
 * counts at once; where none is found the list's statement stays as it is without shares. Throws Unavailable.
 */
export async function reachOf({ pool }: { pool: Pool }, caller: Caller): Promise<Reach> {
  if (caller.is_admin || caller.project_id === null) return nothing
  const known = isUnknown(caller) ? null : knownGroups(caller)
  const [found] = await anyShares(pool, { groups: known, domain: caller.project_domain_id })
  return {
    groups: found?.groups ? (known ?? (await askGroups(caller))) : [],
    domain: found?.domain ? caller.project_domain_id : null,
  }
}
