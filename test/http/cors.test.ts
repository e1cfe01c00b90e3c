import { Readable } from 'node:stream'
import t, { type Test } from 'tap'
import { alice, startApp, type TestApp } from '../helpers/app.js'
import { exchange } from '../helpers/client.js'

const horizon = 'https://horizon.example'
const evil = 'https://evil.example'

/** Words of a header, lower case. */
const words = (value: unknown) =>
  String(value ?? '')
    .toLowerCase()
    .split(', ')

const preflight = (origin: string, method = 'PUT') => ({
  origin,
  'access-control-request-method': method,
  'access-control-request-headers': 'content-type,x-auth-token',
})

t.test('a page of Horizon creates an image and sends its bytes from the browser', async t => {
  const server = await startApp(t, { cors_origins: [horizon, 'https://other.example:8443'] })
  const { port } = server
  const member = server.as(alice)

  // what a browser asks before it sends; it has no token yet
  const asked = await exchange({
    port,
    method: 'OPTIONS',
    path: '/v2/images/x/file',
    headers: preflight(horizon),
  })
  t.equal(asked.status, 200)
  t.equal(asked.text, '')
  t.match(asked.headers, {
    'access-control-allow-origin': horizon,
    'access-control-max-age': '3600',
    vary: 'Origin',
  })
  for (const method of ['get', 'put', 'post', 'patch', 'delete'])
    t.ok(words(asked.headers['access-control-allow-methods']).includes(method), method)
  for (const name of ['content-type', 'x-auth-token', 'x-image-meta-store', 'range'])
    t.ok(words(asked.headers['access-control-allow-headers']).includes(name), name)

  const made = await member.send(
    'POST',
    '/v2/images',
    { origin: horizon, 'content-type': 'application/json' },
    JSON.stringify({ disk_format: 'raw', container_format: 'bare' }),
  )
  t.equal(made.status, 201)
  t.equal(made.headers['access-control-allow-origin'], horizon)
  for (const name of [
    'location',
    'openstack-image-import-methods',
    'openstack-image-store-ids',
    'x-openstack-request-id',
  ]) {
    t.ok(made.headers[name], `${name} is sent`)
    t.ok(words(made.headers['access-control-expose-headers']).includes(name), `${name} may be read`)
  }
  const put = await member.upload(made.json.id, 'some bytes', { origin: horizon })
  t.equal(put.status, 204)
  t.equal(put.headers['access-control-allow-origin'], horizon)

  const got = await member.download(made.json.id, { origin: horizon })
  t.equal(got.text, 'some bytes')
  t.match(got.headers, {
    'access-control-allow-origin': horizon,
    vary: 'Origin',
    'content-md5': String,
    'x-openstack-request-id': /^req-/,
    'content-type': 'application/octet-stream',
  })
  t.ok(words(got.headers['access-control-expose-headers']).includes('content-md5'))
})

t.test('refusals can be read by the page, too', async t => {
  const server = await startApp(t, { cors_origins: [horizon] })
  const member = server.as(alice)
  const { id } = await member.create()
  const from = { origin: horizon }
  const answers = {
    401: await exchange({ port: server.port, method: 'GET', path: '/v2/images', headers: from }),
    403: await member.inject({
      method: 'POST',
      url: '/v2/images',
      headers: { ...from, 'content-type': 'application/json' },
      payload: '{"visibility":"public"}',
    }),
    404: await member.get('/v2/images/none', from),
    405: await member.delete('/v2/images', from),
    409: await member.send(
      'PUT',
      `/v2/images/${(await member.createActive()).id}/file`,
      { ...from, 'content-type': 'application/octet-stream' },
      Readable.from([Buffer.alloc(1000)]),
    ),
    415: await member.upload(id, 'x', { ...from, 'content-type': 'image/png' }),
  }
  for (const [status, answer] of Object.entries(answers)) {
    t.equal(answer.status, Number(status))
    t.equal(answer.headers['access-control-allow-origin'], horizon, status)
    t.ok(answer.headers['access-control-expose-headers'], status)
  }
})

const corsHeaders = (headers: object) =>
  Object.keys(headers).filter(name => name.startsWith('access-control'))

async function nothingFor(t: Test, server: TestApp, origin: string) {
  const { port } = server
  const refused = await exchange({ port, method: 'OPTIONS', path: '/v2/images', headers: preflight(origin) })
  t.equal(refused.status, 401, 'a preflight is a request like any other')
  t.same(corsHeaders(refused.headers), [])
  const asked = await server
    .as(alice)
    .inject({ method: 'OPTIONS', url: '/v2/images', headers: preflight(origin) })
  t.equal(asked.status, 405)
  t.same(corsHeaders(asked.headers), [])
  const listed = await server.as(alice).get('/v2/images', { origin })
  t.equal(listed.status, 200)
  t.same(corsHeaders(listed.headers), [])
  return listed
}

t.test('other origins get nothing, and caches are told', async t => {
  const server = await startApp(t, { cors_origins: [horizon] })
  for (const origin of [evil, 'https://horizon.example.evil.example', 'http://horizon.example', 'null', '*'])
    t.match((await nothingFor(t, server, origin)).headers.vary, 'Origin')
})

t.test('without configured origins nobody is told anything', async t => {
  const { headers } = await nothingFor(t, await startApp(t), horizon)
  t.notMatch(String(headers.vary), /origin/i)
})

t.test('with * any page may call, none with what its browser keeps', async t => {
  const server = await startApp(t, { cors_origins: ['*', horizon] })
  const member = server.as(alice)
  t.match((await member.get('/v2/images', { origin: evil })).headers, {
    'access-control-allow-origin': '*',
    'access-control-allow-credentials': undefined,
  })
  t.match((await member.get('/v2/images', { origin: horizon })).headers, {
    'access-control-allow-origin': horizon,
    'access-control-allow-credentials': 'true',
  })
})

t.test('OPTIONS that is no preflight is answered as ever', async t => {
  const server = await startApp(t, { cors_origins: [horizon] })
  const asked = await server
    .as(alice)
    .inject({ method: 'OPTIONS', url: '/v2/images', headers: { origin: horizon } })
  t.equal(asked.status, 405)
  t.equal(asked.headers['access-control-allow-origin'], horizon)
})
