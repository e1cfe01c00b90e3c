import { gunzipSync } from 'node:zlib'
import t from 'tap'
import { takesGzip } from '../../src/http/compress.js'
import { alice, startApp } from '../helpers/app.js'

const server = await startApp(t)
const member = server.as(alice)
const gzip = { 'accept-encoding': 'gzip, deflate' }
const large = await member.create({
  name: 'large',
  ...Object.fromEntries([...'abcdefgh'].map(x => [x, x.repeat(200)])),
})
const small = await member.createActive(Buffer.alloc(5000, 'x'), { name: 'small' })

t.test('who takes gzip', t => {
  for (const [header, expected] of [
    [undefined, false],
    ['', false],
    ['gzip', true],
    ['GZIP', true],
    ['x-gzip', true],
    ['deflate, gzip;q=0.5', true],
    ['gzip;q=0', false],
    ['gzip; q=0.000, *', false],
    ['*', true],
    ['*;q=0', false],
    ['identity, br;q=1', false],
    ['gzip;q=nonsense', false],
    ['notgzip', false],
  ] as const)
    t.equal(takesGzip(header), expected, String(header))
  t.end()
})

t.test('JSON comes in gzip to those who ask for it', async t => {
  const path = `/v2/images/${large.id}`
  const plain = await member.send('GET', path)
  t.equal(plain.headers['content-encoding'], undefined)
  t.equal(plain.headers.vary, 'Accept-Encoding', 'caches are told by the plain one, too')
  const packed = await member.send('GET', path, gzip)
  t.match(packed.headers, {
    'content-encoding': 'gzip',
    'content-type': 'application/json',
    'content-length': String(packed.bytes.length),
    vary: 'Accept-Encoding',
    'x-openstack-request-id': /^req-/,
  })
  t.ok(packed.bytes.length < plain.bytes.length / 2)
  t.same(JSON.parse(gunzipSync(packed.bytes).toString()), plain.json)
  t.equal(
    (await member.send('GET', path, { 'accept-encoding': 'gzip;q=0, *' })).headers['content-encoding'],
    undefined,
  )
})

t.test('a long list is compressed on another thread, and is the same', async t => {
  for (let n = 0; n < 30; n++) await member.create({ name: `image ${n}`, text: 'some words '.repeat(150) })
  const plain = await member.send('GET', '/v2/images?limit=1000')
  t.ok(plain.bytes.length > 40_000)
  const packed = await member.send('GET', '/v2/images?limit=1000', gzip)
  t.equal(packed.headers['content-encoding'], 'gzip')
  t.same(JSON.parse(gunzipSync(packed.bytes).toString()), plain.json)
})

t.test('so do short answers and refusals in JSON', async t => {
  for (const [path, status, more] of [
    ['/v2/images?name=none', 200, {}],
    ['/v2/images/none', 404, { accept: 'application/json' }],
  ] as const) {
    const plain = await member.send('GET', path, more)
    const packed = await member.send('GET', path, { ...gzip, ...more })
    t.equal(packed.status, status)
    t.match(packed.headers, {
      'content-encoding': 'gzip',
      'content-length': String(packed.bytes.length),
      vary: 'Accept-Encoding',
    })
    t.same(JSON.parse(gunzipSync(packed.bytes).toString()), plain.json)
  }
})

t.test('refusals in text, bytes of images and answers without a body stay as they are', async t => {
  const answers = {
    'no body': await member.send('DELETE', `/v2/images/${(await member.create()).id}`, gzip),
    'a refusal': await member.send('GET', '/v2/images/none', gzip),
    'bytes of an image': await member.download(small.id, gzip),
    'a window of them': await member.download(small.id, { ...gzip, range: 'bytes=0-2047' }),
    metrics: await member.send('GET', '/metrics', gzip),
  }
  for (const [what, { headers }] of Object.entries(answers))
    t.match(headers, { 'content-encoding': undefined }, what)
  t.match(answers['bytes of an image'].headers, { 'content-length': '5000', vary: undefined })
  t.equal(answers['bytes of an image'].text, 'x'.repeat(5000))
})

t.test('HEAD tells what GET would send', async t => {
  const got = await member.send('GET', '/versions', gzip)
  t.equal(got.headers['content-encoding'], 'gzip')
  const head = await member.send('HEAD', '/versions', gzip)
  t.equal(head.status, got.status)
  t.equal(head.bytes.length, 0)
  for (const name of ['content-length', 'content-encoding', 'content-type', 'vary'])
    t.equal(head.headers[name], got.headers[name], name)
})
