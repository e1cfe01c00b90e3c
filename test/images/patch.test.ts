import t from 'tap'
import { admin, alice, bob, rita, startApp } from '../helpers/app.js'

const V20 = 'application/openstack-images-v2.0-json-patch'
const V21 = 'application/openstack-images-v2.1-json-patch'

const server = await startApp(t)
const owner = server.as(alice)
const root = server.as(admin)

const readOnly = [
  'created_at',
  'updated_at',
  'status',
  'checksum',
  'size',
  'virtual_size',
  'direct_url',
  'self',
  'file',
  'schema',
  'id',
  'os_hash_algo',
  'os_hash_value',
  'stores',
]
const reserved = ['location', 'deleted', 'deleted_at', 'os_glance', 'os_glanced', 'os_glance_import_task']
const base = ['name', 'visibility', 'protected', 'os_hidden', 'owner', 'disk_format', 'min_ram', 'tags']

/** One operation in the form of a media type. */
const operation = (type: string, op: string, path: unknown, value?: unknown) =>
  type === V20
    ? { [op]: path, ...(value !== undefined && { value }) }
    : { op, path, ...(value !== undefined && { value }) }

for (const type of [V20, V21])
  t.test(type, async t => {
    const { id } = await owner.create({ present: 'old' })
    const path = `/v2/images/${id}`
    const patch = (...operations: unknown[]) => owner.patch(path, operations, type)
    const one = (op: string, to: unknown, value?: unknown) => patch(operation(type, op, to, value))

    t.test('changes what it names, and answers the whole image', async t => {
      const answer = await patch(
        operation(type, 'replace', '/name', 'new'),
        operation(type, 'replace', '/tags', ['x', 'y', 'x']),
        operation(type, 'replace', '/present', 'new'),
        operation(type, 'add', '/fresh', ''),
        operation(type, 'replace', '/min_ram', 5.0),
        operation(type, 'replace', '/visibility', 'private'),
      )
      t.equal(answer.status, 200, answer.text)
      t.match(answer.json, { name: 'new', present: 'new', fresh: '', min_ram: 5, visibility: 'private' })
      t.strictSame(answer.json.tags.toSorted(), ['x', 'y'])
      t.strictSame(await owner.show(id), answer.json)
      t.equal((await one('remove', '/fresh')).status, 200)
      t.notOk(Object.hasOwn(await owner.show(id), 'fresh'))
      t.equal((await one('replace', '/name', null)).json.name, null)
    })

    t.test('add: the newer form overwrites, the older one refuses what is there', async t => {
      t.equal((await one('add', '/present', 'again')).status, type === V20 ? 409 : 200)
      t.equal((await one('add', '/name', 'again')).status, type === V20 ? 409 : 200)
      t.equal((await one('add', '/os_hidden', false)).status, type === V20 ? 409 : 200)
      t.equal(
        (await patch(operation(type, 'add', '/twice', 'a'), operation(type, 'add', '/twice', 'b'))).status,
        type === V20 ? 409 : 200,
      )
    })

    t.test('what is not there is neither replaced nor removed', async t => {
      t.equal((await one('replace', '/absent', 'x')).status, 409)
      t.equal((await one('remove', '/absent')).status, 409)
      t.equal((await one('replace', '/', 'x')).status, 409, 'the empty name is a name')
      t.equal((await one('replace', '/__proto__', 'x')).status, 409)
      t.equal((await one('remove', '/constructor')).status, 409)
      t.equal((await one('replace', '/toString', 'x')).status, 409)
    })

    t.test('base attributes are not removed, read-only ones not touched', async t => {
      for (const name of base) t.equal((await one('remove', `/${name}`)).status, 403, name)
      for (const name of [...readOnly, ...reserved])
        for (const op of ['add', 'replace', 'remove'])
          t.equal((await one(op, `/${name}`, 'x')).status, 403, `${op} ${name}`)
    })

    t.test('all or nothing', async t => {
      const before = await owner.show(id)
      const answer = await patch(
        operation(type, 'replace', '/name', 'half'),
        operation(type, 'replace', '/tags', ['half']),
        operation(type, 'remove', '/absent'),
      )
      t.equal(answer.status, 409)
      t.strictSame(await owner.show(id), before)
    })

    t.test('in order', async t => {
      const answer = await patch(
        operation(type, 'add', '/a', '1'),
        operation(type, 'replace', '/a', '2'),
        operation(type, 'remove', '/a'),
        operation(type, 'add', '/a', '3'),
      )
      t.equal(answer.json.a, '3')
      await one('remove', '/a')
    })

    t.test('an empty list changes nothing and asks for no right to change', async t => {
      const before = await owner.show(id)
      t.strictSame((await patch()).json, before)
      const reader = server.as(rita)
      t.equal((await reader.patch(path, [], type)).status, 200)
      t.equal((await reader.patch(path, [operation(type, 'replace', '/name', 'x')], type)).status, 403)
      t.equal((await server.as(bob).patch(path, [], type)).status, 404)
    })

    t.test('bad paths', async t => {
      const paths = [
        'name',
        '',
        '/name/',
        '/a//b',
        '/a/ /b',
        '/a/b',
        '/tags/-',
        '/tags/0',
        '/~',
        '/~2',
        '/a~',
      ]
      for (const bad of paths) t.equal((await one('replace', bad, 'x')).status, 400, bad)
      for (const bad of [1, null, {}, [], true]) t.equal((await one('replace', bad, 'x')).status, 400)
      t.equal((await one('add', `/${'n'.repeat(256)}`, 'x')).status, 400)
      t.equal((await one('add', '/😀', 'x')).status, 400)
      t.equal((await one('add', '/a\0', 'x')).status, 400)
    })

    t.test('bad values', async t => {
      for (const [name, value] of [
        ['name', 5],
        ['name', 'n'.repeat(256)],
        ['name', '😀'],
        ['visibility', 'secret'],
        ['visibility', null],
        ['protected', 'true'],
        ['os_hidden', null],
        ['min_ram', -1],
        ['min_disk', 2 ** 31],
        ['min_disk', 1.5],
        ['min_disk', null],
        ['disk_format', 'floppy'],
        ['container_format', ''],
        ['tags', 'x'],
        ['tags', [1]],
        ['tags', ['t'.repeat(256)]],
        ['tags', ['😀']],
        ['p', 5],
        ['p', null],
        ['p', true],
        ['p', {}],
        ['p', ['x']],
        ['p', '\0'],
        ['p', '\ud800'],
      ] as const)
        t.equal((await one('replace', `/${name}`, value)).status, 400, `${name}: ${JSON.stringify(value)}`)
      t.equal((await one('add', '/p')).status, 400, 'no value')
      t.equal((await one('replace', '/name')).status, 400, 'no value')
    })

    t.test('bad documents', async t => {
      for (const body of ['', '{', 'null', '5', '"x"', '{}', '[1]', '[null]', '[[]]', '["x"]', '[{}]'])
        t.equal((await owner.patch(path, body, type)).status, 400, body)
      const wrong =
        type === V20
          ? [
              '[{"op": "add", "path": "/a", "value": "x"}]',
              '[{"add": "/a", "remove": "/b", "value": "x"}]',
              '[{"test": "/a", "value": "x"}]',
              '[{"add": null, "value": "x"}]',
            ]
          : [
              '[{"op": "move", "from": "/a", "path": "/b"}]',
              '[{"op": "test", "path": "/name", "value": null}]',
              '[{"op": "copy", "from": "/a", "path": "/b"}]',
              '[{"op": "toString", "path": "/a"}]',
              '[{"op": "add", "value": "x"}]',
              '[{"path": "/a", "value": "x"}]',
              '[{"op": ["add"], "path": "/a", "value": "x"}]',
              '[{"add": "/a", "value": "x"}]',
            ]
      for (const body of wrong) t.equal((await owner.patch(path, body, type)).status, 400, body)
    })

    t.test('names with ~0 and ~1, spaces, and those of objects', async t => {
      for (const [to, name] of [
        ['/a~1b', 'a/b'],
        ['/a~0b', 'a~b'],
        ['/a~01', 'a~1'],
        ['/ spaced out ', 'spaced out'],
        ['/__proto__', '__proto__'],
        ['/constructor', 'constructor'],
        ['/hasOwnProperty', 'hasOwnProperty'],
        ['/member', 'member'],
        ['/extra_properties', 'extra_properties'],
        ['/get_data', 'get_data'],
        ['/ключ', 'ключ'],
        ['/a.b', 'a.b'],
        ['/', ''],
      ] as const) {
        const made = await one('add', to, `value of ${name}`)
        t.equal(made.status, 200, to)
        t.equal(Object.getOwnPropertyDescriptor(await owner.show(id), name)?.value, `value of ${name}`, to)
        t.equal((await one('replace', to, 'v2')).status, 200, to)
        t.equal((await one('remove', to)).status, 200, to)
        t.notOk(Object.hasOwn(await owner.show(id), name), to)
      }
      t.notOk('v2' in {})
    })

    t.test('tags and properties up to 128', async t => {
      const { id } = await owner.create(
        Object.fromEntries(Array.from({ length: 127 }, (_, n) => [`p${n}`, 'x'])),
      )
      const add = (name: string) =>
        owner.patch(`/v2/images/${id}`, [operation(type, 'add', `/${name}`, 'x')], type)
      t.equal((await add('p127')).status, 200)
      t.equal((await add('p128')).status, 413)
      const replace = operation(type, 'replace', '/p5', 'y')
      t.equal((await owner.patch(`/v2/images/${id}`, [replace], type)).status, 200)
      const tags = Array.from({ length: 129 }, (_, n) => `t${n}`)
      const set = (count: number) =>
        owner.patch(`/v2/images/${id}`, [operation(type, 'replace', '/tags', tags.slice(0, count))], type)
      t.equal((await set(128)).status, 200)
      t.equal((await set(129)).status, 413)
    })

    t.test('parameters of the media type are ignored, its case too', async t => {
      t.equal((await owner.patch(path, [], `${type}; charset=utf-8`)).status, 200)
      t.equal((await owner.patch(path, [], type.toUpperCase())).status, 200)
    })
  })

