import { randomBytes } from 'node:crypto'
import t from 'tap'
import { admin, alice, bob, startApp } from '../../helpers/app.js'
import { until } from '../../helpers/left.js'
import { begin, endedTransfer, makeLink } from '../../helpers/links.js'

t.setTimeout(120_000)
const MiB = 2 ** 20
const server = await startApp(t)
const { db } = server.deps
const owner = server.as(alice)
const friend = server.as(bob)
const root = server.as(admin)
/** Somebody without a token. */
const nobody = {
  async send(method: string, path: string, headers: Record<string, string> = {}) {
    const answer = await fetch(`${server.url}${path}`, { method, headers, redirect: 'manual' })
    return { status: answer.status, headers: answer.headers, bytes: Buffer.from(await answer.arrayBuffer()) }
  },
}

const SIZE = 1000
const bytes = randomBytes(SIZE)

t.test('a link gives the bytes to anybody, with the headers of a download', async t => {
  const { id, os_hash_value } = await owner.createActive(bytes, { name: 'größe', disk_format: 'raw' })
  const { path } = await makeLink(owner, id)
  const got = await nobody.send('GET', path)
  t.equal(got.status, 200)
  t.ok(got.bytes.equals(bytes))
  const expected = {
    'content-type': 'application/octet-stream',
    'content-length': String(SIZE),
    'accept-ranges': 'bytes',
    etag: `"${os_hash_value}"`,
    'content-disposition': `attachment; filename="gr__e.raw"; filename*=UTF-8''gr%C3%B6%C3%9Fe.raw`,
    'cache-control': 'private, no-cache',
    'x-content-type-options': 'nosniff',
  }
  for (const [name, value] of Object.entries(expected)) t.equal(got.headers.get(name), value, name)
  const head = await nobody.send('HEAD', path)
  t.equal(head.status, 200)
  t.equal(head.bytes.length, 0)
  for (const [name, value] of Object.entries(expected))
    t.equal(head.headers.get(name), value, `HEAD: ${name}`)
  const named = await makeLink(owner, id, { filename: '../a"b\r\n.img' })
  t.equal(
    (await nobody.send('HEAD', named.path)).headers.get('content-disposition'),
    'attachment; filename="_a_b__.img"',
  )
  t.equal((await nobody.send('GET', path.replace('/v2/', '/v2.9/'))).status, 200)
  const plain = await owner.download(id)
  for (const name of ['etag', 'accept-ranges', 'content-disposition', 'cache-control'])
    t.notOk(name in plain.headers, `an ordinary download has no ${name}`)
})

t.test('parts, and parts of the same bytes only', async t => {
  const { id, os_hash_value } = await owner.createActive(bytes)
  const { path } = await makeLink(owner, id)
  const etag = `"${os_hash_value}"`
  const cases: [headers: Record<string, string>, expected: [number, number] | number][] = [
    [{ range: 'bytes=10-19' }, [10, 19]],
    [{ range: 'bytes=990-' }, [990, 999]],
    [{ range: 'bytes=-7' }, [993, 999]],
    [{ range: 'bytes=1000-' }, 416],
    [{ range: 'bytes=0-1,3-4' }, 400],
    [{ range: 'bytes=10-19', 'if-range': etag }, [10, 19]],
    [{ range: 'bytes=10-19', 'if-range': '"other"' }, 200],
    [{ range: 'bytes=10-19', 'if-range': `W/${etag}` }, 200],
    [{ range: 'bytes=10-19', 'if-range': 'Wed, 21 Oct 2015 07:28:00 GMT' }, 200],
    [{ range: 'bytes=1000-', 'if-range': '"other"' }, 200],
    [{ 'content-range': 'bytes 0-9/*' }, 200],
    [{ 'if-none-match': etag }, 304],
    [{ 'if-none-match': `"a", W/${etag}` }, 304],
    [{ 'if-none-match': '*' }, 304],
    [{ 'if-none-match': '"a"' }, 200],
  ]
  for (const [headers, expected] of cases) {
    const got = await nobody.send('GET', path, headers)
    const what = JSON.stringify(headers)
    if (typeof expected === 'number') {
      t.equal(got.status, expected, what)
      if (expected === 200) t.ok(got.bytes.equals(bytes), what)
      if (expected === 416) t.equal(got.headers.get('content-range'), `bytes */${SIZE}`)
      continue
    }
    const [start, end] = expected
    t.equal(got.status, 206, what)
    t.equal(got.headers.get('content-range'), `bytes ${start}-${end}/${SIZE}`)
    t.equal(got.headers.get('etag'), etag)
    t.ok(got.bytes.equals(bytes.subarray(start, end + 1)), what)
  }
  t.equal((await nobody.send('HEAD', path, { 'if-none-match': etag })).status, 304)
  t.equal((await nobody.send('HEAD', path, { range: 'bytes=1-2' })).status, 200, 'a range is for GET')
})

