import type { Area, Scenario, Step } from '../exchange.js'
import {
  createRaw,
  del,
  download,
  ended,
  fromWeb,
  get,
  importBy,
  post,
  put,
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
/** Keeps the lists to this scenario's own tasks. */
const marked = { headers: { 'x-openstack-request-id': '<run>' } }
const own = 'request_id=<run>'
const properties = { disk_format: 'raw', container_format: 'bare', name: '<run>' }
const input = (page: string, more: object = {}) => ({
  import_from: `<web>/${page}`,
  import_from_format: 'raw',
  image_properties: properties,
  ...more,
})
const create = (page: string, more: object = {}, step: Partial<Step> = {}) =>
  post('admin', '/v2/tasks', { type: 'import', input: input(page, more) }, { save: { task: 'id' }, ...step })
const outcome = get('admin', '/v2/tasks/<task>', {
  name: 'the task in the end',
  until: { key: 'status', is: ['success', 'failure'] },
})
/** The same of a task that makes an image. */
const made: Step = { ...outcome, save: { image: 'result.image_id' } }
const madeNone = ['missing', 'cut', 'empty', 'redirect-to-a-file']

/** Bodies that no task is made of. */
const bodies: Record<string, unknown> = {
  'an empty object': {},
  'an empty list': [],
  'a text': 'x',
  'no type': { input: input('image') },
  'no input': { type: 'import' },
  'type null': { type: null, input: input('image') },
  'type a number': { type: 1, input: input('image') },
  'type unknown': { type: 'export', input: input('image') },
  'input null': { type: 'import', input: null },
  'input a text': { type: 'import', input: 'x' },
  'input a list': { type: 'import', input: [] },
  'input empty': { type: 'import', input: {} },
  'no source': { type: 'import', input: { ...input('image'), import_from: undefined } },
  'no format': { type: 'import', input: { ...input('image'), import_from_format: undefined } },
  'no properties': { type: 'import', input: { ...input('image'), image_properties: undefined } },
  'properties a text': { type: 'import', input: input('image', { image_properties: 'x' }) },
  'properties null': { type: 'import', input: input('image', { image_properties: null }) },
  'properties empty': { type: 'import', input: input('image', { image_properties: {} }) },
  'source null': { type: 'import', input: input('image', { import_from: null }) },
  'source a number': { type: 'import', input: input('image', { import_from: 1 }) },
  'source empty': { type: 'import', input: input('image', { import_from: '' }) },
  'source no URL': { type: 'import', input: input('image', { import_from: 'nonsense' }) },
  'source a file': { type: 'import', input: input('image', { import_from: 'file:///etc/passwd' }) },
  'source ftp': { type: 'import', input: input('image', { import_from: 'ftp://127.0.0.1/image' }) },
  'source another scheme': { type: 'import', input: input('image', { import_from: 'swift+http://a/b' }) },
  'source a host that is not allowed': {
    type: 'import',
    input: input('image', { import_from: 'http://169.254.169.254/' }),
  },
  'something more': { type: 'import', input: input('image'), more: 'x' },
  'a status': { type: 'import', input: input('image'), status: 'success' },
  'an id': { type: 'import', input: input('image'), id: '<uuid:1>' },
  'an owner': { type: 'import', input: input('image'), owner: '<project:demo>' },
}

const queries = [
  'status=success',
  'status=failure',
  'status=pending',
  'status=nope',
  'status=',
  'type=import',
  'type=api_image_import',
  'type=location_import',
  'type=nope',
  'owner=<project:demo>',
  'owner=<project:other>',
  'user_id=<user:alice>',
  'image_id=<image>',
  'image_id=<uuid:1>',
  'image_id=',
  'nope=1',
  'limit=2',
  'limit=0',
  'limit=1000',
  'limit=5000',
  'limit=-1',
  'limit=x',
  'limit=',
  'sort_key=created_at',
  'sort_key=created_at&sort_dir=asc',
  'sort_key=status&sort_dir=asc',
  'sort_key=type',
  'sort_key=updated_at&sort_dir=desc',
  'sort_key=expires_at',
  'sort_key=id&image_id=<uuid:1>',
  'sort_key=owner',
  'sort_key=nope',
  'sort_key=input',
  'sort_key=message',
  'sort_key=',
  'sort_dir=asc',
  'sort_dir=nope',
  'sort_dir=',
  'sort=created_at:asc',
  'marker=x',
  'marker=',
  'marker=<uuid:1>',
  'marker=<image>',
  'limit=2&sort_dir=asc',
  'limit=2&sort_dir=asc&status=success',
]

const list = (query: string, more: Partial<Step> = {}) =>
  get('admin', `/v2/tasks?${own}${query && `&${query}`}`, more)

/** Four imports one after the other, of which two fail. */
const four: Step[] = [
  createRaw('alice'),
  importBy('alice', fromWeb('missing'), {}, marked),
  ended('alice'),
  settled('alice'),
  importBy('alice', fromWeb('image'), {}, marked),
  ended('alice'),
  settled('alice'),
  createRaw('bob', {}, { save: { second: 'id' } }),
  importBy('bob', fromWeb('missing'), {}, { ...marked, path: '/v2/images/<second>/import' }),
  show('bob', { path: '/v2/images/<second>', until: { key: 'os_glance_import_task', is: [null] } }),
  importBy('bob', fromWeb('image'), {}, { ...marked, path: '/v2/images/<second>/import' }),
  show('bob', { path: '/v2/images/<second>', until: { key: 'os_glance_import_task', is: [null] } }),
]
/** Until all of them have ended. */
const allEnded = list('status=processing', { name: 'none is left', until: { key: 'tasks.0', is: [null] } })

const ids = ['x', '%20', '<x*36>', '<x*37>', '<uuid:1>', '%00', 'a%2Fb', '%C3%A9']

const schemas = ['task', 'tasks'].map(
  (name): Scenario =>
    scenario(`schema ${name}`, [
      ...everybody.map(actor => get(actor, `/v2/schemas/${name}`)),
      get('alice', `/v2/schemas/${name}/`),
      get('alice', `/v2/schemas/${name}`, { text: 'x', name: 'with a body' }),
    ]),
)

export const tasks: Area = {
  name: 'tasks',
  web: true,
  scenarios: [
    ...schemas,
    ...everybody.map(actor =>
      scenario(`tasks as ${actor}`, [
        create('image', {}, marked),
        made,
        get(actor, `/v2/tasks?${own}`),
        get(actor, '/v2/tasks/<task>'),
        get(actor, '/v2/tasks/<uuid:1>'),
        del(actor, '/v2/tasks/<task>'),
        del(actor, '/v2/tasks/<uuid:1>'),
        post(actor, '/v2/tasks', {}, { name: `${actor} sends an empty object` }),
        post(actor, '/v2/tasks', undefined, { name: `${actor} sends nothing` }),
        put(actor, '/v2/tasks/<task>', {}),
        del('admin'),
      ]),
    ),
    scenario('bodies that are not what they should be', [
      ...Object.entries(bodies).map(([name, json]) =>
        post('admin', '/v2/tasks', json, { name, save: { task: 'id' } }),
      ),
      { actor: 'admin', method: 'POST', path: '/v2/tasks', text: '{', name: 'half an object' },
    ]),
    ...['image', 'missing', 'cut', 'empty', 'redirect', 'redirect-to-a-file'].map(page =>
      scenario(`a task of type import from the page ${page}`, [
        create(page),
        madeNone.includes(page) ? outcome : made,
        ...(madeNone.includes(page)
          ? []
          : [show('admin'), download('admin'), get('admin', '/v2/images/<image>/tasks'), del('admin')]),
      ]),
    ),
    ...Object.entries({
      'a minimum of memory': { min_ram: 5 },
      'a visibility': { visibility: 'private' },
      protection: { protected: true },
      'a property': { color: 'red' },
      tags: { tags: ['<run>'] },
      'an owner': { owner: '<project:demo>' },
    }).map(([name, more]) =>
      scenario(`the image of a task gets ${name}`, [
        create('image', { image_properties: { ...properties, ...more } }),
        outcome,
        get('admin', '/v2/images?name=<run>'),
      ]),
    ),
    scenario('images that no task can make', [
      ...Object.entries({
        'a status': { status: 'active' },
        'a reserved name': { os_glance_x: 'y' },
        'a min_ram that is none': { min_ram: 'x' },
        'an unknown format': { disk_format: 'nope' },
      }).flatMap(([name, more]) => [
        create('image', { image_properties: { ...properties, ...more } }, { name }),
        { ...outcome, name: `in the end: ${name}` },
      ]),
    ]),
    scenario('bytes that are not what the task says', [
      create('image', { image_properties: { ...properties, disk_format: 'qcow2' } }),
      outcome,
    ]),
    scenario('filters, order and pages', [
      ...four,
      allEnded,
      ...queries.map(query => list(query)),
      list('sort_dir=asc', { save: { first: 'tasks.0.id', second: 'tasks.1.id', third: 'tasks.2.id' } }),
      list('sort_dir=asc&marker=<first>'),
      list('sort_dir=asc&limit=1&marker=<second>'),
      list('limit=2&marker=<third>'),
      list('sort_key=status&sort_dir=asc&marker=<second>'),
      list('marker=<first>&status=success&sort_dir=asc'),
      get('admin', '/v2/tasks?id=<first>'),
      get('admin', '/v2/tasks/<first>'),
    ]),
    scenario('the tasks of an image', [
      createRaw('alice', { visibility: 'community' }),
      get('alice', '/v2/images/<image>/tasks', { name: 'before' }),
      importBy('alice', fromWeb('missing')),
      ended('alice'),
      settled('alice'),
      importBy('alice', fromWeb('image')),
      ended('alice'),
      settled('alice'),
      importBy('admin', 'copy-image', { stores: ['cheap'] }),
      settled('admin'),
      ended('admin'),
      ...everybody.map(actor => get(actor, '/v2/images/<image>/tasks')),
      ...everybody.map(actor => get(actor, '/v2/images/<uuid:1>/tasks')),
      get('alice', '/v2/images/<image>/tasks?limit=1'),
      get('alice', '/v2/images/<image>/tasks', { json: {}, name: 'with a body' }),
      post('alice', '/v2/images/<image>/tasks', {}),
      del('alice'),
      get('alice', '/v2/images/<image>/tasks', { name: 'when it is gone' }),
      get('admin', '/v2/images/<image>/tasks', { name: 'when it is gone, as admin' }),
    ]),
    scenario('the tasks of an image that others see', [
      createRaw('alice'),
      stage('alice'),
      importBy('alice', 'glance-direct'),
      ended('alice'),
      settled('alice'),
      ...everybody.map(actor => get(actor, '/v2/images/<image>/tasks')),
      post('alice', '/v2/images/<image>/members', { member: '<project:other>' }),
      get('bob', '/v2/images/<image>/tasks', { name: 'as a member' }),
    ]),
    scenario('the tasks of a location', [
      createRaw('alice'),
      post('alice', '/v2/images/<image>/locations', { url: '<web>/image' }),
      ended('alice'),
      settled('alice'),
      get('admin', '/v2/images/<image>/tasks'),
    ]),
    scenario('an upload is no task', [
      createRaw('alice'),
      upload('alice'),
      get('alice', '/v2/images/<image>/tasks'),
    ]),
    scenario('ids that are none', [
      ...ids.flatMap(id => [
        get('admin', `/v2/tasks/${id}`),
        del('admin', `/v2/tasks/${id}`),
        get('admin', `/v2/images/${id}/tasks`),
      ]),
      get('admin', '/v2/tasks/'),
    ]),
  ],
}
