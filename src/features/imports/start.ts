import type { Caller } from '../../auth/caller.js'
import { lock } from '../../data/import-lock.js'
import type { Deps } from '../../deps.js'
import { BadRequest, Conflict } from '../../errors.js'
import { checkUri, maskUri } from '../../fetch/guard.js'
import { noImage, requireOn } from '../../images/access.js'
import type { Image } from '../../images/image.js'
import { find, findUnscoped } from '../../images/repository.js'
import { addTask } from '../../queue/tasks.js'
import { begin } from '../../queue/transfers.js'
import { openQuota } from '../../quota/check.js'
import { seal } from '../../secrets.js'
import type { ImportRequest } from './request.js'
import { targetStores } from './targets.js'

export interface Start {
  id: string
  request: ImportRequest
  /** The body as it was sent, which the task shows. */
  body: Record<string, unknown>
  /** X-Image-Meta-Store. */
  store: string | undefined
  request_id: string
}

/** What the job needs and the task must not show. */
export interface Secret {
  uri?: string
  token?: string
  /** Roles of whoever asked. */
  roles?: readonly string[]
  /** Whoever asked, without the token, where the job sets properties in their name. */
  caller?: Caller
}

/** Accepts an import: every check of Glance's in its order, then the lock, the task and its job in one transaction. */
export async function start(
  deps: Deps,
  caller: Caller,
  { id, request, body, store, request_id }: Start,
): Promise<void> {
  const quota = await openQuota(deps, caller.project_id)
  // a project that has too much already begins nothing, whatever it is
  await deps.db.transaction().execute(tx => quota.check(tx, 'image_size_total', 0))
  const image = await find(deps, caller, id)
  const method = request.method.name
  checkState(image, method)
  if (method === 'glance-download') checkRemote(request.method)
  requireOn(deps.policy, caller, method === 'copy-image' ? 'copy_image' : 'modify_image', image)

  let stores = targetStores(deps.stores, request, store)
  if (method === 'copy-image') {
    const present = stores.filter(name => image.locations.some(location => location.store === name))
    if (present.length > 0 && !request.all_stores) {
      throw new BadRequest(`Image is already present at store '${present[0]}'`)
    }
    stores = stores.filter(name => !present.includes(name))
    if (stores.length === 0 && request.all_stores) return
  }
  if (!request.all_stores_must_succeed && !deps.stores.multi) {
    throw new BadRequest('all_stores_must_succeed can only be false where there are several stores.')
  }
  const secret: Secret = { roles: caller.roles }
  let shown = body
  if (method === 'web-download') {
    const uri = checkUri(deps.config, request.method.uri)
    secret.uri = uri.href
    shown = { ...body, method: { ...(body.method as object), uri: maskUri(uri, String(request.method.uri)) } }
  }
  if (method === 'glance-download') {
    secret.caller = { ...caller, token: null }
    if (caller.token) secret.token = caller.token
  }

  await deps.db.transaction().execute(async tx => {
    const locked = await findUnscoped(tx, id, { project: caller.project_id, lock: true })
    if (!locked) throw noImage(id)
    checkState(locked, method)
    const task = await addTask(tx, {
      type: 'api_image_import',
      owner: caller.project_id,
      image_id: id,
      request_id,
      user_id: caller.user_id,
      input: { image_id: id, import_req: shown, backend: stores },
      secret: seal(deps.config.secret_key ?? '', JSON.stringify(secret)),
    })
    await lock(tx, locked, task)
    await begin(tx, { image_id: id, id: task, kind: 'import', task_id: task })
  })
}

/** Whether the image is in the state that the method starts from. */
function checkState(image: Image, method: string): void {
  if (image.status === 'active' && method !== 'copy-image') {
    throw new Conflict('Image with status active cannot be target for import')
  }
  if (image.status !== 'active' && method === 'copy-image') {
    throw new Conflict('Only images with status active can be targeted for copying')
  }
  if (image.status !== 'queued' && (method === 'web-download' || method === 'glance-download')) {
    throw new Conflict(`Image needs to be in 'queued' state to use '${method}' method`)
  }
  if (image.status !== 'uploading' && method === 'glance-direct') {
    throw new Conflict("Image needs to be staged before 'glance-direct' method can be used")
  }
  for (const name of ['container_format', 'disk_format'] as const) {
    if (image[name] === null) throw new Conflict(`'${name}' needs to be set before import`)
  }
}

const uuid = /^[{]?[0-9a-f]{8}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{12}[}]?$/i

function checkRemote(method: ImportRequest['method']): void {
  for (const name of ['glance_region', 'glance_image_id'] as const) {
    if (method[name] === undefined) {
      throw new BadRequest(`'${name}' needs to be set for glance-download import method`)
    }
    if (typeof method[name] !== 'string') throw new BadRequest(`'${name}' must be a string.`)
  }
  if (!uuid.test(method.glance_image_id as string)) {
    // tempest looks for these words
    throw new BadRequest(
      `Remote image id does not look like a UUID: ${String(method.glance_image_id).slice(0, 100)}`,
    )
  }
}
