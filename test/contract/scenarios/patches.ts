import type { Area, Step } from '../exchange.js'
import {
  add,
  create,
  createRaw,
  patch,
  patchLegacy,
  remove,
  replace,
  scenario,
  show,
  upload,
  v20,
  v21,
} from './steps.js'

const base = [
  'name',
  'visibility',
  'disk_format',
  'container_format',
  'min_disk',
  'min_ram',
  'protected',
  'os_hidden',
  'tags',
  'owner',
]
const readOnly = [
  'id',
  'status',
  'size',
  'virtual_size',
  'checksum',
  'created_at',
  'updated_at',
  'direct_url',
  'self',
  'file',
  'schema',
  'os_hash_algo',
  'os_hash_value',
  'stores',
]
const reserved = [
  'location',
  'deleted',
  'deleted_at',
  'os_glance',
  'os_glance_x',
  'os_glanced',
  'os_glance_import_task',
]

const values: Record<string, unknown[]> = {
  name: ['new', '', null, '<x*255>', '<x*256>', 1, [], '😀', 'é'],
  visibility: ['private', 'community', 'shared', 'public', 'nope', null, 1],
  disk_format: ['raw', 'qcow2', 'iso', 'nope', '', null, 1],
  container_format: ['bare', 'ovf', 'nope', '', null, 1],
  min_disk: [1, 0, 2147483647, 2147483648, -1, 1.5, '1', null],
  min_ram: [1, 0, 2147483648, -1, '1', null],
  protected: [true, false, 'true', null, 1],
  os_hidden: [true, false, 'true', null],
  tags: [
    ['a', 'b'],
    ['a', 'a'],
    [],
    ['<x*256>'],
    [1],
    'a',
    null,
    {},
    Array.from({ length: 129 }, (_, n) => `t${n}`),
  ],
  owner: ['<project:demo>', '<project:other>', null, 1],
  prop: ['x', '', '<y*5000>', 'ü', '😀', 1, true, null, [], {}],
}

const pointers: unknown[] = [
  '/new',
  'new',
  '',
  '/',
  '//',
  '/new/',
  '//new',
  '/new//',
  '/ new ',
  '/ ',
  '/a~0b',
  '/a~1b',
  '/a~2b',
  '/a~',
  '/~',
  '/~01',
  '/name/x',
  '/a/b',
  '/a/b/c',
  '/tags/-',
  '/tags/0',
  '/tags/-/x',
  '/new name',
  '/ü',
  '/😀',
  '/__proto__',
  '/constructor',
  '/<x*255>',
  '/<x*256>',
  '/~1',
  '#/new',
  '/Name',
  '/\u0000',
  1,
  null,
  true,
  ['new'],
  { a: 1 },
]

const internal = [
  'member',
  'image_id',
  'extra_properties',
  'get_data',
  'set_data',
  'delete',
  'visibility_',
  'context',
  'image',
  'base',
  'repo',
  'added_new_properties',
  'is_public',
]

const oddElements: Record<string, unknown> = {
  'no operation': { path: '/name', value: 'x' },
  'no path': { op: 'replace', value: 'x' },
  'no value': { op: 'replace', path: '/name' },
  'add without value': { op: 'add', path: '/p' },
  'remove with a value': { op: 'remove', path: '/p', value: 'x' },
  'a key more': { op: 'replace', path: '/name', value: 'x', from: '/y' },
  move: { op: 'move', from: '/p', path: '/q' },
  copy: { op: 'copy', from: '/p', path: '/q' },
  test: { op: 'test', path: '/name', value: 'before' },
  'capital letters': { op: 'Replace', path: '/name', value: 'x' },
  'an operation that is a number': { op: 1, path: '/name', value: 'x' },
  'the legacy form': { replace: '/name', value: 'x' },
  'a string': 'x',
  'null ': null,
  'an array': [],
  'an empty object': {},
}

const oddLegacy: Record<string, unknown> = {
  'the current form': { op: 'replace', path: '/name', value: 'x' },
  'two verbs': { add: '/name', replace: '/name', value: 'x' },
  'no verb': { value: 'x' },
  'no value': { replace: '/name' },
  'remove with a value': { remove: '/p', value: 'x' },
  'a path that is a number': { replace: 1, value: 'x' },
  test: { test: '/name', value: 'before' },
  move: { move: '/p', path: '/q' },
  'a key more': { replace: '/name', value: 'x', more: 1 },
  'a string': 'x',
  'null ': null,
}

/** The image that most of these scenarios change; `p` is a property, `absent` is none. */
const before = createRaw('alice', { name: 'before', p: 'one', tags: ['t'] })

const legacy = (op: string, path: unknown, value?: unknown) =>
  op === 'remove' ? { remove: path } : { [op]: path, value }

