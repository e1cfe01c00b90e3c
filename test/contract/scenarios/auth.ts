import type { Actor } from '../actors.js'
import type { Area, Step } from '../exchange.js'
import { create, get, list, scenario, show } from './steps.js'

const identityHeaders = {
  'x-identity-status': 'Confirmed',
  'x-roles': 'admin',
  'x-role': 'admin',
  'x-project-id': '<project:demo>',
  'x-tenant-id': '<project:demo>',
  'x-user-id': '<user:alice>',
  'x-user': 'alice',
  'x-tenant': 'demo',
  'x-service-roles': 'service',
  'x-service-identity-status': 'Confirmed',
  'x-is-admin-project': 'True',
}

const doors: [string, string][] = [
  ['GET', '/v2/images'],
  ['POST', '/v2/images'],
  ['GET', '/v2/images/<uuid:1>'],
  ['PATCH', '/v2/images/<uuid:1>'],
  ['DELETE', '/v2/images/<uuid:1>'],
  ['GET', '/v2/images/<uuid:1>/file'],
  ['PUT', '/v2/images/<uuid:1>/file'],
  ['GET', '/v2/images/<uuid:1>/members'],
  ['POST', '/v2/images/<uuid:1>/members'],
  ['PUT', '/v2/images/<uuid:1>/members/x'],
  ['PUT', '/v2/images/<uuid:1>/tags/x'],
  ['POST', '/v2/images/<uuid:1>/actions/deactivate'],
  ['GET', '/v2/schemas/image'],
  ['GET', '/v2/info/stores'],
  ['GET', '/v2/nope'],
  ['OPTIONS', '/v2/nope'],
  ['HEAD', '/v2/images'],
  ['DELETE', '/v2/images'],
  ['GET', '/v2/'],
  ['GET', '/v2.3/images'],
]

export const auth: Area = {
  name: 'auth',
  scenarios: [
    ...(['nobody', 'impostor'] as Actor[]).map(actor =>
      scenario(
        `${actor} at every door`,
        doors.map(([method, path]): Step => ({ actor, method, path })),
      ),
    ),
    ...Object.entries(identityHeaders).map(([name, value]) =>
      scenario(`the header ${name} is not believed`, [
        create('alice', { visibility: 'private', tags: ['<run>'] }),
        show('nobody', { headers: { [name]: value } }),
        show('bob', { headers: { [name]: value } }),
        create('bob', { visibility: 'public' }, { headers: { [name]: value }, name: 'bob publishes' }),
        list('bob', '', { headers: { [name]: value } }),
      ]),
    ),
    scenario('all of them together are not believed', [
      create('alice', { visibility: 'private', tags: ['<run>'] }),
      show('nobody', { headers: identityHeaders, name: 'nobody' }),
      show('impostor', { headers: identityHeaders, name: 'impostor' }),
      show('bob', { headers: identityHeaders, name: 'bob' }),
      create('bob', {}, { headers: identityHeaders, name: 'bob creates, in his own project' }),
      create(
        'bob',
        { owner: '<project:demo>' },
        { headers: identityHeaders, name: 'bob creates in another' },
      ),
    ]),
    scenario(
      'tokens that are none',
      [
        ...['', ' ', 'x', 'null', 'gAAAAA', '<x*300>', '<x*5000>', 'é', '../x', '%00', 'a b'].map(token =>
          get('nobody', '/v2/schemas/image', { headers: { 'x-auth-token': token }, name: `token ${token}` }),
        ),
      ],
      { needs: 'keystone' },
    ),
    scenario(
      'a token in other places',
      [
        get('nobody', '/v2/schemas/member', {
          headers: { 'x-storage-token': '<token:alice>' },
          name: 'x-storage-token',
        }),
        get('nobody', '/v2/schemas/member', {
          headers: { authorization: 'Bearer <token:alice>' },
          name: 'bearer',
        }),
        get('nobody', '/v2/schemas/member?token=<token:alice>', { name: 'in the query' }),
        get('nobody', '/v2/schemas/member', {
          headers: { 'x-service-token': '<token:nova>' },
          name: 'only a service token',
        }),
        get('nobody', '/v2/schemas/member', {
          headers: { 'x-subject-token': '<token:alice>' },
          name: 'x-subject-token',
        }),
      ],
      { needs: 'keystone' },
    ),
    scenario(
      'service tokens beside a token of a user',
      [
        create('alice', { visibility: 'private', tags: ['<run>'] }),
        ...['<token:nova>', '<token:svc>', '<token:alice>', '<token:bob>', 'x', ''].flatMap(token => [
          show('alice', { headers: { 'x-service-token': token } }),
          show('bob', { headers: { 'x-service-token': token } }),
          get('impostor', '/v2/schemas/member', { headers: { 'x-service-token': token } }),
        ]),
      ],
      { needs: 'keystone' },
    ),
    scenario('a service alone', [
      create('admin', { visibility: 'public', tags: ['<run>'] }),
      show('svc'),
      list('svc'),
      get('svc', '/v2/schemas/image'),
      create('svc'),
      { actor: 'svc', method: 'DELETE', path: '/v2/images/<image>' },
    ]),
  ],
}
