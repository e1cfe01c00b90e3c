import { createHash } from 'node:crypto'
import type { Actor } from '../actors.js'
import type { Area, Step } from '../exchange.js'
import {
  act,
  add,
  create,
  createRaw,
  del,
  download,
  get,
  patch,
  patchLegacy,
  post,
  remove,
  replace,
  scenario,
  show,
  upload,
} from './steps.js'

/** What the web server of these scenarios has: see web.ts. */
const bytes = Buffer.from(Array.from({ length: 5000 }, (_, i) => i % 251))
const digest = (algorithm: string) => createHash(algorithm).update(bytes).digest('hex')
const hashes = (algorithm: string) => ({ os_hash_algo: algorithm, os_hash_value: digest(algorithm) })

const web = '<web>/image'
const at = (url: string, metadata: unknown = {}, more: object = {}) => ({ url, metadata, ...more })
const path = '/v2/images/<image>/locations'
const give = (actor: Actor, url: unknown, more: object = {}, step: Partial<Step> = {}) =>
  post(actor, path, { url, ...more }, step)
const everybody = ['admin', 'alice', 'carol', 'reader', 'bob', 'nova', 'svc', 'dora', 'nobody'] as const
/** Until no task has the image: the lock is taken before the request that asks for the task is answered. */
const free = { until: { key: 'os_glance_import_task', is: [null] } }
const fromStore = (actor: Actor, store: string, more: Partial<Step> = {}) =>
  del(actor, `/v2/stores/${store}/<image>`, more)
const copied = show('admin', free)
const copyTo = (store: string) =>
  post('admin', '/v2/images/<image>/import', { method: { name: 'copy-image' }, stores: [store] })

const odd: Record<string, unknown> = {
  'no url': {},
  'url a number': { url: 5 },
  'url null': { url: null },
  'a key more': { url: 'rbd://a/b', more: 'x' },
  'validation data null': { url: web, validation_data: null },
  'validation data a list': { url: web, validation_data: [] },
  'a key more in validation data': {
    url: web,
    validation_data: { ...hashes('md5'), checksum: digest('md5') },
  },
  'an algorithm alone': { url: web, validation_data: { os_hash_algo: 'md5' } },
  'a value alone': { url: web, validation_data: { os_hash_value: digest('md5') } },
  'an unknown algorithm': { url: web, validation_data: { os_hash_algo: 'sha384', os_hash_value: 'ab' } },
  'no hex': { url: web, validation_data: { os_hash_algo: 'md5', os_hash_value: 'z'.repeat(32) } },
  'too short': { url: web, validation_data: { os_hash_algo: 'md5', os_hash_value: 'ab' } },
  'an empty value': { url: web, validation_data: { os_hash_algo: 'md5', os_hash_value: '' } },
  'too long': { url: web, validation_data: { os_hash_algo: 'sha512', os_hash_value: '<a*129>' } },
  'a host that is not allowed': { url: 'http://169.254.169.254/' },
  'no host': { url: 'http://' },
}

const places: Record<string, string> = {
  'a file': 'file:///etc/passwd',
  'a filesystem': 'filesystem:///etc/passwd',
  'a swift configuration': 'swift+config://a/b/c',
  'a store that is not there': 'rbd://pool/image',
  'no URL': 'nonsense',
  nothing: '',
  'a page that is missing': '<web>/missing',
  'a page that is empty': '<web>/empty',
  'a host that is not allowed': 'http://169.254.169.254/',
}

const entries: Record<string, unknown> = {
  'no metadata': { url: web },
  'no url': { metadata: {} },
  'url a number': at(5 as never),
  'a long url': at('<web>/<x*255>'),
  'metadata a text': at(web, 'x'),
  'a text': 'x',
  'validation data without a value': at(web, {}, { validation_data: { os_hash_algo: 'sha512' } }),
  'a short checksum': at(web, {}, { validation_data: { ...hashes('sha512'), checksum: 'ab' } }),
  'a key more in validation data': at(web, {}, { validation_data: { ...hashes('sha512'), more: 'x' } }),
}

