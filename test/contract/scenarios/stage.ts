import type { Actor } from '../actors.js'
import type { Area, Step } from '../exchange.js'
import {
  act,
  create,
  createRaw,
  del,
  download,
  ended,
  fromWeb,
  get,
  importBy,
  patch,
  post,
  put,
  replace,
  scenario,
  settled,
  show,
  stage,
  upload,
} from './steps.js'

const everybody = ['admin', 'alice', 'carol', 'reader', 'bob', 'nova', 'svc', 'dora'] as const
const strangers: readonly Actor[] = [...everybody, 'nobody', 'impostor']
const path = '/v2/images/<image>/stage'

/** How an image gets into each state that lasts. */
const states: Record<string, Step[]> = {
  queued: [createRaw('alice')],
  'queued, without formats': [create('alice')],
  uploading: [createRaw('alice'), stage('alice', 100)],
  active: [createRaw('alice'), upload('alice', 100)],
  deactivated: [createRaw('alice'), upload('alice', 100), act('alice', 'deactivate')],
  deleted: [createRaw('alice'), upload('alice', 100), del('alice')],
  'staged and deleted': [createRaw('alice'), stage('alice', 100), del('alice')],
  imported: [createRaw('alice'), stage('alice', 100), importBy('alice', 'glance-direct'), settled('alice')],
  'queued after an import that failed': [
    createRaw('alice'),
    importBy('alice', fromWeb('missing')),
    settled('alice'),
  ],
  'queued after an upload that failed': [
    createRaw('alice'),
    upload('alice', 100, { headers: { 'x-openstack-image-size': '50' } }),
  ],
}

const types = [
  'application/octet-stream; charset=utf-8',
  'application/octet-stream;x',
  'application/json',
  'text/plain',
  'application/x-www-form-urlencoded',
  '*/*',
  '',
  null,
]

const announced = ['1000', '999', '1001', '0', '-1', 'x', '', ' 1000 ', '99999999999999999999']

