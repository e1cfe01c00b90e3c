import type { Actor } from '../actors.js'
import type { Scenario, Step } from '../exchange.js'
import {
  act,
  create,
  createRaw,
  del,
  fromWeb,
  importBy,
  post,
  put,
  scenario,
  settled,
  show,
  stage,
  upload,
} from './steps.js'

/** What is asked of POST …/import, and how that is answered at once. */

const path = '/v2/images/<image>/import'
const everybody = [
  'admin',
  'alice',
  'carol',
  'reader',
  'bob',
  'nova',
  'svc',
  'dora',
  'nobody',
  'impostor',
] as const satisfies readonly Actor[]
const web = fromWeb('image')
const remote = {
  name: 'glance-download',
  glance_region: 'RegionOne',
  glance_image_id: '<uuid:9>',
}

/** Whole bodies that nothing can be made of, whatever the image. */
const bodies: Record<string, unknown> = {
  'an empty object': {},
  'an empty list': [],
  'a list': [{ method: web }],
  'a text': 'x',
  'a number': 1,
  null: null,
  'no method': { stores: ['fast'] },
  'method null': { method: null },
  'method a text': { method: 'web-download' },
  'method a list': { method: ['web-download'] },
  'method empty': { method: {} },
  'method without a name': { method: { uri: '<web>/image' } },
  'name null': { method: { name: null } },
  'name a number': { method: { name: 1 } },
  'name empty': { method: { name: '' } },
  'name unknown': { method: { name: 'party-time' } },
  'name in capitals': { method: { name: 'WEB-DOWNLOAD', uri: '<web>/image' } },
  'all_stores a text': { method: web, all_stores: 'true' },
  'all_stores a number': { method: web, all_stores: 1 },
  'all_stores null': { method: web, all_stores: null },
  'all_stores_must_succeed a text': { method: web, all_stores_must_succeed: 'yes' },
  'all_stores_must_succeed null': { method: web, all_stores_must_succeed: null },
  'both ways to name stores': { method: web, stores: ['fast'], all_stores: true },
}

/** Where the bytes should go; everything else is right. */
const targets: Record<string, object> = {
  'no list': { stores: 'fast' },
  null: { stores: null },
  'a list of numbers': { stores: [1] },
  'a list of null': { stores: [null] },
  'a store that is not there': { stores: ['nope'] },
  'one that is there and one that is not': { stores: ['fast', 'nope'] },
  'a reserved store': { stores: ['os_glance_staging_store'] },
  'a store that is only read': { stores: ['web'] },
}

const uris: Record<string, object> = {
  'no uri': {},
  'uri null': { uri: null },
  'uri a number': { uri: 1 },
  'uri empty': { uri: '' },
  'no URL': { uri: 'nonsense' },
  'a file': { uri: 'file:///etc/passwd' },
  'another scheme': { uri: 'gopher://127.0.0.1/' },
  'no host': { uri: 'http:///image' },
  'a port of mail': { uri: 'http://127.0.0.1:25/' },
  'a host that is not allowed': { uri: 'http://169.254.169.254/' },
  'another name of loopback': { uri: 'http://127.1/image' },
  'loopback as a number': { uri: 'http://2130706433/image' },
  'loopback in hex': { uri: 'http://0x7f000001/image' },
  'loopback of version 6': { uri: 'http://[::1]/image' },
  'a blank in front': { uri: ' <web>/image' },
}

/** How an image gets into each state that lasts. */
const states: Record<string, Step[]> = {
  queued: [createRaw('alice')],
  'queued, without formats': [create('alice')],
  'queued, without a disk format': [create('alice', { container_format: 'bare' })],
  'queued, without a container format': [create('alice', { disk_format: 'raw' })],
  'uploading, without formats': [create('alice'), stage('alice')],
  uploading: [createRaw('alice'), stage('alice')],
  active: [createRaw('alice'), upload('alice')],
  deactivated: [createRaw('alice'), upload('alice'), act('alice', 'deactivate')],
  deleted: [createRaw('alice'), del('alice')],
}

const methods: Record<string, Record<string, unknown>> = {
  'glance-direct': { name: 'glance-direct' },
  'web-download': web,
  'copy-image': { name: 'copy-image' },
}

/** Glance fetches from the region of its catalogue, which a users file has not: only what is refused at once. */
const remotes: Record<string, object> = {
  'no region': { glance_region: undefined },
  'no image': { glance_image_id: undefined },
  'an id that is none': { glance_image_id: 'x' },
}

