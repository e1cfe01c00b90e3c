import type { Area, Step } from '../exchange.js'
import {
  act,
  createRaw,
  del,
  download,
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
] as const
const infos = ['stores', 'stores/detail', 'import', 'usage']
/** Places and whatever else a store of that kind has is the site's. */
const two = (actor: 'alice' | 'admin', json: object = {}): Step[] => [
  createRaw(actor, json),
  upload(actor, 1000, { headers: { 'x-image-meta-store': 'fast' } }),
  importBy('admin', 'copy-image', { stores: ['cheap'] }),
  settled('admin'),
]
const from = (actor: (typeof everybody)[number], store: string, more: Partial<Step> = {}) =>
  del(actor, `/v2/stores/${store}/<image>`, more)

export const stores: Area = {
  name: 'stores',
  web: true,
  scenarios: [
    ...infos.map(name =>
      scenario(`info/${name}`, [
        // what a store is made of is told to services; its folders are the site's
        ...everybody
          .filter(actor => name !== 'stores/detail' || !['admin', 'nova', 'svc'].includes(actor))
          .map(actor => get(actor, `/v2/info/${name}`)),
        get('alice', `/v2/info/${name}?x=y`),
        get('alice', `/v2/info/${name}/`),
        get('alice', `/v2/info/${name}`, { json: {}, name: 'with a body' }),
        get('alice', `/v2/info/${name}`, { headers: { accept: '*/*' }, name: 'for any type' }),
        ...['v2.1', 'v2.8', 'v2.18'].map(version => get('alice', `/${version}/info/${name}`)),
      ]),
    ),
    scenario('paths of info that lead nowhere', [
      ...['', '/', '/nope', '/store', '/stores/fast', '/imports', '/usage/x'].map(path =>
        get('alice', `/v2/info${path}`),
      ),
    ]),
    scenario('usage does not count where there are no limits', [
      createRaw('alice'),
      upload('alice'),
      get('alice', '/v2/info/usage'),
    ]),
    ...everybody.map(actor =>
      scenario(`one of two copies is removed by ${actor}`, [
        ...two('alice'),
        from(actor, 'fast'),
        show('alice'),
        download('alice'),
        get('admin', '/v2/images/<image>/locations'),
      ]),
    ),
    ...(['alice', 'reader', 'bob', 'nova', 'svc'] as const).flatMap(actor =>
      (['community', 'public'] as const).map(visibility =>
        scenario(`one of two copies of a ${visibility} image of another project is removed by ${actor}`, [
          ...two('admin', { visibility }),
          from(actor, 'fast'),
          show('admin'),
        ]),
      ),
    ),
    scenario('a member of an image removes no copy', [
      ...two('alice'),
      post('alice', '/v2/images/<image>/members', { member: '<project:other>' }),
      put('bob', '/v2/images/<image>/members/<project:other>', { status: 'accepted' }),
      from('bob', 'fast'),
      show('alice'),
    ]),
    scenario('copies in every state', [
      createRaw('alice'),
      from('admin', 'fast', { name: 'queued' }),
      stage('alice'),
      from('admin', 'fast', { name: 'uploading' }),
      importBy('alice', 'glance-direct', { stores: ['fast', 'cheap'] }),
      settled('alice'),
      patch('alice', [replace('/protected', true)]),
      from('alice', 'fast', { name: 'the owner, while protected' }),
      from('admin', 'fast', { name: 'while protected' }),
      show('alice', { name: 'still there' }),
      patch('alice', [replace('/protected', false)]),
      act('alice', 'deactivate'),
      from('admin', 'cheap', { name: 'deactivated' }),
      act('alice', 'reactivate'),
      from('admin', 'cheap', { name: 'active' }),
      show('alice', { name: 'afterwards' }),
      from('admin', 'cheap', { name: 'once more' }),
      from('admin', 'fast', { name: 'the last one' }),
      importBy('admin', 'copy-image', { stores: ['cheap'] }, { name: 'it comes back' }),
      settled('admin', { name: 'both again' }),
      del('alice'),
      from('admin', 'cheap', { name: 'deleted' }),
    ]),
    scenario('stores and images that are none', [
      createRaw('admin'),
      upload('admin'),
      ...['nope', 'web', 'os_glance_staging_store', '%20', 'FAST', '<x*300>', '%C3%A9', '%00'].map(store =>
        from('admin', store),
      ),
      ...['x', '<uuid:1>', '<x*300>', '%20', '%00'].map(id =>
        del('admin', `/v2/stores/fast/${id}`, { name: `of ${id}` }),
      ),
      del('admin', '/v2/stores/fast'),
      del('admin', '/v2/stores'),
      get('admin', '/v2/stores'),
      get('admin', '/v2/stores/fast/<image>'),
    ]),
    ...['fast', 'cheap'].map(store =>
      scenario(`an upload into ${store}, and where it is read from`, [
        createRaw('alice'),
        upload('alice', 1000, { headers: { 'x-image-meta-store': store } }),
        show('alice'),
        importBy('admin', 'copy-image', { all_stores: true }),
        settled('admin'),
        get('admin', '/v2/images/<image>/locations'),
        download('alice'),
      ]),
    ),
    ...['nope', 'web', '', 'fast,cheap', 'FAST'].map(store =>
      scenario(`an upload into the store ${JSON.stringify(store)}`, [
        createRaw('alice'),
        upload('alice', 10, { headers: { 'x-image-meta-store': store } }),
        show('alice'),
      ]),
    ),
  ],
}
