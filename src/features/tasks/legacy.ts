import { randomUUID } from 'node:crypto'
import type { Caller } from '../../auth/caller.js'
import { attempt } from '../../data/attempt.js'
import * as locations from '../../data/locations.js'
import { writeCopy } from '../../data/write-copy.js'
import type { Deps } from '../../deps.js'
import { BadRequest, Gone } from '../../errors.js'
import { checkUri, maskUri } from '../../fetch/guard.js'
import { fetchUri } from '../../fetch/index.js'
import { judge } from '../../formats/index.js'
import { checker } from '../../http/validation.js'
import { attributeChecker } from '../../images/check.js'
import { create } from '../../images/create.js'
import { move } from '../../images/status.js'
import type { TaskRunner } from '../../queue/run-task.js'
import { addTask, endTask, findTask, type Task, type TaskType } from '../../queue/tasks.js'
import { seal, unseal } from '../../secrets.js'

/**
 * The deprecated way to import: an admin creates a task with a URL and the properties of an image to be made. It goes
 * through the same filter as every other fetch.
 */

const check = checker({
  type: 'object',
  properties: {
    type: { enum: ['import', 'api_image_import', 'location_import'] },
    input: { type: ['object', 'null'] },
  },
})

interface Input {
  import_from?: unknown
  import_from_format?: unknown
  image_properties?: unknown
}

/** Creates a task. Throws BadRequest for what can never run. */
export async function createTask(
  deps: Deps,
  caller: Caller,
  body: Record<string, unknown>,
  request_id: string,
): Promise<Task> {
  for (const name of ['type', 'input']) {
    if (!Object.hasOwn(body, name)) throw new BadRequest(`Task '${name}' is required.`)
  }
  check(body)
  if (body.type !== 'import') {
    return createVainTask(deps, caller, body.type as TaskType, body.input ?? {}, request_id)
  }
  const input = (body.input ?? {}) as Input
  for (const name of ['import_from', 'import_from_format', 'image_properties'] as const) {
    if (!input[name]) throw new BadRequest(`Input to a task of type import needs '${name}'.`)
  }
  const { image_properties } = input
  if (image_properties === null || typeof image_properties !== 'object' || Array.isArray(image_properties)) {
    throw new BadRequest("'image_properties' must be an object.")
  }
  const uri = checkUri(deps.config, input.import_from)
  if (uri.protocol !== 'http:' && uri.protocol !== 'https:') {
    throw new BadRequest('A task of type import takes http and https only.')
  }
  const id = await deps.db.transaction().execute(tx =>
    addTask(tx, {
      type: 'import',
      owner: caller.project_id,
      image_id: null,
      request_id,
      user_id: caller.user_id,
      input: { ...input, import_from: maskUri(uri, String(input.import_from)) },
      secret: seal(
        deps.config.secret_key ?? '',
        JSON.stringify({ uri: uri.href, caller: { ...caller, token: null } }),
      ),
    }),
  )
  return (await findTask(deps.db, id)) as Task
}

/**
 * A task of a type that only goes with an import or a location: Glance takes it, and fails it when it comes to run it.
 *
 * @returns the task as it was made
 */
async function createVainTask(
  { db }: Deps,
  { project_id, user_id }: Caller,
  type: TaskType,
  input: object,
  request_id: string,
): Promise<Task> {
  const shown = JSON.parse(JSON.stringify(input), (_, value: unknown) =>
    typeof value === 'string' && URL.canParse(value) ? maskUri(new URL(value), value) : value,
  ) as object
  return db.transaction().execute(async tx => {
    const id = await addTask(tx, {
      type,
      owner: project_id,
      image_id: null,
      request_id,
      user_id,
      input: shown,
    })
    const made = (await findTask(tx, id)) as Task
    const message = `A task of type ${type} can not be made by itself: it comes with an import or a location.`
    await endTask(tx, id, 'failure', { message })
    return made
  })
}

/** Makes the image, fetches its bytes, and takes the image back when that fails. */
export function legacyRunner(deps: Deps): TaskRunner {
  return async (task, signal) => {
    const { uri, caller } = JSON.parse(unseal(deps.config.secret_key ?? '', task.secret ?? '')) as {
      uri: string
      caller: Caller
    }
    const { image_properties } = task.input as { image_properties: Record<string, unknown> }
    const image = await create(
      deps,
      caller,
      { ...image_properties, id: randomUUID() },
      attributeChecker(deps.config),
    )
    const write = await attempt(deps, image.id, deps.stores.defaultName, {
      signal,
      during: 'importing',
      task: task.id,
    })
    try {
      const fetched = await fetchUri(deps.config, uri, { signal: write.signal })
      const { facts, ...learnt } = await writeCopy(deps, write, () => fetched.stream, {
        expected: fetched.size,
        watched: true,
      })
      const { virtual_size } = judge(facts, {
        disk_format: image.disk_format ?? '',
        container_format: image.container_format ?? '',
        size: learnt.size,
      })
      await deps.db.transaction().execute(async tx => {
        const won =
          (await move(tx, image.id, 'importing', 'active', { ...learnt, virtual_size })) &&
          (await write.settle(tx, learnt.size))
        if (!won) throw new Gone('The image was deleted during its import.')
        await locations.add(tx, image.id, write.blob)
      })
      write.finish()
      return { result: { image_id: image.id } }
    } catch (error) {
      await write.undo(error)
      throw error
    }
  }
}
