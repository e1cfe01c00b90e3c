import type { IncomingHttpHeaders } from 'node:http'
import t from 'tap'
import { openProxies } from '../../src/http/forwarded.js'
import { alice, startApp } from '../helpers/app.js'
import { exchange } from '../helpers/client.js'

const proxies = openProxies(['10.0.0.0/8', '2001:db8::/32', '127.0.0.1'])

/** The four headers after a proxy at 10.0.0.1, or elsewhere, has sent these. */
function normalised(headers: IncomingHttpHeaders, remoteAddress = '10.0.0.1') {
  const copy = { ...headers }
  proxies.normalise({ headers: copy, socket: { remoteAddress } as never })
  const name = (of: string) => copy[`x-forwarded-${of}`]
  return [name('for'), name('proto'), name('host'), name('prefix')]
}

t.test('X-Forwarded-* of a trusted proxy', t => {
  for (const [headers, expected] of [
    [{}, [undefined, undefined, undefined, undefined]],
    [
      {
        'x-forwarded-for': '192.0.2.7',
        'x-forwarded-proto': 'https',
        'x-forwarded-host': 'image.example:8443',
        'x-forwarded-prefix': '/image',
      },
      ['192.0.2.7', 'https', 'image.example:8443', '/image'],
    ],
    // of several the nearest proxy's word; addresses lose their ports
    [
      {
        'x-forwarded-for': '6.6.6.6, 192.0.2.7:4711,[2001:db8::2]:80 , 2001:db8::3',
        'x-forwarded-proto': 'http, HTTPS',
        'x-forwarded-host': 'evil.example, image.example',
        'x-forwarded-prefix': '/evil, /image/',
      },
      ['6.6.6.6, 192.0.2.7, 2001:db8::2, 2001:db8::3', 'https', 'image.example', '/image'],
    ],
    // what is not sound does not get into links
    [
      {
        'x-forwarded-for': 'somebody',
        'x-forwarded-proto': 'javascript',
        'x-forwarded-host': 'a b.example/"x',
        'x-forwarded-prefix': '//evil.example',
      },
      ['unknown', undefined, undefined, undefined],
    ],
    [{ 'x-forwarded-prefix': 'image' }, [undefined, undefined, undefined, undefined]],
    [{ 'x-forwarded-prefix': '/' }, [undefined, undefined, undefined, undefined]],
    [{ 'x-forwarded-host': '[2001:db8::1]:9292' }, [undefined, undefined, '[2001:db8::1]:9292', undefined]],
  ] as const)
    t.same(normalised(headers), expected, JSON.stringify(headers))
  t.end()
})

t.test('Forwarded goes before the older headers; the outermost trusted proxy counts', t => {
  for (const [forwarded, expected] of [
    ['for=192.0.2.7;proto=https;host=image.example', ['192.0.2.7', 'https', 'image.example']],
    [
      'For="[2001:DB8::7]:4711"; Proto=HTTPS ;Host="image.example:8443";by=_x',
      ['2001:DB8::7', 'https', 'image.example:8443'],
    ],
    // the client's own claim, then what trusted proxies at 10.1.1.1 and here saw
    [
      'for=6.6.6.6;host=evil.example, for=192.0.2.7;host=image.example;proto=https, for=10.1.1.1;host=inner;proto=http',
      ['6.6.6.6, 192.0.2.7, 10.1.1.1', 'https', 'image.example'],
    ],
    // the outermost says no scheme: the next one's
    [
      'for=192.0.2.7;host=image.example,for=10.1.1.1;proto=https;host=inner',
      ['192.0.2.7, 10.1.1.1', 'https', 'image.example'],
    ],
    ['for=unknown;proto=https, for=_hidden', ['unknown, unknown', undefined, undefined]],
    ['for=192.0.2.7;host="a,b;c=\\"d"', ['192.0.2.7', undefined, undefined]],
    ['for="192.0.2.7', ['unknown, unknown', undefined, undefined]],
    ['nonsense', ['unknown', undefined, undefined]],
    [',;=', ['unknown', undefined, undefined]],
  ] as const) {
    const [addresses, proto, host, prefix] = normalised({
      forwarded,
      'x-forwarded-for': '6.6.6.6',
      'x-forwarded-proto': 'http',
      'x-forwarded-host': 'older.example',
      'x-forwarded-prefix': '/image',
    })
    t.same([addresses, proto, host], expected, forwarded)
    t.equal(prefix, '/image', 'the prefix counts beside it')
  }
  t.end()
})

t.test('who is trusted', t => {
  for (const address of ['10.0.0.1', '::ffff:10.0.0.1', '2001:db8::5', '127.0.0.1'])
    t.ok(proxies.trusts(address), address)
  for (const address of ['11.0.0.1', '::ffff:11.0.0.1', '2001:db9::5', '127.0.0.2', 'unknown', '', undefined])
    t.notOk(proxies.trusts(address), String(address))
  t.end()
})

const headers = {
  'x-forwarded-proto': 'https',
  'x-forwarded-host': 'image.example',
  'x-forwarded-for': '192.0.2.7',
  'x-forwarded-prefix': '/image',
}

t.test('behind a trusted proxy links are the client’s, and the log names it', async t => {
  const server = await startApp(t, { trusted_proxies: ['127.0.0.1/32'] })
  const versions = await exchange({ port: server.port, method: 'GET', path: '/versions', headers })
  t.equal(versions.json.versions[0].links[0].href, 'https://image.example/image/v2/')
  const member = server.as(alice)
  const made = await member.post(
    '/v2/images',
    {},
    { forwarded: 'for=192.0.2.9;proto=https;host=image.example' },
  )
  t.equal(made.headers.location, `https://image.example/v2/images/${made.json.id}`)
  t.equal(made.json.self, `/v2/images/${made.json.id}`, 'paths stay as they are')
  const clients = server.logs.filter(line => line.msg === 'answered').map(line => line.client)
  t.same(clients, ['192.0.2.7', '192.0.2.9'])
})

t.test('the setting for links goes before what proxies tell', async t => {
  const server = await startApp(t, {
    trusted_proxies: ['127.0.0.1/32'],
    public_url: 'https://cloud.example/registry/',
  })
  const versions = await exchange({ port: server.port, method: 'GET', path: '/versions', headers })
  t.equal(versions.json.versions[0].links[0].href, 'https://cloud.example/registry/v2/')
})

t.test('others are not believed', async t => {
  for (const trusted_proxies of [[], ['192.0.2.0/24']]) {
    const server = await startApp(t, { trusted_proxies })
    const versions = await exchange({
      port: server.port,
      method: 'GET',
      path: '/versions',
      headers: { ...headers, forwarded: 'for=192.0.2.9;proto=https;host=image.example' },
    })
    t.equal(versions.json.versions[0].links[0].href, `http://127.0.0.1:${server.port}/v2/`)
    t.match(
      server.logs.find(line => line.msg === 'answered'),
      { client: '127.0.0.1' },
    )
  }
})
