import { connect } from 'node:net'
import t from 'tap'
import { admin, alice, startApp } from '../helpers/app.js'
import { tidying } from '../helpers/left.js'

const server = await startApp(t)
const owner = server.as(alice)
const root = server.as(admin)
const test = tidying(t, server)
const { id } = await owner.createActive(undefined, { p: 'x', tags: ['t'] })
await owner.post(`/v2/images/${id}/members`, { member: 'beta' })
const token = String(owner.headers['x-auth-token'])

/** Sends bytes as they are and gives what comes back until the connection ends or is silent. */
function raw(bytes: string | Buffer, wait = 400): Promise<string> {
  return new Promise(resolve => {
    const socket = connect(server.port, '127.0.0.1', () => socket.write(bytes))
    let text = ''
    let timer = setTimeout(done, 5000)
    function done() {
      clearTimeout(timer)
      socket.destroy()
      resolve(text)
    }
    socket.setEncoding('latin1').on('data', chunk => {
      text += chunk
      clearTimeout(timer)
      timer = setTimeout(done, wait)
    })
    socket.on('error', () => {}).on('close', done)
  })
}
const status = (answer: string) => Number(/^HTTP\/1\.1 (\d+)/.exec(answer)?.[1] ?? 0)

test('errors are JSON for who asks for JSON, text for all others', async t => {
  const as = async (accept: string | undefined) => {
    const answer = await owner.send('GET', '/v2/images/nothing', accept === undefined ? {} : { accept })
    return [answer.headers['content-type'], answer] as const
  }
  for (const accept of [
    'application/json',
    'application/json, text/plain;q=0.5',
    'Application/JSON',
    'application/json;q=0.5',
  ]) {
    const [type, { json }] = await as(accept)
    t.equal(type, 'application/json', accept)
    t.match(json, { code: '404 Not Found', title: 'Not Found', message: /nothing/ })
  }
  for (const accept of [
    undefined,
    '',
    '*/*',
    'text/html',
    'text/plain',
    'application/xml',
    'text/html, application/json;q=0.5',
    'application/json;q=0',
    ';;,,=',
    'x'.repeat(5000),
  ]) {
    const [type, { text }] = await as(accept)
    t.equal(type, 'text/plain; charset=UTF-8', String(accept))
    t.match(text, /^404 Not Found\n\nNo image found/)
  }
  const markup = await owner.send('GET', '/v2/images/%3Cscript%3E', { accept: 'text/html' })
  t.match(markup.headers['content-type'], /^text\/plain/, 'nothing that a browser would run')
})

test('what is no HTTP', async t => {
  for (const bytes of [
    'nonsense\r\n\r\n',
    'GET\r\n\r\n',
    'GET /v2/images HTTP/9.9\r\n\r\n',
    'FROBNICATE /v2/images HTTP/1.1\r\nhost: x\r\n\r\n',
    'GET /v2/images HTTP/1.1\r\nbad header\r\n\r\n',
    'GET /v2/images HTTP/1.1\r\nhost: x\r\nx: a\0b\r\n\r\n',
    Buffer.from([22, 3, 1, 0, 200, 1, 0, 0]),
    'GET / HTTP/1.1\r\n\r\n',
  ]) {
    const answer = await raw(bytes)
    t.equal(status(answer), 400, JSON.stringify(answer.slice(0, 100)))
    t.match(answer, /connection: close/i)
  }
})