export const locations: Area = {
  name: 'locations',
  web: true,
  scenarios: [
    scenario('POST: bodies that are not what they should be', [
      createRaw('alice'),
      ...Object.entries(odd).map(([name, json]) => post('alice', path, json, { name })),
      post('alice', path, undefined, { name: 'no body' }),
      post('alice', path, [], { name: 'a list' }),
      post('alice', '/v2/images/<uuid:1>/locations', { url: 5 }, { name: 'a bad body for no image' }),
      post('alice', '/v2/images/<uuid:1>/locations', { url: web }, { name: 'no image' }),
      show('alice'),
    ]),
    ...everybody.map(actor =>
      scenario(`POST: what ${actor} may`, [
        createRaw('alice'),
        give(actor, 'rbd://a/b', {}, { name: `${actor}, a place off the web` }),
        createRaw('alice'),
        give(actor, web, {}, { name: `${actor}, a place on the web` }),
      ]),
    ),
    scenario('POST: states', [
      createRaw('alice'),
      upload('alice'),
      ...(['alice', 'reader', 'bob', 'svc'] as const).map(actor => give(actor, web)),
      give('alice', 'rbd://a/b', {}, { name: 'a place off the web' }),
    ]),
    ...['md5', 'sha1', 'sha256', 'sha512'].map(algorithm =>
      scenario(`POST: a place that is verified by ${algorithm}`, [
        createRaw('alice'),
        give('alice', web, { validation_data: hashes(algorithm) }),
        show('alice', free),
        get('admin', path),
        download('alice'),
      ]),
    ),
    ...[{}, { validation_data: {} }].map((more, n) =>
      scenario(`POST: a place that is not verified, form ${n + 1}`, [
        createRaw('alice'),
        give('alice', web, more),
        show('alice', { ...free, name: 'hashed in the end' }),
        ...everybody.map(actor => get(actor, path)),
        give('alice', web, {}, { name: 'once more' }),
      ]),
    ),
    scenario('GET: no places', [createRaw('alice'), ...everybody.map(actor => get(actor, path))]),
    scenario('GET: an uploaded image', [
      createRaw('alice', { visibility: 'community' }),
      upload('alice'),
      ...everybody.map(actor => get(actor, path)),
      act('alice', 'deactivate'),
      get('admin', path),
    ]),

    scenario('PATCH: a queued image gets its place by add', [
      createRaw('alice'),
      patch('alice', [add('/locations/-', at(web, { a: 'b' }))]),
      show('alice'),
      download('alice'),
      upload('alice', 10),
      patch('alice', [add('/locations/-', at(web, { a: 'b' }))], { name: 'the same again' }),
      patch('alice', [add('/locations/0', at(web, { c: 'd' }))], { name: 'with other metadata' }),
      show('alice', { name: 'the position is kept' }),
      patch('alice', [add('/locations/99', at(`${web}#new`))], { name: 'beyond the end' }),
      patch('alice', [add('/locations/1', at(`${web}#second`, { n: '2' }))], { name: 'between' }),
      show('alice', { name: 'and so is this one' }),
      patch('alice', [add('/locations/x', at(`${web}#x`))], { name: 'no position' }),
      patch('alice', [add('/locations/-1', at(`${web}#x`))], { name: 'a negative position' }),
      patch('alice', [remove('/locations/0')], { name: 'the owner removes' }),
      patch('admin', [remove('/locations/9')], { name: 'one that is not there' }),
      patch('admin', [remove('/locations/x')], { name: 'what is no position' }),
      patch('admin', [remove('/locations')], { name: 'all' }),
    ]),
    scenario('PATCH: a queued image gets its place by replace', [
      createRaw('alice'),
      patch('alice', [replace('/locations', [])], { name: 'none' }),
      patch('alice', [replace('/locations', [at(web), at(web)])], { name: 'the same twice' }),
      patch('alice', [replace('/locations', [at(web)])]),
      patch('alice', [replace('/locations', [])], { name: 'none again' }),
      patch('alice', [replace('/locations', [at(`${web}#new`)])], { name: 'another' }),
      patch('alice', [replace('/locations', [at(web, { a: 'b' })])], { name: 'described anew' }),
      patch('admin', [remove('/locations/0')], { name: 'the last one' }),
    ]),
    scenario('PATCH: described anew in another order', [
      createRaw('alice'),
      patch('alice', [replace('/locations', [at(`${web}#1`, { n: '1' }), at(`${web}#2`, { n: '2' })])]),
      show('alice', { name: 'as they were given' }),
      patch('alice', [replace('/locations', [at(`${web}#2`, { n: 'two' }), at(`${web}#1`, {})])], {
        name: 'the other way round',
      }),
      show('alice', { name: 'and after that' }),
    ]),
    scenario('PATCH: the legacy form', [
      createRaw('alice'),
      patchLegacy('alice', [{ add: '/locations/-', value: at(web) }]),
      patchLegacy('alice', [{ replace: '/locations', value: [at(web, { a: 'b' })] }]),
    ]),
    scenario('PATCH: formats are needed', [
      create('alice'),
      patch('alice', [add('/locations/-', at(web))]),
      patch('alice', [replace('/locations', [at(web)])]),
      show('alice'),
    ]),
    scenario('PATCH: places that are none', [
      createRaw('alice'),
      ...Object.entries(places).flatMap(([name, url]) => [
        patch('alice', [add('/locations/-', at(url))], { name: `add ${name}` }),
        patch('alice', [replace('/locations', [at(url)])], { name: `replace ${name}` }),
      ]),
      show('alice'),
    ]),
    scenario('PATCH: entries that are not what they should be', [
      createRaw('alice'),
      ...Object.entries(entries).map(([name, value]) =>
        patch('alice', [add('/locations/-', value)], { name }),
      ),
      patch('alice', [replace('/locations', 'x')], { name: 'replace by a text' }),
      patch('alice', [replace('/locations', ['x'])], { name: 'replace by texts' }),
      patch('alice', [add('/locations', [at(web)])], { name: 'add without a position' }),
      patch('alice', [replace('/locations/0', at(web))], { name: 'replace with a position' }),
      show('alice'),
    ]),
    scenario('PATCH: validation data', [
      createRaw('alice'),
      ...Object.entries({
        'another algorithm': hashes('sha256'),
        'no hex': { os_hash_algo: 'sha512', os_hash_value: '<z*128>' },
        'too short': { os_hash_algo: 'sha512', os_hash_value: 'ab' },
        'a checksum that is no hex': { ...hashes('sha512'), checksum: 'z'.repeat(32) },
      }).map(([name, validation_data]) =>
        patch('alice', [add('/locations/-', at(web, {}, { validation_data }))], { name }),
      ),
      patch('alice', [
        add(
          '/locations/-',
          at(web, {}, { validation_data: { ...hashes('sha512'), checksum: digest('md5') } }),
        ),
      ]),
      patch('alice', [add('/locations/-', at(`${web}#1`, {}, { validation_data: hashes('sha512') }))], {
        name: 'the same once more',
      }),
      patch(
        'alice',
        [
          add(
            '/locations/-',
            at(`${web}#2`, {}, { validation_data: { os_hash_algo: 'sha512', os_hash_value: '<0*128>' } }),
          ),
        ],
        { name: 'another value' },
      ),
    ]),
    scenario('PATCH: at most ten', [
      createRaw('alice'),
      patch('alice', [
        replace(
          '/locations',
          Array.from({ length: 11 }, (_, n) => at(`${web}#${n}`)),
        ),
      ]),
      patch(
        'alice',
        [
          replace(
            '/locations',
            Array.from({ length: 10 }, (_, n) => at(`${web}#${n}`)),
          ),
        ],
        {
          name: 'ten',
        },
      ),
      patch('alice', [add('/locations/-', at(`${web}#x`))], { name: 'one more' }),
    ]),
    ...everybody.map(actor =>
      scenario(`PATCH: what ${actor} may`, [
        createRaw('alice'),
        patch(actor, [remove('/locations/0')], { name: 'remove while queued' }),
        patch(actor, [replace('/locations', [])], { name: 'replace by none' }),
        patch(actor, [add('/locations/-', at('file:///x'))], { name: 'add a file' }),
      ]),
    ),
    scenario('PATCH: while deactivated', [
      createRaw('alice'),
      upload('alice'),
      act('alice', 'deactivate'),
      patch('alice', [add('/locations/-', at(web))]),
      patch('alice', [replace('/locations', [at(web)])]),
      patch('admin', [remove('/locations/0')]),
    ]),

    scenario('stores: what everybody and what services learn', [
      ...everybody.map(actor => get(actor, '/v2/info/stores')),
      ...(['alice', 'reader', 'bob', 'dora', 'nobody'] as const).map(actor =>
        get(actor, '/v2/info/stores/detail'),
      ),
    ]),
    ...everybody.map(actor =>
      scenario(`stores: what ${actor} may remove`, [
        createRaw('alice'),
        fromStore(actor, 'nope', { name: 'from no store' }),
        del(actor, '/v2/stores/fast/<uuid:1>', { name: 'of no image' }),
        fromStore(actor, 'fast', { name: 'of a queued one' }),
        upload('alice'),
        fromStore(actor, 'fast', { name: 'the only copy' }),
        fromStore(actor, 'cheap', { name: 'a copy that is not there' }),
      ]),
    ),
    scenario('stores: copies come and go', [
      createRaw('alice'),
      upload('alice'),
      copyTo('cheap'),
      copied,
      fromStore('admin', 'web', { name: 'from a store that has none' }),
      fromStore('admin', 'fast', { json: {}, name: 'with a body' }),
      fromStore('admin', 'fast'),
      show('alice'),
      fromStore('admin', 'fast', { name: 'once more' }),
      download('alice'),
    ]),
    scenario('stores: not while deactivated', [
      createRaw('alice'),
      upload('alice'),
      copyTo('cheap'),
      copied,
      act('alice', 'deactivate'),
      fromStore('admin', 'fast'),
    ]),
  ],
}
