import type { Area, Scenario, Step } from '../exchange.js'
import { createRaw, del, get, scenario, upload } from './steps.js'

const verbs = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS', 'PROPFIND']

/** Path → verbs that it knows; all others are asked. */
function wrongVerbs(paths: Record<string, string>, before: Step[] = []): Scenario[] {
  return Object.entries(paths).map(([path, known]) =>
    scenario(`verbs that ${path} does not know`, [
      ...before,
      ...verbs
        .filter(verb => !known.split(' ').includes(verb))
        .map((method): Step => ({ actor: 'alice', method, path })),
    ]),
  )
}

const onImage = {
  '/v2/images': 'GET POST',
  '/v2/images/<image>': 'GET PATCH DELETE',
  '/v2/images/<image>/file': 'GET PUT',
  '/v2/images/<image>/actions/deactivate': 'POST',
  '/v2/images/<image>/actions/reactivate': 'POST',
  '/v2/images/<image>/members': 'GET POST',
  '/v2/images/<image>/members/x': 'GET PUT DELETE',
  '/v2/images/<image>/tags/x': 'PUT DELETE',
}

const later = {
  '/v2/images/<image>/stage': 'PUT',
  '/v2/images/<image>/import': 'POST',
  '/v2/images/<image>/locations': 'GET POST',
  '/v2/images/<image>/tasks': 'GET',
  '/v2/stores/fast/<image>': 'DELETE',
  '/v2/tasks': 'GET POST',
  '/v2/tasks/x': 'GET DELETE',
  '/v2/info/import': 'GET',
  '/v2/info/stores': 'GET',
  '/v2/info/stores/detail': 'GET',
  '/v2/info/usage': 'GET',
  '/v2/cache': 'GET DELETE',
  '/v2/cache/x': 'PUT DELETE',
  '/v2/cache/nodes': 'PUT DELETE',
  '/v2/cache/nodes/x': 'GET',
  '/v2/cache/clean': 'POST',
  '/v2/cache/prune': 'POST',
  '/v2/schemas/task': 'GET',
  '/v2/schemas/tasks': 'GET',
  '/v2/schemas/metadefs/namespace': 'GET',
  '/v2/schemas/metadefs/tags': 'GET',
  '/v2/metadefs/resource_types': 'GET',
  '/v2/metadefs/namespaces': 'GET POST',
  '/v2/metadefs/namespaces/x': 'GET PUT DELETE',
  '/v2/metadefs/namespaces/x/resource_types': 'GET POST',
  '/v2/metadefs/namespaces/x/resource_types/y': 'DELETE',
  '/v2/metadefs/namespaces/x/properties': 'GET POST DELETE',
  '/v2/metadefs/namespaces/x/properties/y': 'GET PUT DELETE',
  '/v2/metadefs/namespaces/x/objects': 'GET POST DELETE',
  '/v2/metadefs/namespaces/x/objects/y': 'GET PUT DELETE',
  '/v2/metadefs/namespaces/x/tags': 'GET POST DELETE',
  '/v2/metadefs/namespaces/x/tags/y': 'GET POST PUT DELETE',
}

const unknown = [
  '/v2/nope',
  '/v2/images/',
  '/v2/images/<image>/',
  '/v2/images/<image>/nope',
  '/v2/images/<image>/file/',
  '/v2/images/<image>/actions',
  '/v2/images/<image>/actions/nope',
  '/v2/images/<image>/members/',
  '/v2/images/<image>/members/x/y',
  '/v2/images/<image>/tags',
  '/v2/images/<image>/tags/',
  '/v2/images/<image>/tags/x/y',
]

export const routes: Area = {
  name: 'routes',
  scenarios: [
    ...wrongVerbs(onImage, [createRaw('alice')]),
    scenario('an image that is not there: wrong verbs are still wrong', [
      ...['PUT', 'POST', 'HEAD'].map(
        (method): Step => ({ actor: 'alice', method, path: '/v2/images/<uuid:1>' }),
      ),
      ...['POST', 'DELETE'].map(
        (method): Step => ({ actor: 'alice', method, path: '/v2/images/<uuid:1>/file' }),
      ),
    ]),
    scenario('paths that lead nowhere', [
      createRaw('alice'),
      ...unknown.flatMap(path =>
        ['GET', 'POST', 'DELETE', 'OPTIONS'].map((method): Step => ({ actor: 'alice', method, path })),
      ),
      get('alice', '/v2/images//file'),
      del('alice', '/v2/images//file'),
      ...['HEAD', 'PUT', 'PATCH', 'PROPFIND'].map(
        (method): Step => ({ actor: 'alice', method, path: '/v2/nope' }),
      ),
    ]),
    scenario('an id in a path is free text', [
      createRaw('alice', { id: '<uuid:1>' }),
      ...[
        'my-name',
        'x',
        '0',
        'null',
        '%20',
        '%C3%A9',
        'caf%C3%A9-%E2%82%AC',
        '%25',
        "'%20or%201=1",
        '%2E%2E',
        '<x*36>',
        '<x*37>',
        '<x*300>',
        '<UUID:1>',
        '<uuid:1>x',
        '<uuid:2>',
        '%F0%9F%98%80',
        '%00',
        'a%2Fb',
      ].flatMap(id => [
        get('alice', `/v2/images/${id}`),
        { actor: 'alice', method: 'DELETE', path: `/v2/images/${id}/tags/t` } as const,
      ]),
    ]),
    scenario('bytes in a path that are not UTF-8', [
      get('alice', '/v2/images/%FF'),
      get('alice', '/v2/images?name=%FF'),
      get('alice', '/v2/images?%FF=x'),
    ]),
    scenario('a query on routes that know none is ignored', [
      createRaw('alice', { tags: ['<run>'] }),
      get('alice', '/v2/images/<image>?x=y&limit=nope'),
      get('alice', '/v2/images/<image>/members?limit=0'),
      get('alice', '/v2/schemas/member?x'),
      upload('alice', 10, { path: '/v2/images/<image>/file?x=y' }),
      get('alice', '/v2/images/<image>/file?x=y'),
    ]),
  ],
}

export const routesLater: Area = {
  name: 'routes-later',
  scenarios: wrongVerbs(later, [createRaw('alice')]),
}