t.test('the path is open for GET and HEAD of a secret, and for nothing else', async t => {
  const { id } = await owner.createActive(bytes)
  const { path, secret, id: linkId } = await makeLink(owner, id)
  for (const method of ['POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'])
    t.equal((await nobody.send(method, path)).status, 401, method)
  for (const other of [
    '/v2/links',
    '/v2/links/',
    `${path}/`,
    `${path}/file`,
    `/v2/images/${id}/links`,
    `/v2/images/${id}/links/${linkId}`,
    `/v2/images/${id}/file`,
    `/v2/images/${secret}/file`,
  ])
    t.equal((await nobody.send('GET', other)).status, other === '/v2/links/' ? 404 : 401, other)
  t.equal((await nobody.send('POST', `/v2/images/${id}/links`)).status, 401)
  const refused = await owner.put(path, {})
  t.equal(refused.status, 405)
  t.equal(refused.headers.allow, 'GET, HEAD')
  t.equal((await nobody.send('GET', `/v2/images/${id}`, { 'x-auth-token': secret })).status, 401)
})

t.test('web pages of configured origins may follow a link', async t => {
  const other = await startApp(t, { cors_origins: ['https://page.example'] })
  const { id } = await other.as(alice).createActive(bytes)
  const { url } = await makeLink(other.as(alice), id)
  for (const method of ['GET', 'HEAD']) {
    const { headers } = await fetch(url, { method, headers: { origin: 'https://page.example' } })
    t.equal(headers.get('access-control-allow-origin'), 'https://page.example')
    for (const name of ['Content-Disposition', 'ETag', 'Accept-Ranges', 'Content-Range'])
      t.match(headers.get('access-control-expose-headers'), name)
    t.match(headers.get('vary'), 'Origin')
  }
})

t.test('what is no link is 404, whatever it looks like', async t => {
  const { id } = await owner.createActive(bytes)
  const { secret, path, id: linkId } = await makeLink(owner, id)
  const answers = await Promise.all(
    [
      'x',
      randomBytes(32).toString('base64url'),
      secret.slice(1),
      `${secret}=`,
      secret.toUpperCase(),
      linkId,
      id,
      '%00',
      'a'.repeat(5000),
    ].map(text => nobody.send('GET', `/v2/links/${text}`)),
  )
  for (const { status } of answers) t.equal(status, 404)
  await owner.delete(`/v2/images/${id}/links/${linkId}`)
  const ended = await nobody.send('GET', path)
  t.equal(ended.status, 404)
  t.ok(ended.bytes.equals(answers[0]!.bytes), 'one that has ended is told in the same words')
})

/** What ends a link, and what makes it work again where something does. */
const ends: Record<
  string,
  { by: (image: string, link: string) => Promise<unknown>; back?: (image: string) => Promise<unknown> }
> = {
  revocation: { by: (image, link) => friend.delete(`/v2/images/${image}/links/${link}`) },
  expiry: {
    by: (_, link) =>
      db
        .updateTable('image_links')
        .set({ created_at: new Date(Date.now() - 1000), expires_at: new Date(Date.now() - 1) })
        .where('id', '=', link)
        .execute(),
  },
  deletion: { by: image => owner.delete(`/v2/images/${image}`) },
  deactivation: {
    by: image => owner.post(`/v2/images/${image}/actions/deactivate`),
    back: image => owner.post(`/v2/images/${image}/actions/reactivate`),
  },
  'the end of the sharing': {
    by: image => owner.delete(`/v2/images/${image}/members/beta`),
    back: image => owner.post(`/v2/images/${image}/members`, { member: 'beta' }),
  },
  'a change of visibility': {
    by: image =>
      owner.patch(`/v2/images/${image}`, [{ op: 'replace', path: '/visibility', value: 'private' }]),
    back: image =>
      owner.patch(`/v2/images/${image}`, [{ op: 'replace', path: '/visibility', value: 'shared' }]),
  },
  'the loss of a role': {
    by: (_, link) =>
      db
        .updateTable('image_links')
        .set({ roles: ['reader'] })
        .where('id', '=', link)
        .execute(),
  },
  'another way of signing in': {
    by: (_, link) => db.updateTable('image_links').set({ auth: 'basic' }).where('id', '=', link).execute(),
  },
}

/** A shared image and a link to it, made by who it is shared with. */
async function shared(content: Buffer) {
  const { id } = await owner.createActive(content, { visibility: 'shared' })
  await owner.post(`/v2/images/${id}/members`, { member: 'beta' })
  return { id, link: await makeLink(friend, id) }
}

for (const [what, { by, back }] of Object.entries(ends)) {
  t.test(`${what} ends a link at once`, async t => {
    const { id, link } = await shared(bytes)
    t.equal((await nobody.send('GET', link.path)).status, 200)
    await by(id, link.id)
    for (const method of ['GET', 'HEAD']) t.equal((await nobody.send(method, link.path)).status, 404, method)
    if (!back) return
    await back(id)
    t.equal(
      (await nobody.send('GET', link.path)).status,
      200,
      'and what the maker gets back, the link has again',
    )
  })
}

