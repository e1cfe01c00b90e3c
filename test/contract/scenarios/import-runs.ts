import type { Scenario, Step } from '../exchange.js'
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
  replace,
  scenario,
  settled,
  show,
  stage,
  upload,
} from './steps.js'

/** What imports do, and what is left of them. */

const held = fromWeb('held/<run>')
/** Somebody's other image is imported from the page that lets the held one go on. */
const release: Step[] = [
  createRaw('bob', {}, { save: { other: 'id' } }),
  importBy('bob', fromWeb('release/<run>'), {}, { path: '/v2/images/<other>/import' }),
]
const importing = show('alice', {
  name: 'while it is imported',
  until: { key: 'status', is: ['importing'] },
})

const pages = [
  'image',
  'chunked',
  'empty',
  'redirect',
  'redirect-twice',
  'redirect-in-a-circle',
  'redirect-to-a-file',
  'redirect-to-metadata',
  'missing',
  'forbidden',
  'broken',
  'cut',
  'silent',
]

const places: Record<string, object> = {
  'one store': { stores: ['cheap'] },
  'two stores': { stores: ['cheap', 'fast'] },
  'two stores the other way round': { stores: ['fast', 'cheap'] },
  'all stores': { all_stores: true },
  'all stores, of which one is enough': { all_stores: true, all_stores_must_succeed: false },
  'two stores, of which one is enough': { stores: ['cheap', 'fast'], all_stores_must_succeed: false },
  'one store, which is enough': { stores: ['cheap'], all_stores_must_succeed: false },
  'all_stores false': { all_stores: false, all_stores_must_succeed: true },
}

/** An image whose bytes are not what it says. */
const misdeclared = (more: object = {}) =>
  create('alice', { disk_format: 'qcow2', container_format: 'bare', ...more })

