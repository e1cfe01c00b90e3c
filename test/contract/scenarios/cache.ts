import type { Actor } from '../actors.js'
import type { Area, Step } from '../exchange.js'
import { act, createRaw, del, download, get, post, put, scenario, show, upload } from './steps.js'

const everybody = ['admin', 'alice', 'reader', 'bob', 'nova', 'svc', 'nobody', 'impostor'] as const
const one = '/v2/cache/<image>'

/** Every call on an image and on the whole cache, but none that would empty it while others look into it. */
const calls = (actor: Actor): Step[] => [
  get(actor, '/v2/cache'),
  put(actor, one),
  del(actor, one),
  put(actor, '/v2/cache/<uuid:1>'),
  del(actor, '/v2/cache/<uuid:1>'),
  get(actor, '/v2/cache/nodes/<image>'),
  get(actor, '/v2/cache/nodes/<uuid:1>'),
  post(actor, '/v2/cache/clean'),
  post(actor, '/v2/cache/prune'),
  del(actor, '/v2/cache', { headers: { 'x-image-cache-clear-target': 'nope' } }),
]

const cleared = (target: string | null) =>
  del('admin', '/v2/cache', {
    name: `clear ${target === null ? 'both' : JSON.stringify(target)}`,
    headers: { 'x-image-cache-clear-target': target },
  })

const bodies: Step[] = [
  { actor: 'admin', method: 'GET', path: '/v2/cache' },
  { actor: 'admin', method: 'DELETE', path: '/v2/cache' },
  { actor: 'admin', method: 'PUT', path: one },
  { actor: 'admin', method: 'DELETE', path: one },
  { actor: 'admin', method: 'POST', path: '/v2/cache/clean' },
  { actor: 'admin', method: 'POST', path: '/v2/cache/prune' },
  { actor: 'admin', method: 'GET', path: '/v2/cache/nodes/<image>' },
]

export const cache: Area = {
  name: 'cache',
  scenarios: [
    ...everybody.map(actor =>
      scenario(`the cache as ${actor}`, [createRaw('alice'), upload('alice'), ...calls(actor)]),
    ),
    ...(['shared', 'community', 'public'] as const).map(visibility =>
      scenario(`a ${visibility} image and the cache`, [
        createRaw('admin', { visibility }),
        upload('admin'),
        ...(['alice', 'admin'] as const).flatMap(actor => [put(actor, one), del(actor, one)]),
      ]),
    ),
    scenario('images in every state and the cache', [
      createRaw('alice'),
      put('admin', one),
      del('admin', one),
      upload('alice'),
      put('admin', one),
      put('admin', one),
      del('admin', one),
      del('admin', one),
      act('alice', 'deactivate'),
      put('admin', one),
      del('admin', one),
      act('alice', 'reactivate'),
      put('admin', one),
      show('alice'),
      del('alice'),
      put('admin', one),
    ]),
    scenario('a cached image is served as any other', [
      createRaw('alice'),
      upload('alice', 5000),
      download('alice'),
      download('alice'),
      download('alice', { range: 'bytes=10-19' }),
      download('reader'),
      download('bob'),
      act('alice', 'deactivate'),
      download('alice'),
      download('admin'),
      act('alice', 'reactivate'),
      download('alice'),
      del('alice'),
      download('alice'),
    ]),
    scenario('an empty image and the cache', [
      createRaw('alice'),
      upload('alice', 0),
      put('admin', one),
      download('alice'),
    ]),
    scenario('clearing', [...['Cache', 'QUEUE', '', 'both', ' ', 'cache,queue'].map(cleared), cleared(null)]),
    scenario('bodies for the cache', [
      createRaw('alice'),
      upload('alice'),
      ...bodies.flatMap((step): Step[] => [
        { ...step, json: {} },
        { ...step, json: { x: 1 } },
        { ...step, text: 'x', headers: { 'content-type': 'application/json' } },
      ]),
    ]),
    scenario('ids that are none', [
      ...['x', '%20', 'a%2Fb', '<x*300>', '%2E%2E', '%C3%A9'].flatMap(id => [
        put('admin', `/v2/cache/${id}`),
        del('admin', `/v2/cache/${id}`),
        get('admin', `/v2/cache/nodes/${id}`),
      ]),
      get('admin', '/v2/cache/'),
      get('admin', '/v2/cache/nodes/'),
      get('admin', '/v2/cache/x/y'),
    ]),
    scenario('the paths of old', [
      createRaw('alice'),
      upload('alice'),
      ...(['admin', 'alice', 'nobody'] as const).flatMap(actor => [
        get(actor, '/v2/cached_images'),
        get(actor, '/v2/queued_images'),
        put(actor, '/v2/queued_images/<image>'),
        del(actor, '/v2/queued_images/<image>'),
        del(actor, '/v2/cached_images/<image>'),
        del(actor, '/v2/cached_images/<uuid:1>'),
        get(actor, '/v2/cached_images/<image>'),
        post(actor, '/v2/queued_images'),
      ]),
    ]),
    scenario('the versions that came with the cache', [
      ...['v2.13', 'v2.14', 'v2.16', 'v2.18', 'v2.19'].map(version => get('admin', `/${version}/cache`)),
    ]),
  ],
}