t.test('any other media type is 415, with the two that are taken', async t => {
  const { id } = await owner.create()
  for (const type of [
    'application/json',
    'application/json-patch+json',
    '',
    'x',
    'application/openstack-images-v2.2-json-patch',
  ]) {
    const answer = await owner.patch(`/v2/images/${id}`, [], type)
    t.equal(answer.status, 415, type)
    t.equal(answer.headers['accept-patch'], `${V20}, ${V21}`)
  }
  t.equal((await owner.patch('/v2/images/nothing', [], 'x')).status, 415, 'before the image is looked for')
})

t.test('the document is checked before the image is looked for', async t => {
  t.equal((await owner.patch('/v2/images/nothing', '{')).status, 400)
  t.equal((await owner.patch('/v2/images/nothing', [{ op: 'remove', path: '/id' }])).status, 403)
  t.equal((await owner.patch('/v2/images/nothing', [])).status, 404)
  const { id } = await owner.create({ visibility: 'private' })
  t.equal(
    (await server.as(bob).patch(`/v2/images/${id}`, [{ op: 'replace', path: '/name', value: 'x' }])).status,
    404,
  )
})

t.test('publishing is for admins, giving away too', async t => {
  const { id } = await owner.create()
  const set = (who: typeof owner, name: string, value: unknown, op = 'replace') =>
    who.patch(`/v2/images/${id}`, [{ op, path: `/${name}`, value }])
  t.equal((await set(owner, 'visibility', 'public')).status, 403)
  t.equal((await set(owner, 'visibility', 'community')).status, 200)
  t.equal((await set(root, 'visibility', 'public')).status, 200)
  t.equal((await set(owner, 'visibility', 'public')).status, 403, 'not even when it is public already')
  t.equal((await set(server.as(bob), 'visibility', 'private')).status, 403)
  t.equal((await set(owner, 'visibility', 'private')).status, 200, 'an owner may take a public image back')
  t.equal((await set(owner, 'owner', 'beta')).status, 403)
  t.equal((await set(owner, 'owner', 'beta', 'add')).status, 403)
  t.equal((await set(owner, 'owner', null)).status, 403)
  const given = await set(root, 'owner', 'beta')
  t.equal(given.json.owner, 'beta')
  const row = await server.deps.db
    .selectFrom('images')
    .select('owner_domain')
    .where('id', '=', id)
    .executeTakeFirst()
  t.equal(row?.owner_domain, null, "the former owner's domain has no say any more")
  t.equal((await owner.get(`/v2/images/${id}`)).status, 404)
  t.equal((await set(root, 'owner', null)).json.owner, null)
})

