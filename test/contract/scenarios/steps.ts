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
