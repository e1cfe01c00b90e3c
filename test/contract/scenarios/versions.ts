import type { Area } from '../exchange.js'
import { get, scenario } from './steps.js'

const verbs = ['GET', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS', 'HEAD']
const minors = Array.from({ length: 19 }, (_, n) => `v2.${n}`)

export const versions: Area = {
  name: 'versions',
  scenarios: [
    scenario(
      'the root and /versions answer any verb without credentials',
      ['/', '/versions', '/versions/'].flatMap(path =>
        verbs.map(method => ({ actor: 'nobody', method, path }) as const),
      ),
    ),
    scenario('the document does not depend on Accept', [
      ...['*/*', 'text/html', 'text/plain', null].map(accept => get('nobody', '/', { headers: { accept } })),
      ...['*/*', 'text/html', null].map(accept => get('nobody', '/versions', { headers: { accept } })),
      get('impostor', '/'),
      get('impostor', '/versions'),
      get('alice', '/'),
    ]),
    scenario(
      'an unknown version gets the choice of known ones',
      [
        '/v1',
        '/v1/',
        '/v1/images',
        '/v1.1/images',
        '/v3',
        '/v3/images',
        '/v2.19/images',
        '/v2.99',
        '/nope',
        '/nope/x',
        '/V2/images',
        '/v02/images',
        '/images',
      ].map(path => get('alice', path)),
    ),
    scenario('an unknown version without credentials', [
      get('nobody', '/v3/images'),
      get('impostor', '/nope'),
    ]),
    scenario(
      'a minor version in the path changes nothing',
      minors.flatMap(minor => [
        get('alice', `/${minor}/images?tag=<run>`),
        get('alice', `/${minor}/schemas/member`),
        get('alice', `/${minor}/nope`),
      ]),
    ),
    scenario('links keep to /v2 when a minor version was asked', [
      {
        actor: 'alice',
        method: 'POST',
        path: '/v2.9/images',
        json: { name: 'minor' },
        save: { image: 'id' },
      },
      get('alice', '/v2.0/images/<image>'),
      get('alice', '/v2.17/images/<image>'),
      get('alice', '/v2.99/images/<image>'),
    ]),
    scenario('a version in Accept, as in the old days', [
      get('alice', '/images?tag=<run>', { headers: { accept: 'application/vnd.openstack.images-v2.3' } }),
      get('alice', '/images?tag=<run>', { headers: { accept: 'application/vnd.openstack.images-v2' } }),
      get('alice', '/images?tag=<run>', { headers: { accept: 'application/vnd.openstack.images-v9' } }),
      get('alice', '/schemas/member', { headers: { accept: 'application/vnd.openstack.images-v2.3' } }),
    ]),
    scenario('what lies around the API', [
      get('alice', '/v2'),
      get('nobody', '/v2'),
      get('alice', '/v2/'),
      get('alice', '/v2/versions'),
      get('alice', '/v2.5'),
      get('alice', '/v2.5/'),
      get('alice', '//v2/images?tag=<run>'),
    ]),
    scenario('health needs no credentials', [
      get('nobody', '/healthcheck', { headers: { accept: null } }),
      get('nobody', '/healthcheck', { headers: { accept: '*/*' } }),
      get('nobody', '/healthcheck', { headers: { accept: 'text/plain' } }),
      get('nobody', '/healthcheck'),
      { actor: 'nobody', method: 'HEAD', path: '/healthcheck' },
      { actor: 'nobody', method: 'POST', path: '/healthcheck', headers: { accept: null } },
      get('impostor', '/healthcheck', { headers: { accept: null } }),
    ]),
  ],
}
