import type { Static } from '@sinclair/typebox'
import type { Caller } from '../../auth/caller.js'
import type { Deps } from '../../deps.js'
import { HttpError } from '../../errors.js'
import { checker } from '../../http/validation.js'
import { noImage, requireOn } from '../../images/access.js'
import { findUnscoped } from '../../images/repository.js'
import { findShared } from '../../images/shared.js'
import * as members from './repository.js'
import { Batch, type BatchResults } from './schemas.js'
import { addTo, checkMember } from './share.js'

const checkBody = checker(Batch)

/**
 * Shares an image with many projects. Whether the caller may is asked once; each project then has an answer of its own,
 * and one that is refused keeps none of the others.
 */
export async function addMany(
  deps: Deps,
  caller: Caller,
  id: string,
  body: unknown,
): Promise<Static<typeof BatchResults>> {
  checkBody(body)
  const wanted = [...new Set((body as Static<typeof Batch>).members)]
  requireOn(deps.policy, caller, 'add_member', await findShared(deps, caller, id))
  return deps.db.transaction().execute(async tx => {
    if (!(await findUnscoped(tx, id, { lock: true }))) throw noImage(id)
    let present = (await members.listOf(tx, id)).length
    const results: Static<typeof BatchResults>['results'] = []
    for (const member_id of wanted) {
      try {
        checkMember(member_id)
        await addTo(deps, tx, id, member_id, present)
        present++
        results.push({ member_id, status: 200 })
      } catch (err) {
        if (!(err instanceof HttpError)) throw err
        results.push({ member_id, status: err.status, error: err.message })
      }
    }
    return { results }
  })
}