t.test('formats are fixed once bytes came; locations are not changed here', async t => {
  const { id } = await owner.createActive()
  const change = (path: string, value: unknown, op = 'replace') =>
    owner.patch(`/v2/images/${id}`, [{ op, path, value }])
  t.equal((await change('/disk_format', 'qcow2')).status, 403)
  t.equal((await change('/container_format', 'ovf')).status, 403)
  t.equal((await change('/locations', [])).status, 403)
  t.equal((await change('/locations/-', { url: 'http://x/', metadata: {} }, 'add')).status, 403)
  t.equal((await change('/locations/0', undefined, 'remove')).status, 403)
  t.equal((await change('/locations/-', { url: 5 }, 'add')).status, 400)
})

t.test('members survive a change of visibility, and see nothing meanwhile', async t => {
  const { id } = await owner.create()
  await owner.post(`/v2/images/${id}/members`, { member: 'beta' })
  const recipient = server.as(bob)
  const set = (value: string) =>
    owner.patch(`/v2/images/${id}`, [{ op: 'replace', path: '/visibility', value }])
  t.equal((await recipient.get(`/v2/images/${id}`)).status, 200)
  await set('private')
  t.equal((await recipient.get(`/v2/images/${id}`)).status, 404)
  await set('shared')
  t.equal((await recipient.get(`/v2/images/${id}`)).status, 200)
})

