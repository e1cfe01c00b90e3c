import type { Area, Step } from '../exchange.js'
import { create, createRaw, download, get, patch, replace, scenario, show, upload, v21 } from './steps.js'

const accepts = [
  null,
  '',
  '*/*',
  'text/html',
  'text/plain',
  'text/*',
  'application/*',
  'application/json',
  'application/xml',
  'image/png',
  'application/json, */*',
  'application/json;q=0.5, text/html',
  'text/html;q=0.5, application/json',
  'text/html, application/json',
  'application/json, text/html',
  'text/plain, application/json',
  'application/json; charset=utf-8',
  'application/json;q=0',
  'text/html;q=0, */*',
  'APPLICATION/JSON',
  'nonsense',
  'text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8',
]

/** One way to each kind of error. */
const failures: Record<string, Step> = {
  'a 400': get('alice', '/v2/images?limit=x'),
  'a 401': get('nobody', '/v2/images'),
  'a 403': create('alice', { status: 'active' }),
  'a 404': get('alice', '/v2/images/nope'),
  'a 404 of the router': get('alice', '/v2/nope'),
  'a 405': { actor: 'alice', method: 'PUT', path: '/v2/images' },
  'a 409': patch('alice', [replace('/absent', 'x')]),
  'a 415': patch('alice', [], { headers: { 'content-type': 'text/plain' } }),
  'a 416': download('alice', { range: 'bytes=5000-' }),
  'a 501': { actor: 'alice', method: 'PROPFIND', path: '/v2/nope' },
}

const ids = [
  'abc',
  'req-abc',
  'req-11111111-1111-4111-8111-111111111111',
  '<x*60>',
  '<x*64>',
  '<x*65>',
  'req-<x*61>',
  '',
  ' ',
  'a b',
  'ä',
  '"',
]

export const errors: Area = {
  name: 'errors',
  scenarios: [
    ...Object.entries(failures).map(([name, step]) =>
      scenario(`${name} by Accept`, [
        createRaw('alice'),
        upload('alice', 100),
        ...accepts.map(accept => ({
          ...step,
          headers: { ...step.headers, accept },
          name: `Accept: ${accept ?? '(absent)'}`,
        })),
      ]),
    ),
    scenario('a good answer does not depend on Accept', [
      createRaw('alice', { name: 'one' }),
      ...accepts.map(accept =>
        show('alice', { headers: { accept }, name: `show with Accept: ${accept ?? '(absent)'}` }),
      ),
      upload('alice', 10),
      ...accepts.map(accept =>
        download('alice', { accept }, { name: `download with Accept: ${accept ?? '(absent)'}` }),
      ),
    ]),
    scenario('the request id is the one that the client sent', [
      ...ids.map(id =>
        get('alice', '/v2/schemas/member', {
          headers: { 'x-openstack-request-id': id },
          name: `good, id ${id}`,
        }),
      ),
      ...ids.slice(0, 4).map(id =>
        get('alice', '/v2/images/nope', {
          headers: { 'x-openstack-request-id': id },
          name: `404, id ${id}`,
        }),
      ),
      get('nobody', '/v2/images', { headers: { 'x-openstack-request-id': 'abc' }, name: '401, id abc' }),
      get('alice', '/v2/schemas/member', {
        headers: { 'x-openstack-global-request-id': 'req-global' },
        name: 'a global id',
      }),
    ]),
    scenario('what is wrong with the request counts before the image', [
      {
        actor: 'alice',
        method: 'PATCH',
        path: '/v2/images/<uuid:1>',
        json: { a: 1 },
        headers: { 'content-type': v21 },
      },
      {
        actor: 'alice',
        method: 'PATCH',
        path: '/v2/images/<uuid:1>',
        json: [],
        headers: { 'content-type': v21 },
      },
      {
        actor: 'alice',
        method: 'PATCH',
        path: '/v2/images/<uuid:1>',
        json: [],
        headers: { 'content-type': 'application/json' },
      },
      {
        actor: 'alice',
        method: 'PATCH',
        path: '/v2/images/<uuid:1>',
        json: [replace('/status', 'x')],
        headers: { 'content-type': v21 },
      },
      upload('alice', 10, { path: '/v2/images/<uuid:1>/file' }),
      upload('alice', 10, { path: '/v2/images/<uuid:1>/file', headers: { 'content-type': 'text/plain' } }),
      upload('alice', 10, { path: '/v2/images/<uuid:1>/file', headers: { 'x-openstack-image-size': 'x' } }),
      upload('alice', 10, { path: '/v2/images/<uuid:1>/file', headers: { 'x-image-meta-store': 'nope' } }),
      { actor: 'alice', method: 'POST', path: '/v2/images/<uuid:1>/members', json: { nope: 1 } },
      { actor: 'alice', method: 'POST', path: '/v2/images/<uuid:1>/members', json: { member: 'x' } },
      { actor: 'alice', method: 'PUT', path: '/v2/images/<uuid:1>/members/x', json: {} },
      { actor: 'alice', method: 'PUT', path: '/v2/images/<uuid:1>/members/x', json: { status: 'nope' } },
      { actor: 'alice', method: 'PUT', path: '/v2/images/<uuid:1>/tags/<x*256>' },
      { actor: 'alice', method: 'PUT', path: '/v2/images/<uuid:1>/tags/x', text: 'x' },
      {
        actor: 'nobody',
        method: 'PATCH',
        path: '/v2/images/<uuid:1>',
        text: '{',
        name: 'but who is calling counts first',
      },
      {
        actor: 'reader',
        method: 'POST',
        path: '/v2/images',
        json: { nope: 1 },
        name: 'a bad body of one who may not create',
      },
      {
        actor: 'reader',
        method: 'POST',
        path: '/v2/images',
        json: { nope: '1' },
        name: 'a good body of one who may not create',
      },
    ]),
  ],
}
