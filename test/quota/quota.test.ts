import { randomBytes } from 'node:crypto'
import { PassThrough } from 'node:stream'
import t, { type Test } from 'tap'
import { features } from '../../src/app.js'
import type { Config } from '../../src/config/schema.js'
import { startTasks } from '../../src/tasks.js'
import { alice, bob, startApp } from '../helpers/app.js'
import { until } from '../helpers/server-process.js'

const MiB = 2 ** 20
const octets = { 'content-type': 'application/octet-stream' }

async function app(t: Test, overrides: Partial<Config>) {
  const running = await startApp(t, overrides)
  const worker = await startTasks(running.deps, features)
  t.teardown(() => worker.close())
  return running
}

t.test('a project may have so many images, whoever else has more', async t => {
  const running = await app(t, { limit_image_count_total: 2 })
  const me = running.as(alice)
  const made = await Promise.all(Array.from({ length: 6 }, () => me.post('/v2/images', {})))
  t.strictSame(made.map(one => one.status).sort(), [201, 201, 413, 413, 413, 413], 'also for many at once')
  t.equal((await running.as(bob).post('/v2/images', {})).status, 201)
  t.strictSame((await me.get('/v2/info/usage')).json, {
    usage: { image_count_total: { usage: 2, limit: 2 } },
  })
  const id = made.find(one => one.status === 201)?.json.id
  await me.delete(`/v2/images/${id}`)
  t.equal((await me.post('/v2/images', {})).status, 201, 'a deleted image makes room')
})

t.test('uploads of known size cannot pass the limit together', async t => {
  const running = await app(t, { limit_image_size_total: 10 })
  const me = running.as(alice)
  const images = await Promise.all(Array.from({ length: 8 }, () => me.create()))
  const bytes = randomBytes(4 * MiB)
  const sent = await Promise.all(images.map(({ id }) => me.upload(id, bytes)))
  t.strictSame(
    sent.map(one => one.status).sort(),
    [204, 204, 413, 413, 413, 413, 413, 413],
    'two of 4 MiB fit into 10',
  )
  t.match(
    sent.find(one => one.status === 413)?.text,
    /image_size_total is over limit of 10 due to current usage \d+ and delta 4/,
  )
  t.strictSame((await me.get('/v2/info/usage')).json.usage.image_size_total, { usage: 8, limit: 10 })
  const left = await Promise.all(images.map(({ id }) => me.show(id)))
  t.equal(left.filter(image => image.status === 'queued').length, 6, 'those refused can be tried again')
})

t.test('one upload of unknown size may overshoot, the next is refused', async t => {
  const running = await app(t, { limit_image_size_total: 5 })
  const me = running.as(alice)
  const unknown = async () => {
    const { id } = await me.create()
    const body = new PassThrough()
    body.end(randomBytes(3 * MiB))
    return (await me.upload(id, body)).status
  }
  t.strictSame([await unknown(), await unknown(), await unknown()], [204, 204, 413])
  const { id } = await me.create()
  const asked = await me.post(`/v2/images/${id}/import`, {
    method: { name: 'web-download', uri: 'http://example.org/' },
  })
  t.equal(asked.status, 413)
})

t.test('of uploads of unknown size at once only one overshoots', async t => {
  const running = await app(t, { limit_image_size_total: 5, limit_image_stage_total: 5 })
  const me = running.as(alice)
  for (const what of ['file', 'stage']) {
    const begun = await Promise.all(
      Array.from({ length: 4 }, async () => {
        const { id } = await me.create()
        const body = new PassThrough()
        body.write(randomBytes(MiB))
        const answer = me.send('PUT', `/v2/images/${id}/${what}`, octets, body)
        await until(async () => (await me.show(id)).status !== 'queued')
        return { id, body, answer }
      }),
    )
    for (const { body } of begun) body.end(randomBytes(3 * MiB))
    const statuses = await Promise.all(begun.map(async ({ answer }) => (await answer).status))
    t.strictSame(statuses.sort(), [204, 204, 413, 413], what)
    for (const { id } of begun) t.equal((await me.send('DELETE', `/v2/images/${id}`)).status, 204)
  }
})

t.test('uploads under way and staged bytes have limits of their own', async t => {
  const running = await app(t, { limit_image_count_uploading: 1, limit_image_stage_total: 5 })
  const me = running.as(alice)
  const first = await me.create()
  const slow = new PassThrough()
  slow.write(randomBytes(1000))
  const sending = me.upload(first.id, slow)
  while ((await me.show(first.id)).status !== 'saving') await new Promise(resolve => setTimeout(resolve, 10))
  const second = await me.create()
  t.equal((await me.upload(second.id, randomBytes(1000))).status, 413)
  slow.end()
  t.equal((await sending).status, 204)
  t.equal((await me.upload(second.id, randomBytes(1000))).status, 204)
  const third = await me.create()
  const octets = { 'content-type': 'application/octet-stream' }
  t.equal((await me.send('PUT', `/v2/images/${third.id}/stage`, octets, randomBytes(6 * MiB))).status, 413)
  t.equal((await me.send('PUT', `/v2/images/${third.id}/stage`, octets, randomBytes(4 * MiB))).status, 204)
})

t.test('without limits there is nothing to tell', async t => {
  const running = await app(t, {})
  t.strictSame((await running.as(alice).get('/v2/info/usage')).json, { usage: {} })
  t.equal((await running.as(alice).post('/v2/info/usage')).status, 404)
})