export const patches: Area = {
  name: 'patch',
  scenarios: [
    ...['add', 'replace'].flatMap(op =>
      Object.entries(values)
        // Its own scenarios are below: one change of owner spoils the next.
        .filter(([name]) => name !== 'owner')
        .map(([name, tried]) =>
          scenario(`${op} /${name}`, [
            create('alice', { name: 'before', prop: 'before' }),
            ...tried.map(value =>
              patch('alice', [{ op, path: `/${name}`, value }], { name: `${op} ${brief(value)}` }),
            ),
            show('alice'),
          ]),
        ),
    ),
    ...(['add', 'replace'] as const).flatMap(op =>
      Object.entries(values).map(([name, tried]) =>
        scenario(`legacy ${op} /${name}`, [
          create('alice', { name: 'before', prop: 'before' }),
          ...tried
            .slice(0, 4)
            .map(value =>
              patchLegacy('alice', [legacy(op, `/${name}`, value)], { name: `${op} ${brief(value)}` }),
            ),
          show('alice'),
        ]),
      ),
    ),
    ...[
      {
        name: 'current',
        send: patch,
        op: (op: string, path: string, value?: unknown) =>
          op === 'remove' ? { op, path } : { op, path, value },
      },
      { name: 'legacy', send: patchLegacy, op: legacy },
    ].flatMap(form => [
      scenario(`${form.name}: properties come, change and go`, [
        before,
        form.send('alice', [form.op('add', '/new', 'x')], { name: 'add a new one' }),
        form.send('alice', [form.op('add', '/new', 'y')], { name: 'add one that is there' }),
        form.send('alice', [form.op('replace', '/p', 'two')], { name: 'replace' }),
        form.send('alice', [form.op('replace', '/absent', 'x')], { name: 'replace one that is not there' }),
        form.send('alice', [form.op('remove', '/p')], { name: 'remove' }),
        form.send('alice', [form.op('remove', '/p')], { name: 'remove it again' }),
        form.send('alice', [form.op('replace', '/p', 'x')], { name: 'replace what was removed' }),
        form.send('alice', [form.op('add', '/p', 'back')], { name: 'add what was removed' }),
        show('alice'),
      ]),
      scenario(`${form.name}: base attributes can not be removed`, [
        before,
        ...base.map(name => form.send('alice', [form.op('remove', `/${name}`)], { name: `remove ${name}` })),
      ]),
      scenario(`${form.name}: attributes that only the registry sets`, [
        before,
        ...readOnly.flatMap(name =>
          ['add', 'replace', 'remove'].map(op =>
            form.send('alice', [form.op(op, `/${name}`, 'x')], { name: `${op} ${name}` }),
          ),
        ),
      ]),
      scenario(`${form.name}: reserved names`, [
        before,
        ...reserved.flatMap(name =>
          ['add', 'replace', 'remove'].map(op =>
            form.send('alice', [form.op(op, `/${name}`, 'x')], { name: `${op} ${name}` }),
          ),
        ),
      ]),
      scenario(`${form.name}: pointers`, [
        before,
        ...pointers.map(path =>
          form.send('alice', [form.op('add', path as string, 'x')], { name: `add ${brief(path)}` }),
        ),
        ...['/', '/a~1b', '/ name ', '/name/', '/tags/-', '/absent/x'].flatMap(path => [
          form.send('alice', [form.op('replace', path, 'x')], { name: `replace ${path}` }),
          form.send('alice', [form.op('remove', path)], { name: `remove ${path}` }),
        ]),
      ]),
    ]),
    scenario('elements that are not what they should be', [
      before,
      ...Object.entries(oddElements).map(([name, element]) => patch('alice', [element], { name })),
    ]),
    scenario('legacy elements that are not what they should be', [
      before,
      ...Object.entries(oddLegacy).map(([name, element]) => patchLegacy('alice', [element], { name })),
    ]),
    ...internal.map(name =>
      scenario(`a property called ${name} is a property`, [
        before,
        patch('alice', [add(`/${name}`, 'x')], { name: 'add' }),
        show('alice'),
        patch('alice', [replace(`/${name}`, 'y')], { name: 'replace' }),
        patch('alice', [remove(`/${name}`)], { name: 'remove' }),
      ]),
    ),
    scenario('media types', [
      before,
      ...[
        v21,
        v20,
        `${v21}; charset=utf-8`,
        `${v20};x=y`,
        v21.toUpperCase(),
        'application/json',
        'application/json-patch+json',
        'application/openstack-images-v2.2-json-patch',
        'application/openstack-images-v2-json-patch',
        'application/octet-stream',
        'text/plain',
        '',
        null,
      ].map(type =>
        patch('alice', [], { headers: { 'content-type': type }, name: `type ${type ?? '(absent)'}` }),
      ),
    ]),
    scenario('all operations or none', [
      before,
      patch('alice', [replace('/name', 'after'), replace('/absent', 'x')], { name: 'the second fails' }),
      patch('alice', [replace('/name', 'after'), replace('/status', 'x')], {
        name: 'the second is forbidden',
      }),
      patch('alice', [add('/q', 'x'), replace('/q', 'y'), remove('/p'), add('/p', 'again')], {
        name: 'each sees what came before it',
      }),
      patch('alice', [add('/r', 'x'), remove('/r'), remove('/r')], { name: 'the third can not' }),
      patch('alice', [replace('/name', 'a'), replace('/name', 'b')], { name: 'twice the same' }),
      patch('alice', [], { name: 'nothing' }),
      show('alice'),
    ]),
    scenario('quotas of properties and tags', [
      create('alice', Object.fromEntries(Array.from({ length: 128 }, (_, n) => [`p${n}`, 'x']))),
      patch('alice', [add('/one_more', 'x')]),
      patch('alice', [replace('/p0', 'y')]),
      patch('alice', [add('/p0', 'z')]),
      patch('alice', [remove('/p0'), add('/one_more', 'x')]),
      patch('alice', [remove('/p1')]),
      patch('alice', [add('/one_more', 'x')], { name: 'room again' }),
      patch(
        'alice',
        [
          replace(
            '/tags',
            Array.from({ length: 128 }, (_, n) => `t${n}`),
          ),
        ],
        { name: '128 tags' },
      ),
    ]),
    scenario('formats are fixed once bytes are there', [
      before,
      patch('alice', [replace('/disk_format', 'qcow2')], { name: 'while queued' }),
      patch('alice', [replace('/disk_format', 'raw')], { name: 'and back' }),
      upload('alice', 10),
      ...['disk_format', 'container_format'].flatMap(name => [
        patch('alice', [replace(`/${name}`, name === 'disk_format' ? 'raw' : 'bare')], {
          name: `${name} to the same`,
        }),
        patch('alice', [replace(`/${name}`, name === 'disk_format' ? 'iso' : 'ovf')], {
          name: `${name} to another`,
        }),
        patch('alice', [add(`/${name}`, name === 'disk_format' ? 'iso' : 'ovf')], { name: `${name} added` }),
        patch('alice', [replace(`/${name}`, null)], { name: `${name} to null` }),
        patch('admin', [replace(`/${name}`, name === 'disk_format' ? 'iso' : 'ovf')], {
          name: `${name} by an admin`,
        }),
      ]),
      patch('alice', [replace('/name', 'after'), replace('/min_ram', 64), add('/q', 'x')], {
        name: 'all else can change',
      }),
    ]),
    scenario('an owner is given by an admin', [
      create('admin', { owner: '<project:demo>' }),
      patch('alice', [replace('/owner', '<project:demo>')], { name: 'a member, to the same' }),
      patch('alice', [replace('/owner', '<project:other>')], { name: 'a member, to another' }),
      patch('admin', [replace('/owner', '<project:other>')], { name: 'an admin' }),
      show('alice'),
      show('bob'),
      patch('admin', [add('/owner', '<project:demo>')], { name: 'an admin, by add' }),
      patch('admin', [replace('/owner', null)], { name: 'an admin, to nobody' }),
      patch('admin', [replace('/owner', '<x*256>')], { name: 'too long' }),
    ]),
    ...['add', 'replace'].flatMap(op =>
      (values.owner ?? []).map(value =>
        scenario(`a member can not ${op} the owner ${brief(value)}`, [
          create('alice'),
          patch('alice', [{ op, path: '/owner', value }], { name: 'try' }),
          show('alice'),
        ]),
      ),
    ),
    scenario('protected does not stop changes', [
      create('alice', { protected: true }),
      patch('alice', [replace('/name', 'x')]),
      patch('alice', [add('/p', 'x')]),
      patch('alice', [replace('/protected', false)]),
    ]),
    scenario('text as it was written', [
      create('alice'),
      ...[
        '1',
        'true',
        'null',
        ' x ',
        'ü',
        '"',
        '\\',
        '\n',
        '\t',
        '<b/>',
        '{}',
        '\u007f',
        '\ufeff',
        'x\u0000',
      ].map((value): Step => patch('alice', [add('/p', value)], { name: `value ${JSON.stringify(value)}` })),
    ]),
  ],
}

function brief(value: unknown): string {
  const text = JSON.stringify(value)
  return text.length > 60 ? `${text.slice(0, 40)}… (${text.length})` : text
}
