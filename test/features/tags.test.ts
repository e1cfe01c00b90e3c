import t from 'tap'
import { admin, alice, bob, rita, startApp } from '../helpers/app.js'

const server = await startApp(t)
const owner = server.as(alice)

t.test('a tag is put, put again, and deleted', async t => {
  const { id } = await owner.create()
  const at = `/v2/images/${id}/tags`
  const tags = async () => (await owner.show(id)).tags
  const odd: [sent: string, tag: string][] = [
    ['plain', 'plain'],
    ['a%20b', 'a b'],
    ['%20', ' '],
    ['a@b', 'a@b'],
    ['a%40b', 'a@b'],
    ['100%25', '100%'],
    ['%3F%23%26%3D%2B', '?#&=+'],
    ['a+b', 'a+b'],
    ['%C3%BC', 'ü'],
    ['%E6%97%A5', '日'],
    ['__proto__', '__proto__'],
    ['..', '..'],
    ['%2E', '.'],
    ['a%0Ab', 'a\nb'],
    ["'%22%5C", `'"\\`],
    ['t'.repeat(255), 't'.repeat(255)],
  ]
  for (const [sent, tag] of odd) {
    const put = await owner.send('PUT', `${at}/${sent}`, { 'content-type': 'application/octet-stream' })
    t.equal(put.status, 204, sent)
    t.equal(put.text, '')
    t.equal((await owner.send('PUT', `${at}/${sent}`)).status, 204, 'again')
    t.strictSame(await tags(), [tag])
    t.equal((await owner.send('DELETE', `${at}/${sent}`)).status, 204, sent)
    t.equal((await owner.send('DELETE', `${at}/${sent}`)).status, 404, 'gone')
    t.strictSame(await tags(), [])
  }
  await owner.send('PUT', `${at}/Upper`)
  t.equal((await owner.send('DELETE', `${at}/upper`)).status, 404, 'case counts')
})

t.test('a path with bytes that HTTP wants escaped is refused', async t => {
  const { id } = await owner.create()
  const raw = Buffer.from('ü日').toString('latin1')
  t.equal((await owner.send('PUT', `/v2/images/${id}/tags/${raw}`)).status, 400)
  t.equal((await owner.send('GET', `/v2/images?name=${raw}`)).status, 400)
})

t.test('refused', async t => {
  const { id } = await owner.create()
  const at = `/v2/images/${id}/tags`
  const cases: [path: string, status: number][] = [
    ['t'.repeat(256), 400],
    ['t'.repeat(9000), 400],
    ['%F0%9F%98%80', 400],
    ['a%00b', 400],
    ['%ff', 400],
    ['%zz', 400],
    ['%E6%97', 400],
    ['a%2Fb', 404],
    ['a/b', 404],
    ['', 404],
  ]
  for (const [tag, status] of cases)
    t.equal((await owner.send('PUT', `${at}/${tag}`)).status, status, tag.slice(0, 20))
  t.equal((await owner.send('DELETE', `${at}/a%00b`)).status, 404)
  t.equal((await owner.send('DELETE', `${at}/${'t'.repeat(9000)}`)).status, 400)
  t.equal((await owner.put(`${at}/x`, { a: 1 })).status, 400, 'a body')
  t.equal((await owner.get(`${at}/x`)).status, 405)
  t.equal((await owner.get(`${at}/x`)).headers.allow, 'PUT, DELETE')
  t.equal((await owner.get(at)).status, 404)
  t.equal((await server.as(rita).put(`${at}/x`)).status, 403)
  t.equal((await server.as(bob).put(`${at}/x`)).status, 404)
  t.equal((await owner.put('/v2/images/nothing/tags/x')).status, 404)
  t.equal((await server.as(admin).put(`${at}/x`)).status, 204)
})

t.test('128 tags, not one more, for many at once', async t => {
  const { id } = await owner.create({ tags: Array.from({ length: 120 }, (_, n) => `t${n}`) })
  const answers = await Promise.all(
    Array.from({ length: 20 }, (_, n) => owner.put(`/v2/images/${id}/tags/n${n}`)),
  )
  t.equal(answers.filter(answer => answer.status === 204).length, 8)
  t.equal(answers.filter(answer => answer.status === 413).length, 12)
  t.equal((await owner.put(`/v2/images/${id}/tags/t0`)).status, 204, 'one that is there may be put')
})

t.test('a tag moves updated_at', async t => {
  const { id } = await owner.create()
  const read = async () =>
    (
      await server.deps.db
        .selectFrom('images')
        .select('updated_at')
        .where('id', '=', id)
        .executeTakeFirstOrThrow()
    ).updated_at
  const before = await read()
  await owner.put(`/v2/images/${id}/tags/a`)
  const after = await read()
  t.ok(after > before)
  await owner.delete(`/v2/images/${id}/tags/a`)
  t.ok((await read()) > after)
})
