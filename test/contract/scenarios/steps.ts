import type { Actor } from '../actors.js'
import type { Scenario, Step } from '../exchange.js'

/** Shorthand for the steps that most scenarios are made of. `more` adds to or overrides what a step says. */
type More = Partial<Step>

export const v21 = 'application/openstack-images-v2.1-json-patch'
export const v20 = 'application/openstack-images-v2.0-json-patch'
export const octets = 'application/octet-stream'

export function scenario(
  name: string,
  steps: readonly (Step | readonly Step[])[],
  more: Partial<Scenario> = {},
) {
  return { name, steps: steps.flat(), ...more }
}

/** POST /v2/images; the new id is saved as `image`. */
export function create(actor: Actor, json: object = {}, more: More = {}): Step {
  return { actor, method: 'POST', path: '/v2/images', json, save: { image: 'id' }, ...more }
}

/** An image that can take bytes. */
export function createRaw(actor: Actor, json: object = {}, more: More = {}): Step {
  return create(actor, { disk_format: 'raw', container_format: 'bare', ...json }, more)
}

export function get(actor: Actor, path: string, more: More = {}): Step {
  return { actor, method: 'GET', path, ...more }
}

export function show(actor: Actor, more: More = {}): Step {
  return get(actor, '/v2/images/<image>', more)
}

export function post(actor: Actor, path: string, json?: unknown, more: More = {}): Step {
  return { actor, method: 'POST', path, ...(json !== undefined && { json }), ...more }
}

export function put(actor: Actor, path: string, json?: unknown, more: More = {}): Step {
  return { actor, method: 'PUT', path, ...(json !== undefined && { json }), ...more }
}

export function del(actor: Actor, path = '/v2/images/<image>', more: More = {}): Step {
  return { actor, method: 'DELETE', path, ...more }
}

/** PATCH with the current media type. */
export function patch(actor: Actor, json: unknown, more: More = {}): Step {
  return {
    actor,
    method: 'PATCH',
    path: '/v2/images/<image>',
    json,
    ...more,
    headers: { 'content-type': v21, ...more.headers },
  }
}

/** PATCH with the legacy media type. */
export function patchLegacy(actor: Actor, json: unknown, more: More = {}): Step {
  return patch(actor, json, { ...more, headers: { 'content-type': v20, ...more.headers } })
}

export const add = (path: unknown, value: unknown) => ({ op: 'add', path, value })
export const replace = (path: unknown, value: unknown) => ({ op: 'replace', path, value })
export const remove = (path: unknown) => ({ op: 'remove', path })

export function upload(actor: Actor, size = 1000, more: More = {}): Step {
  return {
    actor,
    method: 'PUT',
    path: '/v2/images/<image>/file',
    bytes: { size },
    ...more,
    headers: { 'content-type': octets, ...more.headers },
  }
}

/** PUT …/stage, for an import to come. */
export function stage(actor: Actor, size = 1000, more: More = {}): Step {
  return upload(actor, size, { path: '/v2/images/<image>/stage', ...more })
}

/** POST …/import by a method's name, or by a method with all it says. */
export function importBy(
  actor: Actor,
  method: string | Record<string, unknown>,
  json: object = {},
  more: More = {},
): Step {
  const named = typeof method === 'string' ? { name: method } : method
  return post(actor, '/v2/images/<image>/import', { method: named, ...json }, more)
}

/** web-download of a page of web.ts. */
export const fromWeb = (page: string) => ({ name: 'web-download', uri: `<web>/${page}` })

/** Shows the image when no import has it any more. */
export function settled(actor: Actor, more: More = {}): Step {
  return show(actor, { until: { key: 'os_glance_import_task', is: [null] }, ...more })
}

/** The tasks of the image, when all of them have ended. */
export function ended(actor: Actor, more: More = {}): Step {
  const until = { key: 'tasks.*.status', is: ['success', 'failure'] }
  return get(actor, '/v2/images/<image>/tasks', {
    name: `${actor} sees the tasks of the image`,
    until,
    ...more,
  })
}

export function download(actor: Actor, headers: Record<string, string | null> = {}, more: More = {}): Step {
  return { actor, method: 'GET', path: '/v2/images/<image>/file', headers, ...more }
}

export function act(actor: Actor, action: 'deactivate' | 'reactivate', more: More = {}): Step {
  return { actor, method: 'POST', path: `/v2/images/<image>/actions/${action}`, ...more }
}

/** GET /v2/images with the given query, of this scenario's images only: they all carry the tag `<run>`. */
export function list(actor: Actor, query = '', more: More = {}): Step {
  return get(actor, `/v2/images?tag=<run>${query && `&${query}`}`, more)
}