test('headers that are too large, too many, repeated', async t => {
  const get = (...headers: string[]) =>
    raw(
      [
        `GET /v2/images/${id} HTTP/1.1`,
        'host: x',
        `x-auth-token: ${token}`,
        'connection: close',
        ...headers,
        '\r\n',
      ].join('\r\n'),
    )
  t.equal(status(await get(`x-long: ${'y'.repeat(20_000)}`)), 431)
  t.equal(status(await get(...Array.from({ length: 3000 }, (_, n) => `x-${n}: ${n}`))), 431)
  t.equal(status(await get(`x-openstack-request-id: ${'r'.repeat(65)}`)), 431)
  t.equal(status(await get('accept: application/json', 'accept: text/html', 'range: a', 'range: b')), 200)
  t.match(await get('x-openstack-request-id: abc'), /x-openstack-request-id: req-abc/)
  t.match(await get('x-openstack-request-id: req-abc'), /x-openstack-request-id: req-abc\r/)
  t.equal(status(await get('x-openstack-request-id: a', 'x-openstack-request-id: b')), 200)
  t.equal(status(await get('x-openstack-request-id: \xff\xfe')), 200)
  t.equal(status(await get('content-type: \xff', 'accept: \xff')), 200)
  t.equal(status(await raw(`GET /v2/images?p=${'x'.repeat(30_000)} HTTP/1.1\r\nhost: x\r\n\r\n`)), 431)
  t.equal(
    status(await raw(`GET http://x/v2/images/${id} HTTP/1.1\r\nhost: x\r\nx-auth-token: ${token}\r\n\r\n`)),
    200,
    'a URL with its host, as proxies send it',
  )
  t.ok(status(await raw(`OPTIONS * HTTP/1.1\r\nhost: x\r\nx-auth-token: ${token}\r\n\r\n`)) < 500)
  t.equal(status(await raw(`GET /v2/images/${id} HTTP/1.0\r\nx-auth-token: ${token}\r\n\r\n`)), 200)
  const made = await raw(`POST /v2/images HTTP/1.0\r\nx-auth-token: ${token}\r\ncontent-length: 2\r\n\r\n{}`)
  t.equal(status(made), 201)
  t.match(made, /location: http:\/\/[^/]+\/v2\/images\//i)
})

test('paths', async t => {
  const cases: [path: string, status: number][] = [
    ['/v2/images/%', 400],
    ['/v2/images/%zz', 400],
    ['/v2/images/%ff', 400],
    ['/v2/images/%c0%80', 400],
    ['/v2/images/%ed%a0%80', 400],
    ['/v2/images/%00', 404],
    [`/v2/images/${'x'.repeat(9000)}`, 400],
    [`/v2/images/${'x'.repeat(37)}`, 404],
    ['/v2/images/%2e%2e', 404],
    ['/v2/images/..%2f..%2fetc%2fpasswd', 404],
    ["/v2/images/'--", 404],
    ['/v2/images/', 404],
    ['/v2/images//file', 404],
    ['//v2//images', 200],
    ['//v2/images?p=//', 200],
    ['/v2/', 404],
    ['/v2', 302],
    ['/v2/nothing', 404],
    ['/v2/schemas/nothing', 404],
    ['/v2/versions', 404],
    ['/v1/images', 300],
    ['/v3', 300],
    ['/v2.19/images', 300],
    ['/v2.7/images', 200],
    ['/nothing', 300],
    ['/%ff', 300],
    ['/', 300],
    ['//', 300],
    ['/versions', 200],
  ]
  for (const [path, expected] of cases) {
    const answer = await owner.send('GET', path)
    t.equal(answer.status, expected, `${path}: ${answer.text.slice(0, 100)}`)
  }
})

test('verbs', async t => {
  const verbs = [
    'GET',
    'POST',
    'PUT',
    'PATCH',
    'DELETE',
    'HEAD',
    'OPTIONS',
    'PROPFIND',
    'TRACE',
    'LOCK',
    'MKCOL',
    'SEARCH',
  ]
  const allowed: [path: string, allow: string][] = [
    ['/v2/images', 'GET, POST'],
    ['/v2/images/x', 'GET, PATCH, DELETE'],
    ['/v2/images/x/file', 'GET, PUT'],
    ['/v2/images/x/members', 'GET, POST'],
    ['/v2/images/x/members/y', 'GET, PUT, DELETE'],
    ['/v2/images/x/tags/y', 'PUT, DELETE'],
    ['/v2/images/x/actions/deactivate', 'POST'],
    ['/v2/schemas/image', 'GET'],
    ['/v2/info/import', 'GET'],
    ['/v2/info/stores', 'GET'],
  ]
  for (const [path, allow] of allowed)
    for (const verb of verbs) {
      if (allow.split(', ').includes(verb) || (verb === 'POST' && path.endsWith('/file'))) continue
      const answer = await owner.send(verb, path)
      t.equal(answer.status, 405, `${verb} ${path}`)
      t.equal(answer.headers.allow, allow, `${verb} ${path}`)
    }
  for (const verb of verbs.slice(7)) t.equal((await owner.send(verb, '/v2/nothing')).status, 501, verb)
  for (const verb of verbs.slice(1, 6)) t.equal((await owner.send(verb, '/v2/nothing')).status, 404, verb)
  for (const verb of verbs) t.equal((await owner.send(verb, '/')).status, 300, verb)
})

test('nobody', async t => {
  for (const path of ['/v2/images', `/v2/images/${id}`, '/v2/nothing', `/v2/images/${id}/file`])
    for (const verb of ['GET', 'PUT', 'TRACE']) {
      const answer = await owner.send(verb, path, {
        'x-auth-token': 'x',
        'x-roles': 'admin',
        'x-project-id': 'alpha',
        'x-identity-status': 'Confirmed',
      })
      t.equal(answer.status, 401, `${verb} ${path}`)
      t.equal(answer.headers['www-authenticate'], 'Test')
    }
})

test('bodies where none belongs', async t => {
  const none: [verb: string, path: string][] = [
    ['GET', `/v2/images/${id}`],
    ['DELETE', `/v2/images/${id}`],
    ['GET', `/v2/images/${id}/file`],
    ['GET', `/v2/images/${id}/members`],
    ['GET', `/v2/images/${id}/members/beta`],
    ['DELETE', `/v2/images/${id}/members/beta`],
    ['PUT', `/v2/images/${id}/tags/x`],
    ['DELETE', `/v2/images/${id}/tags/t`],
    ['POST', `/v2/images/${id}/actions/deactivate`],
    ['GET', '/v2/schemas/image'],
    ['GET', '/v2/info/import'],
  ]
  for (const [verb, path] of none) {
    t.equal((await owner.send(verb, path, {}, '{}')).status, 400, `${verb} ${path}`)
    if (verb === 'PUT' || verb === 'POST') {
      const head = `${verb} ${path} HTTP/1.1\r\nhost: x\r\nx-auth-token: ${token}\r\n`
      t.equal(
        status(await raw(`${head}transfer-encoding: chunked\r\n\r\n0\r\n\r\n`)),
        400,
        'chunked, and empty',
      )
    }
  }
  t.equal((await owner.send('GET', '/v2/images', {}, '{}')).status, 200, 'the list does not look')
})

test('bodies that are no JSON, or much of it', async t => {
  const patch = 'application/openstack-images-v2.1-json-patch'
  const routes: [verb: string, path: string, type: string][] = [
    ['POST', '/v2/images', 'application/json'],
    ['PATCH', `/v2/images/${id}`, patch],
    ['POST', `/v2/images/${id}/members`, 'application/json'],
    ['PUT', `/v2/images/${id}/members/beta`, 'application/json'],
  ]
  const deep = (open: string, close: string, n = 200_000) => open.repeat(n) + close.repeat(n)
  const bodies: [what: string, body: string | Buffer][] = [
    ['nothing', ''],
    ['space', ' \n'],
    ['half', '{"name": "x'],
    ['text', 'name=x'],
    ['XML', '<image/>'],
    ['bytes', Buffer.from([0xff, 0xfe, 0x00, 0x80])],
    ['UTF-16', Buffer.from('{"name": "x"}', 'utf16le')],
    ['overlong UTF-8', Buffer.from([0x22, 0xc0, 0x80, 0x22])],
    ['NUL', '{"name": "\0"}'],
    ['deep lists', deep('[', ']')],
    ['deep objects', `${'{"a":'.repeat(100_000)}1${'}'.repeat(100_000)}`],
    ['deep and unclosed', '['.repeat(500_000)],
    ['a number without end', '9'.repeat(1_000_000)],
    ['null', 'null'],
    ['true', 'true'],
  ]
  for (const [verb, path, type] of routes)
    for (const [what, body] of bodies) {
      const answer = await root.send(verb, path, { 'content-type': type }, body)
      t.equal(answer.status, 400, `${verb} ${path} ${what}: ${answer.text.slice(0, 100)}`)
      t.ok(answer.text.length < 1000, 'one sentence')
    }
  t.equal(
    (await owner.send('POST', '/v2/images', {}, JSON.stringify({ name: 'n'.repeat(10 * 2 ** 20) }))).status,
    400,
  )
  t.equal(
    (await owner.send('POST', '/v2/images', {}, JSON.stringify({ ['n'.repeat(10 * 2 ** 20)]: 'x' }))).status,
    400,
  )
  t.equal(
    (await owner.send('POST', '/v2/images', {}, JSON.stringify({ p: 'n'.repeat(20 * 2 ** 20) }))).status,
    413,
  )
  const long = await owner.send('POST', '/v2/images', {}, JSON.stringify({ p: 'n'.repeat(10 * 2 ** 20) }))
  t.equal(long.status, 413, 'the properties of an image have a bound together')
  const flood = JSON.stringify(
    Array.from({ length: 20_000 }, (_, n) => ({ op: 'add', path: `/p${n}`, value: 'x' })),
  )
  t.equal((await owner.send('PATCH', `/v2/images/${id}`, { 'content-type': patch }, flood)).status, 413)
  const same = JSON.stringify(Array.from({ length: 1000 }, () => ({ op: 'add', path: '/p', value: 'x' })))
  t.equal((await owner.send('PATCH', `/v2/images/${id}`, { 'content-type': patch }, same)).status, 200)
})

test('a body that does not come is not waited for long', async t => {
  const head = `POST /v2/images HTTP/1.1\r\nhost: x\r\nx-auth-token: ${token}\r\ncontent-length: 10\r\n\r\n`
  const socket = connect(server.port, '127.0.0.1', () => socket.write(`${head}{`))
  const gone = new Promise(resolve => socket.on('close', resolve))
  socket.on('error', () => {}).resume()
  socket.destroy()
  await gone
  t.equal((await owner.get(`/v2/images/${id}`)).status, 200)
})

/** A small generator of the same numbers for the same seed, so that a failure can be repeated. */
function numbers(seed: number) {
  let state = seed
  return (below: number) => {
    state = (state * 1_103_515_245 + 12_345) % 2 ** 31
    return Math.floor((state / 2 ** 31) * below)
  }
}

test('anything, thrown at every route: never a 5xx', async t => {
  const pick = numbers(20_260_101)
  const one = <T>(values: readonly T[]) => values[pick(values.length)] as T
  const { id: target } = await owner.createActive()
  const segments = [
    'images',
    'schemas',
    'info',
    'members',
    'tags',
    'file',
    'actions',
    'image',
    'import',
    'stores',
    'deactivate',
    target,
    id,
    'beta',
    'nothing',
    '%00',
    '%ff',
    '%2F',
    '..',
    "'",
    '%F0%9F%98%80',
    'x'.repeat(300),
    '%25',
    '__proto__',
    '-1',
    'null',
    '{}',
  ]
  const shapes = [
    () => '/v2/images',
    () => `/v2/images/${one(segments)}`,
    () =>
      `/v2/images/${one([id, target, 'nothing'])}/${one(['file', 'members', 'tags', 'actions', 'tasks', 'stage', 'import', 'locations'])}`,
    () =>
      `/v2/images/${one([id, target, one(segments)])}/${one(['members', 'tags', 'actions'])}/${one(segments)}`,
    () => `/v2/${one(['schemas', 'info', 'tasks', 'cache', 'stores', 'metadefs'])}/${one(segments)}`,
    () => `/${Array.from({ length: pick(5) }, () => one(segments)).join('/')}`,
  ]
  const names = [
    'limit',
    'marker',
    'sort',
    'sort_key',
    'sort_dir',
    'name',
    'id',
    'status',
    'size_min',
    'size_max',
    'size',
    'min_ram',
    'min_disk',
    'virtual_size',
    'created_at',
    'updated_at',
    'tag',
    'visibility',
    'member_status',
    'os_hidden',
    'protected',
    'owner',
    'checksum',
    'disk_format',
    'changes-since',
    'deleted',
    'is_public',
    '_min',
    'x_max',
    '__proto__',
    'toString',
    '%00',
    '%F0%9F%98%80',
    '',
  ]
  const values = [
    '',
    '0',
    '1',
    '-1',
    '99999999999999999999999',
    '1e9',
    'NaN',
    'true',
    'True',
    'x',
    '%00',
    '%ff',
    '%F0%9F%98%80',
    "'",
    '%22',
    'in:',
    'in:a,b',
    'in:%22',
    'gt:',
    'gt:2020-01-01T00:00:00Z',
    'lt:9999-12-31T23:59:59.999999999Z',
    '0001-01-01',
    '2020-02-30',
    'eq:toString',
    '__proto__:x',
    'toString:x',
    'name:asc',
    'name:asc,size:desc',
    ',',
    ':',
    id,
    target,
    'all',
    'shared',
    '%',
    '%zz',
    '+',
    'a'.repeat(500),
  ]
  const jsons = [
    '{}',
    '[]',
    'null',
    '{"name":"fuzz"}',
    '{"member":"gamma"}',
    '{"status":"accepted"}',
    '{"status":{}}',
    '{"__proto__":{"a":"b"}}',
    '{"__proto__":"x","constructor":"y"}',
    '{"tags":[[]]}',
    '{"tags":{"length":1}}',
    '{"min_ram":1e308}',
    '{"id":"00000000-0000-0000-0000-000000000000"}',
    '[{"op":"add","path":"/x","value":"y"}]',
    '[{"op":"add","path":"/__proto__/x","value":"y"}]',
    '[{"op":"replace","path":"/tags","value":["\\ud800"]}]',
    '[{"op":"remove","path":"/"}]',
    '[{"op":"add","path":"/locations/0","value":{"url":"x","metadata":{}}}]',
    '[{"op":"replace","path":"/locations","value":[{"url":"","metadata":{}}]}]',
    '[{"add":"/x","value":{}}]',
    '[{"op":{},"path":[]}]',
    '\0',
    '{',
    '"',
    '\ufeff{}',
    '{"a":"\\u0000"}',
    '{"method":{"name":"web-download","uri":5}}',
    '{"url":"file:///etc/passwd"}',
  ]
  const types = [
    'application/json',
    'application/octet-stream',
    'application/openstack-images-v2.1-json-patch',
    'application/openstack-images-v2.0-json-patch',
    'text/plain',
    'multipart/form-data',
    'multipart/form-data; boundary=',
    ';',
    '/',
    'application/json;charset=x',
    '',
  ]
  const headers = [
    'range',
    'content-range',
    'accept',
    'x-image-meta-store',
    'x-openstack-image-size',
    'x-image-cache-clear-target',
    'if-range',
    'content-md5',
    'content-encoding',
    'x-forwarded-for',
    'x-forwarded-host',
    'host',
    'origin',
    'te',
    'x-service-token',
  ]
  const seen = new Map<number, number>()
  for (let n = 0; n < 2000; n++) {
    const query = Array.from({ length: pick(4) }, () => `${one(names)}=${one(values)}`).join('&')
    const path = one(shapes)() + (query && `?${query}`)
    const verb = one(['GET', 'GET', 'GET', 'POST', 'PUT', 'PATCH', 'DELETE', 'HEAD'])
    if (verb === 'DELETE' && (path.endsWith(id) || path.endsWith(target))) continue
    const sent: Record<string, string> = { 'content-type': one(types) }
    for (let m = pick(3); m > 0; m--)
      sent[one(headers)] = one([...values, 'bytes=0-', 'bytes=-5', 'bytes 0-1/*', '*/*', 'application/json'])
    const body = pick(verb === 'GET' ? 5 : 2) > 0 ? undefined : one(jsons)
    const answer = await one([owner, root]).send(verb, path, sent, body)
    seen.set(answer.status, (seen.get(answer.status) ?? 0) + 1)
    if (answer.status >= 500 && answer.status !== 501)
      t.fail(`${answer.status}: ${verb} ${path} ${JSON.stringify(sent)} ${body}`)
  }
  for (const status of [200, 201, 204, 300, 400, 403, 404, 405, 409, 415])
    t.ok(seen.has(status), `${status} among them: ${seen.get(status)}`)
  t.notOk('a' in {})
})