export const stages: Area = {
  name: 'stage',
  web: true,
  scenarios: [
    ...[0, 1, 1000, 65537, 1000000].flatMap(size =>
      [false, true].map(chunked =>
        scenario(`${size} bytes${chunked ? ' in chunks' : ''}`, [
          createRaw('alice'),
          stage('alice', size, { ...(chunked && { chunked }) }),
          show('alice'),
          download('alice'),
          importBy('alice', 'glance-direct'),
          settled('alice', { name: 'imported' }),
          download('alice'),
        ]),
      ),
    ),
    ...Object.entries(states).map(([state, before]) =>
      scenario(`stage what is ${state}`, [before, stage('alice', 10), show('alice', { name: 'afterwards' })]),
    ),
    ...strangers.map(actor =>
      scenario(`stage as ${actor}`, [
        createRaw('alice'),
        stage(actor),
        show('alice'),
        stage(actor, 10, { path: '/v2/images/<uuid:1>/stage', name: 'what is not there' }),
      ]),
    ),
    ...(['private', 'community', 'public'] as const).flatMap(visibility =>
      (['alice', 'carol', 'reader', 'bob', 'nova', 'svc'] as const).map(actor =>
        scenario(`stage a ${visibility} image of another project as ${actor}`, [
          createRaw('admin', { visibility }),
          stage(actor),
          show('admin'),
        ]),
      ),
    ),
    scenario('stage as a member of the image', [
      createRaw('alice'),
      post('alice', '/v2/images/<image>/members', { member: '<project:other>' }),
      stage('bob'),
      put('bob', '/v2/images/<image>/members/<project:other>', { status: 'accepted' }),
      stage('bob'),
      show('bob'),
    ]),
    ...types.map(type =>
      scenario(`stage with the type ${type ?? '(absent)'}`, [
        createRaw('alice'),
        stage('alice', 10, { headers: { 'content-type': type } }),
        show('alice'),
      ]),
    ),
    ...announced.flatMap(size => [
      scenario(`stage 1000 bytes announced as ${size}`, [
        createRaw('alice'),
        stage('alice', 1000, { headers: { 'x-openstack-image-size': size } }),
        show('alice'),
      ]),
      scenario(`stage 1000 bytes in chunks announced as ${size}`, [
        createRaw('alice'),
        stage('alice', 1000, { chunked: true, headers: { 'x-openstack-image-size': size } }),
        show('alice'),
      ]),
    ]),
    scenario('stage without a body', [
      createRaw('alice'),
      { actor: 'alice', method: 'PUT', path, name: 'no body, no type' },
      show('alice'),
      {
        actor: 'alice',
        method: 'PUT',
        path,
        headers: { 'content-type': 'application/octet-stream' },
        name: 'no body',
      },
      show('alice'),
    ]),
    scenario('stage an empty chunked body', [
      createRaw('alice'),
      {
        actor: 'alice',
        method: 'PUT',
        path,
        chunked: true,
        headers: { 'content-type': 'application/octet-stream' },
      },
      show('alice'),
    ]),
    scenario('stage JSON', [createRaw('alice'), put('alice', path, { a: 1 }), show('alice')]),
    ...['fast', 'cheap', 'nope', 'os_glance_staging_store'].map(store =>
      scenario(`stage to the store ${store}`, [
        createRaw('alice'),
        stage('alice', 10, { headers: { 'x-image-meta-store': store } }),
        show('alice'),
      ]),
    ),
    scenario('ids that are none', [
      ...['x', '%20', '<x*300>', '%C3%A9'].map(id =>
        stage('alice', 10, { path: `/v2/images/${id}/stage`, name: `stage ${id}` }),
      ),
    ]),
    scenario('what a staged image is', [
      createRaw('alice', { visibility: 'community', tags: ['<run>'] }),
      stage('alice', 1000),
      ...strangers.map(actor => show(actor)),
      ...strangers.map(actor => download(actor)),
      ...(['alice', 'bob', 'admin'] as const).map(actor => get(actor, '/v2/images?tag=<run>')),
      get('alice', '/v2/images?tag=<run>&status=uploading'),
      get('alice', '/v2/images/<image>/tasks'),
      get('admin', '/v2/images/<image>/locations'),
    ]),
    scenario('what can be done to a staged image', [
      createRaw('alice'),
      stage('alice', 1000),
      upload('alice', 10, { name: 'an upload' }),
      act('alice', 'deactivate'),
      act('alice', 'reactivate'),
      patch('alice', [replace('/name', 'x')], { name: 'its name' }),
      patch('alice', [replace('/disk_format', 'qcow2')], { name: 'its disk format' }),
      patch('alice', [replace('/container_format', 'ovf')], { name: 'its container format' }),
      patch('alice', [replace('/locations', [])], { name: 'its locations' }),
      post('alice', '/v2/images/<image>/locations', { url: '<web>/image' }, { name: 'a location' }),
      put('admin', '/v2/cache/<image>', undefined, { name: 'caching it' }),
      del('admin', '/v2/stores/fast/<image>', { name: 'taking it out of a store' }),
      importBy('alice', fromWeb('image'), {}, { name: 'importing other bytes' }),
      importBy('alice', 'copy-image', {}, { name: 'copying it' }),
      show('alice', { name: 'afterwards' }),
    ]),
    scenario('a staged image is deleted by its owner, and only then gone', [
      createRaw('alice', { protected: true }),
      stage('alice'),
      del('alice', undefined, { name: 'while protected' }),
      patch('alice', [replace('/protected', false)]),
      del('reader'),
      del('bob'),
      del('alice'),
      show('alice'),
      importBy('alice', 'glance-direct'),
    ]),
    scenario('bytes are staged again after an import took the first', [
      createRaw('alice'),
      stage('alice', 10),
      importBy('alice', 'glance-direct'),
      ended('alice'),
      stage('alice', 20),
      show('alice'),
    ]),
  ],
}