export const importRuns: Scenario[] = [
  ...pages.map(page =>
    scenario(`web-download of the page ${page}`, [
      createRaw('alice'),
      importBy('alice', fromWeb(page)),
      ended('alice'),
      settled('alice'),
      download('alice'),
      get('admin', '/v2/images/<image>/locations'),
    ]),
  ),
  scenario('after an import that failed', [
    createRaw('alice'),
    importBy('alice', fromWeb('missing'), { stores: ['cheap', 'fast'] }),
    settled('alice'),
    importBy('alice', fromWeb('image'), {}, { name: 'from another page' }),
    settled('alice'),
    ended('alice'),
  ]),
  scenario('after an import that failed, an upload', [
    createRaw('alice'),
    importBy('alice', fromWeb('missing')),
    settled('alice'),
    upload('alice'),
    show('alice'),
  ]),
  ...Object.entries(places).flatMap(([name, json]) => [
    scenario(`web-download into ${name}`, [
      createRaw('alice'),
      importBy('alice', fromWeb('image'), json),
      ended('alice'),
      settled('alice'),
      download('alice'),
    ]),
    scenario(`glance-direct into ${name}`, [
      createRaw('alice'),
      stage('alice'),
      importBy('alice', 'glance-direct', json),
      ended('alice'),
      settled('alice'),
      download('alice'),
    ]),
    scenario(`web-download of nothing into ${name}`, [
      createRaw('alice'),
      importBy('alice', fromWeb('missing'), json),
      ended('alice'),
      settled('alice'),
    ]),
  ]),
  // Not waited for: Glance holds its lock on the image for an hour.
  scenario('web-download into a store twice', [
    createRaw('alice'),
    importBy('alice', fromWeb('image'), { stores: ['cheap', 'cheap'] }),
    ended('alice'),
    show('alice', { name: 'afterwards' }),
    download('alice'),
  ]),
  ...Object.entries(places).map(([name, json]) =>
    scenario(`copy-image into ${name}`, [
      createRaw('admin'),
      upload('admin', 1000, { headers: { 'x-image-meta-store': 'fast' } }),
      importBy('admin', 'copy-image', json),
      settled('admin'),
      get('admin', '/v2/images/<image>/locations'),
      download('admin'),
    ]),
  ),
  scenario('copy-image where nothing is left to be copied', [
    createRaw('admin'),
    upload('admin'),
    importBy('admin', 'copy-image', { stores: ['cheap'] }),
    settled('admin'),
    importBy('admin', 'copy-image', { stores: ['cheap'] }, { name: 'once more' }),
    importBy('admin', 'copy-image', { stores: ['cheap', 'fast'] }, { name: 'both' }),
    importBy('admin', 'copy-image', { all_stores: true }, { name: 'all' }),
    settled('admin', { name: 'afterwards' }),
    ended('admin'),
  ]),
  scenario('copy-image of a protected image', [
    createRaw('admin', { protected: true }),
    upload('admin'),
    importBy('admin', 'copy-image', { stores: ['cheap'] }),
    settled('admin'),
  ]),
  scenario('bytes that are not what the image says, from the web', [
    misdeclared(),
    importBy('alice', fromWeb('image')),
    ended('alice'),
    settled('alice', { name: 'afterwards' }),
    download('alice'),
    importBy('alice', fromWeb('image'), {}, { name: 'once more' }),
  ]),
  scenario('bytes that are not what the image says, staged', [
    misdeclared(),
    stage('alice'),
    importBy('alice', 'glance-direct'),
    ended('alice'),
    settled('alice', { name: 'afterwards' }),
    download('alice'),
    importBy('alice', 'glance-direct', {}, { name: 'once more' }),
    stage('alice', 10, { name: 'staged once more' }),
    del('alice'),
  ]),
  scenario('bytes that are not what the image says, where one store is enough', [
    misdeclared(),
    importBy('alice', fromWeb('image'), { all_stores: true, all_stores_must_succeed: false }),
    ended('alice'),
    settled('alice', { name: 'afterwards' }),
  ]),
  scenario('bytes that are not what the image says, staged, where one store is enough', [
    misdeclared(),
    stage('alice'),
    importBy('alice', 'glance-direct', { all_stores: true, all_stores_must_succeed: false }),
    ended('alice'),
    settled('alice', { name: 'afterwards' }),
  ]),
  scenario('two imports at once', [
    createRaw('alice'),
    importBy('alice', held, { stores: ['cheap', 'fast'] }),
    importing,
    importBy('alice', fromWeb('image'), {}, { name: 'the same method' }),
    importBy('alice', 'glance-direct', {}, { name: 'staged bytes' }),
    importBy('admin', 'copy-image', { stores: ['cheap'] }, { name: 'a copy' }),
    importBy('reader', fromWeb('image')),
    importBy('bob', fromWeb('image')),
    ...release,
    ended('alice'),
    settled('alice', { name: 'afterwards' }),
  ]),
  scenario('what can be done to an image that is imported', [
    createRaw('alice'),
    importBy('alice', held),
    importing,
    upload('alice', 10),
    stage('alice', 10),
    download('alice'),
    act('alice', 'deactivate'),
    act('alice', 'reactivate'),
    patch('alice', [replace('/name', 'x')], { name: 'its name' }),
    patch('alice', [replace('/disk_format', 'iso')], { name: 'its disk format' }),
    patch('alice', [replace('/container_format', 'ovf')], { name: 'its container format' }),
    patch('alice', [{ op: 'add', path: '/os_glance_import_task', value: 'x' }], { name: 'its lock' }),
    patch('alice', [{ op: 'remove', path: '/os_glance_import_task' }], { name: 'no lock' }),
    patch('admin', [{ op: 'remove', path: '/os_glance_import_task' }], { name: 'no lock, as admin' }),
    get('alice', '/v2/images/<image>/tasks'),
    ...release,
    ended('alice'),
    settled('alice', { name: 'afterwards' }),
    patch('alice', [{ op: 'remove', path: '/os_glance_failed_import' }], { name: 'no list of failures' }),
  ]),
  scenario('an image that is imported is deleted', [
    createRaw('alice'),
    importBy('alice', held),
    importing,
    del('reader'),
    del('alice'),
    show('alice', { name: 'gone' }),
    ...release,
    show('bob', {
      name: 'the other one',
      path: '/v2/images/<other>',
      until: { key: 'os_glance_import_task', is: [null] },
    }),
  ]),
  scenario('an import while bytes come another way', [
    createRaw('alice'),
    upload('alice'),
    importBy('admin', 'copy-image', { stores: ['cheap'] }),
    settled('admin'),
    show('alice'),
    act('alice', 'deactivate'),
    importBy('admin', 'copy-image', { stores: ['fast'] }),
    act('alice', 'reactivate'),
    show('alice', { name: 'afterwards' }),
  ]),
]
