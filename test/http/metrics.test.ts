import { PassThrough } from 'node:stream'
import { setTimeout as sleep } from 'node:timers/promises'
import t from 'tap'
import { startApp, type TestApp } from '../helpers/app.js'

/** The value of one series; undefined when it is not there. */
async function value({ app }: TestApp, series: string): Promise<number | undefined> {
  const line = (await app.inject('/metrics')).body.split('\n').find(text => text.startsWith(`${series} `))
  return line === undefined ? undefined : Number(line.slice(series.length + 1))
}

async function until(what: string, holds: () => Promise<boolean>): Promise<void> {
  for (let n = 0; n < 200; n++) {
    if (await holds()) return
    await sleep(20)
  }
  throw new Error(`never happened: ${what}`)
}

const requests = (route: string, method: string, status: number | string) =>
  `vitrine_http_requests_total{route="${route}",method="${method}",status="${status}"}`

t.test(
  'GET /metrics counts requests by route, method and status, and shows no id, name or token',
  async t => {
    const started = await startApp(t)
    const { app } = started
    const alice = started.as({ user_id: 'hush-user' })
    const { id } = await alice.create({ name: 'hush-name' })
    t.equal((await alice.get(`/v2/images/${id}`)).status, 200)
    t.equal((await alice.get('/v2/images/hush-missing')).status, 404)
    t.equal((await alice.get('/v2/hush-path?hush-query')).status, 404)
    t.equal((await alice.post(`/v2/images/${id}`)).status, 405)
    t.equal((await app.inject('/hush-version')).statusCode, 300)
    const headers = { 'x-auth-token': 'hush-token', 'x-openstack-request-id': 'hush-request' }
    t.equal((await app.inject({ url: '/v2/images', headers })).statusCode, 401)

    t.equal(await value(started, requests('/v2/images', 'POST', 201)), 1)
    t.equal(await value(started, requests('/v2/images/:image_id', 'GET', 200)), 1)
    t.equal(await value(started, requests('/v2/images/:image_id', 'GET', 404)), 1)
    t.equal(await value(started, requests('/v2/images', 'GET', 401)), 1)
    t.equal(await value(started, requests('none', 'GET', 404)), 1)
    t.equal(await value(started, requests('none', 'POST', 405)), 1)
    const { body, headers: sent } = await app.inject('/metrics')
    t.match(sent['content-type'], 'text/plain; version=0.0.4')
    t.notMatch(body, /hush/)
    t.notMatch(body, id)
    for (const name of [
      'vitrine_http_request_duration_seconds_bucket',
      'vitrine_database_connections',
      'vitrine_database_waiting',
      'nodejs_eventloop_lag_p99_seconds',
      'process_resident_memory_bytes',
    ])
      t.match(body, `\n${name}`)
  },
)

t.test('GET /metrics counts the bytes of the stores and the transfers under way', async t => {
  const started = await startApp(t)
  const alice = started.as()
  const { id } = await alice.create()
  const bytes = Buffer.alloc(300_000, 1)
  const running = (direction: string) => value(started, `vitrine_transfers_running{direction="${direction}"}`)
  const moved = (direction: string) =>
    value(started, `vitrine_store_bytes_total{store="fast",direction="${direction}"}`)

  const half = new PassThrough()
  half.write(bytes)
  const cut = alice.upload(id, half)
  await until('the upload runs', async () => (await running('in')) === 1)
  half.destroy(new Error('the client goes away'))
  await t.rejects(cut)
  await until(
    'it is counted as cut',
    async () => (await value(started, requests('/v2/images/:image_id/file', 'PUT', 'cut'))) === 1,
  )
  t.equal(await running('in'), 0)

  const before = (await moved('in')) ?? 0
  const active = await alice.createActive(bytes)
  t.equal(await moved('in'), before + bytes.length)
  t.same((await alice.download(active.id)).bytes, bytes)
  await until(
    'the download is counted',
    async () => (await value(started, requests('/v2/images/:image_id/file', 'GET', 200))) === 1,
  )
  t.equal(await moved('out'), bytes.length)
  t.equal(await running('out'), 0)
  t.equal(await value(started, 'vitrine_store_errors_total{store="fast",operation="commit"}'), 0)
})

t.test('GET /metrics counts what a store fails at', async t => {
  const started = await startApp(t)
  const { storeHooks } = started.deps.metrics
  storeHooks.operation?.('local', 'read', 0.2, true)
  storeHooks.operation?.('local', 'read', 0.1, false)
  t.equal(await value(started, 'vitrine_store_errors_total{store="local",operation="read"}'), 1)
  t.equal(
    await value(started, 'vitrine_store_operation_duration_seconds_count{store="local",operation="read"}'),
    2,
  )
})
