import type { Database } from '../../db/connect.js'
import { BadRequest } from '../../errors.js'
import { after, limitOf, sortOf } from '../../http/pages.js'
import type { Task } from '../../queue/tasks.js'

/** Keys that tasks can be sorted by. */
export const columns = ['id', 'type', 'status', 'owner', 'created_at', 'updated_at', 'expires_at'] as const

const uuid = /^[0-9a-f]{8}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{12}$/i

/** One page of tasks by Glance's parameters, and the marker of the next when the page was full. Throws BadRequest. */
export async function list(
  db: Database,
  query: URLSearchParams,
): Promise<{ tasks: Task[]; next: string | null }> {
  const limit = limitOf(query)
  const sorting = new URLSearchParams()
  for (const name of ['sort_key', 'sort_dir']) {
    const value = query.getAll(name).at(-1)
    if (value !== undefined) sorting.set(name, value)
  }
  const order = sortOf(sorting, columns)
  const status = query.getAll('status').at(-1)
  if (status && !['pending', 'processing', 'success', 'failure'].includes(status)) {
    throw new BadRequest('status must be pending, processing, success or failure.')
  }
  const type = query.getAll('type').at(-1)
  // Glance knows more types, and lets only this one be asked for
  if (type && type !== 'import') throw new BadRequest('type must be import.')

  let select = db.selectFrom('tasks as t').selectAll().where('deleted_at', 'is', null).limit(limit)
  for (const name of ['id', 'type', 'status', 'owner', 'image_id', 'request_id', 'user_id'] as const) {
    const value = query.getAll(name).at(-1)
    // an empty one matches nothing, as with Glance
    if (value !== undefined) select = select.where(name, '=', value.replaceAll('\0', ''))
  }
  const marker = query.getAll('marker').at(-1)
  if (marker !== undefined) {
    if (!uuid.test(marker)) throw new BadRequest('The marker must be the id of a task.')
    const row = await db.selectFrom('tasks').selectAll().where('id', '=', marker).executeTakeFirst()
    if (!row) throw new BadRequest('The marker is no task.')
    select = select.where(eb => after(eb, order, row, 't'))
  }
  for (const { key, direction } of order) select = select.orderBy(`t.${key as 'id'}`, direction)
  if (limit === 0) return { tasks: [], next: null }
  const tasks = await select.execute()
  return { tasks, next: tasks.length === limit ? (tasks.at(-1)?.id ?? null) : null }
}

/** Tasks of an image, of one project only when it is named, in their order. */
export async function listOfImage(
  db: Database,
  imageId: string,
  owner: string | null | undefined,
): Promise<Task[]> {
  return db
    .selectFrom('tasks')
    .selectAll()
    .where('image_id', '=', imageId)
    .where('deleted_at', 'is', null)
    .$if(owner !== undefined, q => q.where('owner', 'is not distinct from', owner as string | null))
    .orderBy('created_at')
    .execute()
}