t.test('updated_at moves', async t => {
  const { id } = await owner.create()
  const read = () =>
    server.deps.db
      .selectFrom('images')
      .select(['updated_at', 'created_at'])
      .where('id', '=', id)
      .executeTakeFirstOrThrow()
  const before = await read()
  await owner.patch(`/v2/images/${id}`, [{ op: 'add', path: '/p', value: 'x' }])
  const after = await read()
  t.ok(after.updated_at > before.updated_at)
  t.strictSame(after.created_at, before.created_at)
})

t.test('many who change one image at once lose nothing', async t => {
  const { id } = await owner.create()
  const names = Array.from({ length: 60 }, (_, n) => `p${n}`)
  const answers = await Promise.all([
    ...names.map(name => owner.patch(`/v2/images/${id}`, [{ op: 'add', path: `/${name}`, value: name }])),
    ...names.map(name => owner.put(`/v2/images/${id}/tags/${name}`)),
  ])
  t.strictSame([...new Set(answers.map(answer => answer.status))].toSorted(), [200, 204])
  const image = await owner.show(id)
  for (const name of names) t.equal(image[name], name)
  t.strictSame((image.tags as string[]).toSorted(), names.toSorted())
  const removed = await Promise.all([
    ...names.slice(30).map(name => owner.patch(`/v2/images/${id}`, [{ op: 'remove', path: `/${name}` }])),
    ...names.slice(30).map(name => owner.delete(`/v2/images/${id}/tags/${name}`)),
  ])
  t.strictSame([...new Set(removed.map(answer => answer.status))].toSorted(), [200, 204])
  t.equal(((await owner.show(id)).tags as string[]).length, 30)
})

t.test('the limits hold for many at once', async t => {
  const { id } = await owner.create(Object.fromEntries(Array.from({ length: 120 }, (_, n) => [`p${n}`, 'x'])))
  const add = (n: number) => owner.patch(`/v2/images/${id}`, [{ op: 'add', path: `/q${n}`, value: 'x' }])
  const answers = await Promise.all(Array.from({ length: 20 }, (_, n) => add(n)))
  t.equal(answers.filter(answer => answer.status === 200).length, 8)
  t.equal(answers.filter(answer => answer.status === 413).length, 12)
})

t.test('of many creations with one id one wins', async t => {
  const id = '11111111-2222-4333-8444-555555555555'
  const answers = await Promise.all(
    Array.from({ length: 20 }, (_, n) => owner.post('/v2/images', { id, name: `n${n}`, p: `${n}` })),
  )
  t.equal(answers.filter(answer => answer.status === 201).length, 1)
  t.equal(answers.filter(answer => answer.status === 409).length, 19)
  const won = answers.find(answer => answer.status === 201)
  t.strictSame(await owner.show(id), won?.json)
})

t.test('a change meets a deletion: whichever comes first, nothing breaks', async t => {
  for (let round = 0; round < 10; round++) {
    const { id } = await owner.create()
    const answers = await Promise.all([
      owner.patch(`/v2/images/${id}`, [{ op: 'add', path: '/p', value: 'x' }]),
      owner.delete(`/v2/images/${id}`),
      owner.put(`/v2/images/${id}/tags/t`),
      owner.post(`/v2/images/${id}/members`, { member: 'beta' }),
    ])
    t.equal(answers[1]?.status, 204)
    for (const { status } of answers) t.ok([200, 204, 404].includes(status), String(status))
  }
})

t.test('more operations than anybody needs are refused before any is looked at', async t => {
  const { id } = await owner.create()
  const operations = Array.from({ length: 1001 }, () => ({ op: 'replace', path: '/name', value: 'x' }))
  t.equal((await owner.patch(`/v2/images/${id}`, operations)).status, 413)
  t.equal((await owner.patch(`/v2/images/${id}`, operations.slice(1))).status, 200)
})
