import t from 'tap'
import { admin, alice, rita, startApp } from '../helpers/app.js'

const server = await startApp(t)
const owner = server.as(alice)
const root = server.as(admin)

t.test('a body with nothing in it makes a queued, shared image of the caller', async t => {
  const made = await owner.post('/v2/images', {})
  t.equal(made.status, 201)
  const { id, created_at, updated_at, ...rest } = made.json
  t.match(id, /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/)
  t.match(created_at, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/)
  t.equal(updated_at, created_at)
  t.strictSame(rest, {
    name: null,
    disk_format: null,
    container_format: null,
    visibility: 'shared',
    size: null,
    virtual_size: null,
    status: 'queued',
    checksum: null,
    protected: false,
    min_ram: 0,
    min_disk: 0,
    owner: 'alpha',
    os_hidden: false,
    os_hash_algo: null,
    os_hash_value: null,
    tags: [],
    self: `/v2/images/${id}`,
    file: `/v2/images/${id}/file`,
    schema: '/v2/schemas/image',
  })
  t.equal(made.headers.location, `http://localhost:80/v2/images/${id}`)
  t.equal(made.headers['openstack-image-import-methods'], server.deps.config.import_methods.join(','))
  t.equal(made.headers['openstack-image-store-ids'], 'fast,cheap')
  t.match(made.headers['x-openstack-request-id'], /^req-/)
  t.equal(made.headers['content-type'], 'application/json')
})

t.test('everything that can be set comes back as it was sent', async t => {
  const sent = {
    id: '3F2504E0-4F89-11D3-9A0C-0305E82C3301',
    name: 'Ünïcode „name“ \u3000 \t end ',
    visibility: 'private',
    protected: true,
    os_hidden: true,
    owner: 'alpha',
    disk_format: 'qcow2',
    container_format: 'ovf',
    min_disk: 2147483647,
    min_ram: 1,
    tags: ['b', 'a', 'b', ' ', 'A'],
    'a.dotted.name': 'x',
    'with/slash': '~1 and ~0',
    'with space ': ' value ',
    empty: '',
    '': 'the empty name',
    constructor: 'c',
    __proto__x: 'p',
    hasOwnProperty: 'h',
    toString: 't',
    valueOf: 'v',
    length: '0',
    members: 'm',
    properties: 'text',
    metadata: 'text',
    member: 'text',
    image_id: 'text',
    extra_properties: 'text',
    get_data: 'text',
    日本語: 'ключ',
    '\u0001\u007f\uFFFD\uFFFE': '\u0001\u007f\uFFFE\uFEFF',
  }
  const body = `${JSON.stringify(sent).slice(0, -1)},"__proto__":"polluted?"}`
  const made = await owner.post('/v2/images', body)
  t.equal(made.status, 201, made.text)
  const shown = await owner.get(`/v2/images/${sent.id}`)
  t.equal(shown.text, made.text)
  const listed = await owner.get(`/v2/images?os_hidden=true&id=${sent.id}`)
  for (const image of [made.json, shown.json, listed.json.images[0]]) {
    t.strictSame(image.tags.toSorted(), [' ', 'A', 'a', 'b'])
    for (const [name, value] of Object.entries(sent)) {
      if (name !== 'tags') t.equal(image[name], value, JSON.stringify(name))
    }
    t.ok(Object.hasOwn(image, '__proto__'))
    t.equal(Object.getOwnPropertyDescriptor(image, '__proto__')?.value, 'polluted?')
  }
  t.notOk('polluted' in {})
  await owner.patch(`/v2/images/${sent.id}`, [{ op: 'replace', path: '/protected', value: false }])
})

t.test('a long value is kept byte for byte', async t => {
  const long = 'Ж"\\\n'.repeat(18_000)
  const { id } = await owner.create({ long })
  t.equal((await owner.show(id)).long, long)
  const found = await owner.get(`/v2/images?long=${encodeURIComponent(long.slice(0, 100))}`)
  t.strictSame(found.json.images, [], 'the beginning of a value is not the value')
})

t.test('numbers', async t => {
  const made = await owner.post('/v2/images', '{"min_ram": 3.0, "min_disk": 1e2}')
  t.equal(made.status, 201)
  t.match(made.text, /"min_ram":3,"min_disk":100/)
  for (const bad of ['-1', '2147483648', '1.5', '"1"', 'null', 'true', '1e400', '[]'])
    t.equal((await owner.post('/v2/images', `{"min_ram": ${bad}}`)).status, 400, bad)
})

t.test('the last of two equal keys counts', async t => {
  t.equal((await owner.post('/v2/images', '{"name": "a", "name": "b"}')).json.name, 'b')
})