export const importRequests: Scenario[] = [
  scenario('bodies that are not what they should be', [
    createRaw('alice'),
    ...Object.entries(bodies).map(([name, json]) => post('alice', path, json, { name })),
    post('alice', path, undefined, { name: 'no body' }),
    { actor: 'alice', method: 'POST', path, text: '{', headers: { 'content-type': 'application/json' } },
    post('alice', '/v2/images/<uuid:1>/import', {}, { name: 'a bad body for no image' }),
    post('alice', '/v2/images/<uuid:1>/import', { method: web }, { name: 'no image' }),
    ...['x', '%20', '<x*300>'].map(id =>
      post('alice', `/v2/images/${id}/import`, { method: web }, { name: `import ${id}` }),
    ),
    show('alice'),
  ]),
  scenario('what more a body may hold', [
    createRaw('alice'),
    importBy('alice', { ...web, more: 'x' }, { more: { a: 1 } }),
    settled('alice'),
  ]),
  ...Object.entries(uris).map(([name, more]) =>
    scenario(`web-download: ${name}`, [
      createRaw('alice'),
      importBy('alice', { name: 'web-download', ...more }, {}, { name }),
      settled('alice'),
    ]),
  ),
  ...Object.entries(targets).flatMap(([name, json]) => [
    scenario(`stores of a web-download: ${name}`, [
      createRaw('alice'),
      importBy('alice', web, json),
      settled('alice'),
    ]),
    scenario(`stores of a glance-direct: ${name}`, [
      createRaw('alice'),
      stage('alice'),
      importBy('alice', 'glance-direct', json),
      settled('alice'),
    ]),
    scenario(`stores of a copy-image: ${name}`, [
      createRaw('admin'),
      upload('admin'),
      importBy('admin', 'copy-image', json),
      settled('admin'),
    ]),
  ]),
  scenario('an empty list of stores for a web-download', [
    createRaw('alice'),
    importBy('alice', web, { stores: [] }),
    settled('alice'),
  ]),
  scenario('an empty list of stores for a glance-direct', [
    createRaw('alice'),
    stage('alice'),
    importBy('alice', 'glance-direct', { stores: [] }),
    settled('alice'),
  ]),
  scenario('an empty list of stores for a copy-image', [
    createRaw('admin'),
    upload('admin'),
    importBy('admin', 'copy-image', { stores: [] }),
    settled('admin'),
  ]),
  ...['fast', 'cheap', 'nope', 'web', 'fast,cheap', ''].map(store =>
    scenario(`the store ${JSON.stringify(store)} in the header`, [
      createRaw('alice'),
      importBy('alice', web, {}, { headers: { 'x-image-meta-store': store } }),
      settled('alice'),
    ]),
  ),
  scenario('stores in the header and in the body', [
    createRaw('alice'),
    ...[{ stores: ['cheap'] }, { all_stores: true }].map(json =>
      importBy('alice', web, json, { headers: { 'x-image-meta-store': 'fast' } }),
    ),
    show('alice'),
  ]),
  ...Object.entries(states).flatMap(([state, before]) =>
    Object.entries(methods).map(([method, wanted]) =>
      scenario(`${method} of what is ${state}`, [before, importBy('alice', wanted), settled('alice')]),
    ),
  ),
  ...Object.keys(states).map(state =>
    scenario(`glance-download of what is ${state}`, [
      states[state] as Step[],
      importBy('alice', { ...remote, glance_image_id: 'x' }),
      show('alice'),
    ]),
  ),
  scenario('glance-download without what it needs', [
    createRaw('alice'),
    ...Object.entries(remotes).map(([name, more]) => importBy('alice', { ...remote, ...more }, {}, { name })),
    show('alice'),
  ]),
  ...everybody.flatMap(actor => [
    scenario(`web-download as ${actor}`, [createRaw('alice'), importBy(actor, web), settled('alice')]),
    scenario(`glance-direct as ${actor}`, [
      createRaw('alice'),
      stage('alice'),
      importBy(actor, 'glance-direct'),
      settled('alice'),
    ]),
    scenario(`copy-image as ${actor}`, [
      createRaw('alice'),
      upload('alice'),
      importBy(actor, 'copy-image', { stores: ['cheap'] }),
      settled('alice'),
    ]),
  ]),
  ...(['community', 'public'] as const).flatMap(visibility =>
    (['alice', 'reader', 'svc', 'nova'] as const).map(actor =>
      scenario(`imports into a ${visibility} image of another project as ${actor}`, [
        createRaw('admin', { visibility }),
        importBy(actor, web),
        settled('admin'),
        upload('admin'),
        importBy(actor, 'copy-image', { stores: ['cheap'] }),
        settled('admin'),
      ]),
    ),
  ),
  scenario('a member of an image imports nothing', [
    createRaw('alice'),
    post('alice', '/v2/images/<image>/members', { member: '<project:other>' }),
    importBy('bob', web),
    put('bob', '/v2/images/<image>/members/<project:other>', { status: 'accepted' }),
    importBy('bob', web),
    show('bob'),
  ]),
]
