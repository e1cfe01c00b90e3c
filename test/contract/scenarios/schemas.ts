import type { Area, Step } from '../exchange.js'
import { get, scenario } from './steps.js'

const names = ['image', 'images', 'member', 'members']

export const schemas: Area = {
  name: 'schemas',
  scenarios: [
    ...names.map(name =>
      scenario(`schema ${name}`, [
        get('alice', `/v2/schemas/${name}`),
        get('reader', `/v2/schemas/${name}`),
        get('svc', `/v2/schemas/${name}`),
        get('nobody', `/v2/schemas/${name}`),
        get('alice', `/v2/schemas/${name}`, { headers: { accept: '*/*' } }),
        get('alice', `/v2/schemas/${name}/`),
        get('alice', `/v2/schemas/${name}`, { text: 'x', name: 'with a body' }),
        ...['POST', 'PUT', 'PATCH', 'DELETE', 'HEAD', 'OPTIONS'].map(
          (method): Step => ({ actor: 'alice', method, path: `/v2/schemas/${name}` }),
        ),
      ]),
    ),
    scenario('unknown schemas', [
      get('alice', '/v2/schemas/nope'),
      get('alice', '/v2/schemas'),
      get('alice', '/v2/schemas/'),
      get('alice', '/v2/schemas/Image'),
      get('alice', '/v2/schemas/image/x'),
      { actor: 'alice', method: 'POST', path: '/v2/schemas/nope' },
      { actor: 'alice', method: 'PROPFIND', path: '/v2/schemas/nope' },
    ]),
  ],
}
