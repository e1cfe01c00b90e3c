import type { Caller } from '../../auth/caller.js'
import type { Deps } from '../../deps.js'
import { BadRequest } from '../../errors.js'
import { countRows, type Listing, listing, pageAfter } from '../../images/list.js'
import { view } from '../../images/view.js'
import { rowOf } from './rows.js'

/** Rows that are read at once: few enough that the largest records do not need much memory. */
const PAGE = 250

/**
 * The rows that a list with the same query shows the caller, page by page; between pages no connection to the database
 * is held. The first page is there when this returns, so what fails at once fails with a status. Pages are not of one
 * moment: an image that changes its place in the order meanwhile may come twice or not at all.
 *
 * @param most BadRequest when there are more rows
 */
export async function openExport(
  deps: Deps,
  caller: Caller,
  query: URLSearchParams,
  most?: number,
): Promise<AsyncGenerator<string[][]>> {
  deps.policy.require(caller, 'export_images', { project_id: caller.project_id })
  const asked = exported(deps, caller, query)
  if (most !== undefined && (await countRows(deps, caller, asked, most + 1)) > most) {
    throw new BadRequest(`A workbook holds at most ${most} images; narrow the filters, or ask for csv.`)
  }
  const first = await pageAfter(deps, caller, asked, { limit: PAGE, marker: undefined })
  async function* pages() {
    let page = first
    for (;;) {
      yield page.images.map(image => rowOf(view(deps, caller, image)))
      if (page.last === undefined) return
      page = await pageAfter(deps, caller, asked, { limit: PAGE, marker: page.last })
    }
  }
  return pages()
}

/** The listing that a query means: the list's own filters and order, and `created_by=me`. */
function exported(deps: Deps, caller: Caller, query: URLSearchParams): Listing {
  const ofList = new URLSearchParams(query)
  ofList.delete('format')
  ofList.delete('created_by')
  for (const name of ['limit', 'marker']) {
    if (ofList.has(name)) throw new BadRequest(`An export has all rows, and no ${name}.`)
  }
  const asked = listing(deps, caller, ofList)
  const makers = query.getAll('created_by')
  if (makers.length === 0) return asked
  if (makers.some(maker => maker !== 'me')) throw new BadRequest('created_by can only be me.')
  const { filters } = asked
  const own: (typeof filters.conditions)[number] = eb => eb('i.created_by', '=', caller.user_id ?? '')
  return { ...asked, filters: { ...filters, conditions: [...filters.conditions, own] } }
}
