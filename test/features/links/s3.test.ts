/** Links to images in an object store: through this server, and past it where the store is a public one. */
import { randomBytes } from 'node:crypto'
import t from 'tap'
import { admin, alice, startApp } from '../../helpers/app.js'
import { begin, endedTransfer, makeLink } from '../../helpers/links.js'
import { missingS3, openS3 } from '../../helpers/minio.js'
import { newBucket } from '../../helpers/s3-stores.js'

t.setTimeout(120_000)
const MiB = 2 ** 20
const skip = missingS3() ?? false

t.test('links and S3', { skip }, async t => {
  const s3 = await openS3()
  t.teardown(() => s3.stop())
  const endpoint = `http://${s3.host}:${s3.port}`
  const server = await startApp(
    t,
    {},
    {
      moreStores: [
        `closed=${s3.url(newBucket())}`,
        `open=${s3.url(newBucket(), `public=${encodeURIComponent(endpoint)}`)}`,
      ],
    },
  )
  await server.deps.stores.check()
  const owner = server.as(alice)
  const root = server.as(admin)
  const bytes = randomBytes(1000)

  async function imageIn(store: string, content: Buffer = bytes) {
    const { id } = await owner.create({ name: 'größe' })
    const put = await owner.upload(id, content, { 'x-image-meta-store': store })
    if (put.status !== 204) throw new Error(`${put.status} ${put.text}`)
    return owner.show(id)
  }
  const get = (url: string, headers: Record<string, string> = {}, method = 'GET') =>
    fetch(url, { method, headers, redirect: 'manual' })
  const read = async (answer: Response) => Buffer.from(await answer.arrayBuffer())
  const disposition = `attachment; filename="gr__e.raw"; filename*=UTF-8''gr%C3%B6%C3%9Fe.raw`

  await t.test('a store that is not public is read by this server', async t => {
    const { id, os_hash_value } = await imageIn('closed')
    const { url } = await makeLink(owner, id)
    const all = await get(url)
    t.equal(all.status, 200)
    t.ok((await read(all)).equals(bytes))
    const part = await get(url, { range: 'bytes=900-', 'if-range': `"${os_hash_value}"` })
    t.equal(part.status, 206)
    t.ok((await read(part)).equals(bytes.subarray(900)))
    t.equal((await get(url, { range: 'bytes=1000-' })).status, 416)
    t.equal((await root.post(`/v2/images/${id}/links`, { direct: true })).status, 409)
  })

  await t.test('a transfer out of it ends with its link', async t => {
    const large = randomBytes(32 * MiB)
    const { id } = await imageIn('closed', large)
    const link = await makeLink(owner, id)
    const answer = await begin(link.url)
    await owner.delete(`/v2/images/${id}/links/${link.id}`)
    const { complete, bytes: count } = await endedTransfer(server, link, answer)
    t.notOk(complete)
    t.ok(count < large.length)
  })

  await t.test('a public store sends the bytes itself, for a minute and after the same check', async t => {
    const { id, os_hash_value } = await imageIn('open')
    const link = await makeLink(owner, id)
    server.logs.length = 0
    const answer = await get(link.url, { range: 'bytes=10-19' })
    t.equal(answer.status, 302)
    t.notOk(answer.headers.get('etag'), 'the ETag will be the store’s')
    const location = new URL(answer.headers.get('location') ?? '')
    t.equal(location.origin, endpoint)
    t.equal(location.searchParams.get('X-Amz-Expires'), '60')
    t.notMatch(location.href, link.secret)
    const part = await get(location.href, { range: 'bytes=10-19' })
    t.equal(part.status, 206)
    t.ok((await read(part)).equals(bytes.subarray(10, 20)))
    t.equal(part.headers.get('content-disposition'), disposition)
    t.equal(part.headers.get('content-type'), 'application/octet-stream')
    const stored = part.headers.get('etag') ?? ''
    const again = await fetch(link.url, { headers: { range: 'bytes=990-', 'if-range': stored } })
    t.equal(again.status, 206, 'who goes on by the store’s ETag')
    t.ok((await read(again)).equals(bytes.subarray(990)))

    const head = await get(link.url, {}, 'HEAD')
    t.equal(head.status, 200)
    t.equal(head.headers.get('content-length'), '1000')
    t.equal(head.headers.get('content-disposition'), disposition)
    const ours = head.headers.get('etag') ?? ''
    t.equal(ours, `"${os_hash_value}"`)
    const known = await get(link.url, { range: 'bytes=990-', 'if-range': ours })
    t.notMatch(
      JSON.stringify(server.logs),
      '"level":50',
      'nor are the bytes read here for who was sent there',
    )
    t.equal(known.status, 206, 'who goes on by ours is served here')
    t.ok((await read(known)).equals(bytes.subarray(990)))
    t.equal((await owner.download(id)).status, 200, 'an ordinary download is not redirected')

    await owner.post(`/v2/images/${id}/actions/deactivate`)
    t.equal((await get(link.url)).status, 404)
    await owner.post(`/v2/images/${id}/actions/reactivate`)
    t.equal((await get(link.url)).status, 302)
    await owner.delete(`/v2/images/${id}/links/${link.id}`)
    t.equal((await get(link.url)).status, 404)
  })

  await t.test('an admin gets a presigned URL itself', async t => {
    const { id } = await imageIn('open')
    t.equal((await owner.post(`/v2/images/${id}/links`, { direct: true })).status, 403)
    server.logs.length = 0
    const made = await root.post(`/v2/images/${id}/links`, { direct: true, filename: 'a b.img' })
    t.equal(made.status, 201)
    t.equal(made.json.id, null)
    const url = new URL(made.json.url)
    t.equal(url.origin, endpoint)
    t.equal(url.searchParams.get('X-Amz-Expires'), '86400')
    const left = (Date.parse(made.json.expires_at) - Date.now()) / 1000
    t.ok(left > 86_300 && left <= 86_400)
    const answer = await get(url.href)
    t.equal(answer.headers.get('content-disposition'), 'attachment; filename="a b.img"')
    t.ok((await read(answer)).equals(bytes))
    t.notMatch(JSON.stringify(server.logs), url.searchParams.get('X-Amz-Signature') ?? 'none')
    t.strictSame((await root.get(`/v2/images/${id}/links`)).json.links, [], 'there is nothing to revoke')
    const short = await root.post(`/v2/images/${id}/links`, { direct: true, expires_in: 5 })
    t.equal(new URL(short.json.url).searchParams.get('X-Amz-Expires'), '5')
  })
})