t.test('refused with 400', async t => {
  const cases: [string, unknown][] = [
    ['an id that is no UUID', { id: 'me' }],
    ['an id with braces', { id: '{3f2504e0-4f89-11d3-9a0c-0305e82c3302}' }],
    ['an id that is no text', { id: 7 }],
    ['a null id', { id: null }],
    ['a long name', { name: 'n'.repeat(256) }],
    ['a name that is no text', { name: 1 }],
    ['an unknown visibility', { visibility: 'secret' }],
    ['a null visibility', { visibility: null }],
    ['protected as text', { protected: 'true' }],
    ['protected as null', { protected: null }],
    ['os_hidden as text', { os_hidden: 'false' }],
    ['an unknown disk format', { disk_format: 'floppy' }],
    ['an empty disk format', { disk_format: '' }],
    ['an unknown container format', { container_format: 'bag' }],
    ['tags as text', { tags: 'a' }],
    ['a tag that is no text', { tags: [1] }],
    ['a long tag', { tags: ['t'.repeat(256)] }],
    ['a tag beyond U+FFFF', { tags: ['😀'] }],
    ['a tag with U+0000', { tags: ['a\0'] }],
    ['a property that is a number', { p: 1 }],
    ['a property that is a boolean', { p: true }],
    ['a property that is null', { p: null }],
    ['a property that is an object', { p: {} }],
    ['a property with a long name', { ['p'.repeat(256)]: 'x' }],
    ['a property with U+0000 in its value', { p: 'a\0b' }],
    ['a property with U+0000 in its name', { 'p\0': 'x' }],
    ['a property with an emoji in its value', { p: '😀' }],
    ['a property with an emoji in its name', { '😀': 'x' }],
    ['a name with an emoji', { name: '😀' }],
    ['an owner with an emoji', { owner: '😀' }],
    ['a long owner', { owner: 'o'.repeat(256) }],
    ['a lone surrogate', '{"name": "\\ud800"}'],
    ['a lone surrogate in a key', '{"\\udc00": "x"}'],
    ['a list', []],
    ['null', null],
    ['text', '"text"'],
    ['a number', 5],
    ['no JSON', '{'],
    ['nothing', ''],
    ['a NaN', '{"min_ram": NaN}'],
    ['a byte order mark', '\ufeff{}'],
  ]
  const before = (await root.get('/v2/images?limit=1000')).json.images.length
  for (const [what, body] of cases) {
    const answer = await root.post('/v2/images', body)
    t.equal(answer.status, 400, `${what}: ${answer.text}`)
  }
  const latin = await root.inject({
    method: 'POST',
    url: '/v2/images',
    payload: Buffer.from('{"name": "\xe9"}', 'latin1'),
  })
  t.equal(latin.status, 400, 'bytes that are not UTF-8')
  t.equal((await root.get('/v2/images?limit=1000')).json.images.length, before, 'nothing is left of them')
})

t.test('refused with 403: what no client sets', async t => {
  const names = [
    'status',
    'size',
    'virtual_size',
    'checksum',
    'os_hash_algo',
    'os_hash_value',
    'created_at',
    'updated_at',
    'direct_url',
    'self',
    'file',
    'schema',
    'stores',
    'location',
    'deleted',
    'deleted_at',
    'os_glance',
    'os_glance_import_task',
    'os_glanced',
  ]
  const values: Record<string, unknown> = { status: 'active', size: 1, virtual_size: 1 }
  for (const name of names) {
    const answer = await root.post('/v2/images', { [name]: values[name] ?? 'x' })
    t.equal(answer.status, 403, `${name}: ${answer.text}`)
  }
  t.equal((await root.post('/v2/images', { locations: [] })).status, 403)
})

t.test('128 tags and properties, and not one more', async t => {
  const many = (count: number) => Array.from({ length: count }, (_, n) => `n${n}`)
  const properties = (count: number) => Object.fromEntries(many(count).map(name => [name, 'x']))
  t.equal((await owner.post('/v2/images', { tags: many(128), ...properties(128) })).status, 201)
  t.equal((await owner.post('/v2/images', { tags: many(129) })).status, 413)
  t.equal((await owner.post('/v2/images', properties(129))).status, 413)
  const twice = { tags: [...many(128), ...many(128)] }
  t.equal((await owner.post('/v2/images', twice)).status, 413, 'tags count as they were sent')
})

t.test('whose images, and who sees them', async t => {
  t.equal((await owner.post('/v2/images', { owner: 'beta' })).status, 403)
  t.equal((await owner.post('/v2/images', { owner: null })).status, 403)
  t.equal((await owner.post('/v2/images', { visibility: 'public' })).status, 403)
  t.equal((await owner.post('/v2/images', { visibility: 'community' })).status, 201)
  t.equal((await server.as(rita).post('/v2/images', {})).status, 403, 'a reader creates nothing')
  t.equal((await server.as({ roles: [] }).post('/v2/images', {})).status, 403)
  t.equal((await root.post('/v2/images', { owner: 'beta', visibility: 'public' })).json.owner, 'beta')
  t.equal((await root.post('/v2/images', { owner: null })).json.owner, null)
  t.equal((await root.post('/v2/images', {})).json.owner, 'cloud')
})

t.test('an id is used once, in the case in which it was sent', async t => {
  const id = 'aaaaaaaa-BBBB-4ccc-8ddd-EEEEEEEEEEEE'
  t.equal((await owner.post('/v2/images', { id })).json.id, id)
  t.equal((await owner.post('/v2/images', { id })).status, 409)
  t.equal((await owner.get(`/v2/images/${id.toLowerCase()}`)).status, 404)
  t.equal((await owner.delete(`/v2/images/${id}`)).status, 204)
  t.equal((await owner.post('/v2/images', { id })).status, 409, 'not after its deletion either')
  t.equal((await root.get(`/v2/images/${id}`)).status, 404)
  t.equal((await owner.post('/v2/images', { id: id.toLowerCase() })).status, 201, 'another case, another id')
})

t.test('the content type of JSON does not matter', async t => {
  for (const type of [
    'application/octet-stream',
    'text/plain',
    'nonsense',
    ';;',
    'application/json; charset=x',
  ])
    t.equal((await owner.post('/v2/images', '{}', { 'content-type': type })).status, 201, type)
})