t.test('what is restored from the recycle bin has its links no more', async t => {
  const { id } = await owner.createActive(bytes)
  const link = await makeLink(owner, id)
  await owner.delete(`/v2/images/${id}`)
  t.equal((await nobody.send('GET', link.path)).status, 404)
  t.equal((await owner.post(`/v2/recycle-bin/${id}/restore`)).status, 200)
  t.equal((await owner.download(id)).status, 200)
  t.equal((await nobody.send('GET', link.path)).status, 404)
  t.strictSame((await owner.get(`/v2/images/${id}/links`)).json.links, [])
})

t.test('a link of who knows the version in production only ends when another one is', async t => {
  const { id } = await root.createActive(bytes, { owner: 'alpha', visibility: 'public' })
  const links = { owner: await makeLink(owner, id), friend: await makeLink(friend, id) }
  const next = await root.post(`/v2/images/${id}/versions`, { comment: 'newer' })
  t.equal(next.status, 201)
  await root.upload(next.json.image_id, bytes)
  t.equal((await nobody.send('GET', links.friend.path)).status, 200)
  t.equal((await root.put(`/v2/images/${id}/versions/production`, { version: 2 })).status, 200)
  t.equal((await nobody.send('GET', links.friend.path)).status, 404)
  t.equal((await nobody.send('GET', links.owner.path)).status, 200, 'the owning project knows all versions')
})

t.test('a link by way of a group or a domain ends with the share', async t => {
  const { id } = await owner.createActive(bytes, { visibility: 'shared' })
  const member = server.as({ user_id: 'greta', project_id: 'gamma', groups: ['builders'] })
  const far = server.as({ user_id: 'dora', project_id: 'far', project_domain_id: 'east' })
  const share = async (kind: string, target: string) =>
    (await root.post(`/v2/images/${id}/shares`, { kind, target })).json.id
  const shares = [await share('group', 'builders'), await share('domain', 'east')]
  const links = [await makeLink(member, id), await makeLink(far, id)]
  for (const [n, { path }] of links.entries()) {
    t.equal((await nobody.send('GET', path)).status, 200)
    t.equal((await root.delete(`/v2/images/${id}/shares/${shares[n]}`)).status, 204)
    t.equal((await nobody.send('GET', path)).status, 404)
  }
})

t.test("an admin's link, too, is to active images only", async t => {
  const { id } = await owner.createActive(bytes)
  const { path } = await makeLink(root, id)
  t.equal((await nobody.send('GET', path)).status, 200)
  await owner.post(`/v2/images/${id}/actions/deactivate`)
  t.equal((await nobody.send('GET', path)).status, 404)
})

t.test('a transfer under way ends soon after its link, and others go on', { jobs: 8 }, async t => {
  const large = randomBytes(32 * MiB)
  for (const [what, { by }] of Object.entries(ends)) {
    t.test(what, async t => {
      const { id, link } = await shared(large)
      const [first, second] = await Promise.all([begin(link.url), begin(link.url)])
      t.equal(first.statusCode, 200)
      await by(id, link.id)
      const began = Date.now()
      for (const answer of [first, second]) {
        const { complete, bytes } = await endedTransfer(server, link, answer)
        t.notOk(complete)
        t.ok(bytes < large.length)
      }
      t.comment(`after ${Date.now() - began} ms`)
    })
  }
  t.test('a transfer by another link of the same image goes on', async t => {
    const { id, link } = await shared(large)
    const other = await makeLink(friend, id)
    const reading = begin(other.url).then(async answer => {
      const chunks: Buffer[] = []
      for await (const chunk of answer) chunks.push(chunk as Buffer)
      return Buffer.concat(chunks)
    })
    await friend.delete(`/v2/images/${id}/links/${link.id}`)
    t.ok((await reading).equals(large), 'the other link still works')
  })
})

t.test('the secret is in no line of the log, no counter, no answer', async t => {
  const { id } = await owner.createActive(bytes)
  server.logs.length = 0
  const { path, secret } = await makeLink(owner, id)
  const paths = [
    path,
    `/${path}`,
    `${path}/`,
    `${path}/more`,
    `${path}%zz`,
    `${path}?token=${secret}`,
    path.replace('links', 'Links'),
    path.replace('/v2/', '/v3/'),
    path.replace('/v2', ''),
    `/v2/images/${secret}`,
    path.slice(0, -1),
  ]
  for (const one of paths)
    for (const method of ['GET', 'HEAD', 'POST', 'DELETE']) {
      const { bytes: body } = await nobody.send(method, one, { accept: 'application/json' })
      if (!body.equals(bytes)) t.notMatch(body.toString(), secret.slice(0, -1), `${method} ${one}`)
    }
  const cut = await begin(`${server.url}${path}`)
  cut.destroy()
  await until(() => server.logs.filter(line => line.msg === 'answered').length > paths.length, 'the log')
  const text = JSON.stringify(server.logs)
  t.notMatch(text, secret.slice(0, -1))
  t.match(text, '/v2/links/***')
  const { body } = await server.app.inject('/metrics')
  t.notMatch(body, secret.slice(0, -1))
  t.match(body, 'route="/v2/links/:secret"')
})
