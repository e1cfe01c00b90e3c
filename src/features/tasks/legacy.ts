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
import { taskSchema } from './schemas.js'

/**
 * The deprecated way to import: an admin creates a task with a URL and the properties of an image to be made. It goes
 * through the same filter as every other fetch.
 */

const said = Object.keys(taskSchema.properties).filter(name => name !== 'type' && name !== 'input')
const check = checker({
  type: 'object',
  additionalProperties: false,
  properties: {
    type: { enum: ['import', 'api_image_import', 'location_import'] },
    input: { type: ['object', 'null'] },
    // what only the registry says of a task; whatever is sent is passed over
    ...Object.fromEntries(said.map(name => [name, {}])),
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
  const uri = checkUri(deps.config, input.import_from)
  if (uri.protocol !== 'http:' && uri.protocol !== 'https:') {
    throw new BadRequest('A task of type import takes http and https only.')
  }
  return deps.db.transaction().execute(async tx => {
    const id = await addTask(tx, {
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
    })
    // as it was asked for: a worker may have ended it as soon as this commits
    return (await findTask(tx, id)) as Task
  })
}

/** The properties of the image to be made. As with Glance it is the task that fails where they are missing. */
function propertiesOf({ import_from_format, image_properties }: Input): object {
  if (!import_from_format) throw new BadRequest("Input to a task of type import needs 'import_from_format'.")
  if (!image_properties || typeof image_properties !== 'object' || Array.isArray(image_properties)) {
    throw new BadRequest("Input to a task of type import needs an object 'image_properties'.")
  }
  return image_properties
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
    const properties = propertiesOf(task.input as Input)
    const image = await create(
      deps,
      caller,
      { ...properties, id: randomUUID() },
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
