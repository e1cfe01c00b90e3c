import type { Caller } from '../../auth/caller.js'
import type { Deps } from '../../deps.js'
import { describe } from '../../http/error-handler.js'
import { type ActionName, actions } from './actions.js'

/** What became of one image: the status, and when it was refused the sentence, that the single call would have given. */
export interface Result {
  id: string
  status: number
  error?: string
}

/** Images that are worked on at once: one request must not have all connections to the database. */
const AT_ONCE = 4

/**
 * Does the same with many images, each in a transaction of its own; results come in the order of the ids, of which
 * equal ones count once. Versions in production come last, as they can only be deleted when no others are left.
 */
export async function runBatch(
  deps: Deps,
  caller: Caller,
  action: ActionName,
  given: readonly string[],
): Promise<Result[]> {
  const ids = [...new Set(given)]
  const last = action === 'delete' ? await inProduction(deps, ids) : new Set<string>()
  const results = new Map<string, Result>()
  for (const group of [ids.filter(id => !last.has(id)), ids.filter(id => last.has(id))]) {
    const waiting = group.values()
    const work = async () => {
      for (const id of waiting) results.set(id, await runOne(deps, caller, action, id))
    }
    await Promise.all(Array.from({ length: AT_ONCE }, work))
  }
  return ids.map(id => results.get(id) as Result)
}

async function runOne(deps: Deps, caller: Caller, action: ActionName, id: string): Promise<Result> {
  const { run, status } = actions[action]
  try {
    await run(deps, caller, id)
    return { id, status }
  } catch (err) {
    const refusal = describe(err)
    if (refusal.status >= 500) deps.log.error({ err, image: id, action }, 'a batch could not handle an image')
    return { id, status: refusal.status, error: refusal.message }
  }
}

async function inProduction({ db }: Deps, ids: readonly string[]): Promise<Set<string>> {
  const possible = ids.filter(id => id.length <= 36 && !id.includes('\0'))
  if (possible.length === 0) return new Set()
  const rows = await db
    .selectFrom('images')
    .select('id')
    .where('id', 'in', possible)
    .where('production', '=', true)
    .execute()
  return new Set(rows.map(({ id }) => id))
}
