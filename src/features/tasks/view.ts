import { time } from '../../images/view.js'
import type { Task } from '../../queue/tasks.js'

/** A task in a list. */
export function stub(task: Task) {
  return {
    id: task.id,
    type: task.type,
    status: task.status,
    owner: task.owner,
    ...(task.expires_at && { expires_at: time(task.expires_at) }),
    created_at: time(task.created_at),
    updated_at: time(task.updated_at),
    self: `/v2/tasks/${task.id}`,
    schema: '/v2/schemas/task',
  }
}

/** A task by itself. */
export function view(task: Task) {
  return {
    ...stub(task),
    input: task.input,
    result: task.result,
    message: task.message,
    ...(task.image_id && { image_id: task.image_id }),
    ...(task.request_id && { request_id: task.request_id }),
    ...(task.user_id && { user_id: task.user_id }),
  }
}

/** Microseconds and no Z: how Glance writes times below an image, and nowhere else. */
const long = (date: Date | null) => date && `${date.toISOString().slice(0, 23)}000`

/** A task below its image. */
export function ofImage(task: Task) {
  return {
    id: task.id,
    type: task.type,
    status: task.status,
    owner: task.owner,
    expires_at: long(task.expires_at),
    created_at: long(task.created_at),
    updated_at: long(task.updated_at),
    deleted_at: long(task.deleted_at),
    deleted: task.deleted_at !== null,
    image_id: task.image_id,
    request_id: task.request_id,
    user_id: task.user_id,
    input: task.input,
    result: task.result,
    message: task.message,
  }
}
