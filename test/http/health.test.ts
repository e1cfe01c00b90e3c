import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t from 'tap'
import type { Deps } from '../../src/deps.js'
import type { ReadOnlyStore } from '../../src/stores/store.js'
import { startApp } from '../helpers/app.js'

t.test('GET /healthcheck answers as Glance does, without a token', async t => {
  const { app } = await startApp(t)
  const ask = (method: 'GET' | 'HEAD' | 'POST' | 'DELETE', accept?: string) =>
    app.inject({ method, url: '/healthcheck', headers: accept === undefined ? {} : { accept } })

  for (const accept of [undefined, '*/*', 'text/plain', 'text/*', 'image/png']) {
    const reply = await ask('GET', accept)
    t.equal(reply.statusCode, 200)
    t.equal(reply.headers['content-type'], 'text/plain; charset=UTF-8')
    t.equal(reply.body, 'OK')
  }
  const json = await ask('GET', 'application/json')
  t.equal(json.headers['content-type'], 'application/json')
  t.same(json.json(), { detailed: false, reasons: ['OK'] })
  for (const accept of ['text/html', 'application/json;q=0.5,text/html']) {
    const html = await ask('GET', accept)
    t.equal(html.headers['content-type'], 'text/html; charset=UTF-8')
    t.match(html.body, 'OK')
  }
  const head = await ask('HEAD')
  t.equal(head.statusCode, 204)
  t.equal(head.body, '')
  for (const method of ['POST', 'DELETE'] as const) t.equal((await ask(method)).body, 'OK')
  const withBody = await app.inject({ method: 'POST', url: '/healthcheck', payload: 'x=1' })
  t.equal(withBody.statusCode, 200)
  t.equal((await app.inject('/v2/images')).statusCode, 401, 'everything else still asks who is there')
})

t.test('GET /healthcheck is 503 while the file is there that takes the server out of service', async t => {
  const folder = mkdtempSync(join(tmpdir(), 'vitrine-health-'))
  t.teardown(() => rmSync(folder, { recursive: true, force: true }))
  const file = join(folder, 'disabled')
  const { app } = await startApp(t, { healthcheck_disable_file: file })
  const ask = (accept = 'text/plain', method: 'GET' | 'HEAD' = 'GET') =>
    app.inject({ method, url: '/healthcheck', headers: { accept } })
  t.match(await ask(), { statusCode: 200, body: 'OK' })
  writeFileSync(file, '')
  t.match(await ask(), { statusCode: 503, body: 'DISABLED BY FILE' })
  t.match(await ask('text/html'), { statusCode: 503, body: 'DISABLED BY FILE' })
  const json = await ask('application/json')
  t.equal(json.statusCode, 503)
  t.same(json.json(), { detailed: false, reasons: ['DISABLED BY FILE'] })
  t.match(await ask('text/plain', 'HEAD'), { statusCode: 503, body: '' })
  t.equal((await app.inject('/readyz')).statusCode, 200, 'it is about Glance’s probe alone')
  rmSync(file)
  t.match(await ask(), { statusCode: 200, body: 'OK' })
})

t.test(
  'GET /readyz is 200 when all parts answer; once asked to stop it is 503, and /livez still 200',
  async t => {
    const stop = new AbortController()
    const { app } = await startApp(t, {}, { stopping: stop.signal })
    const ready = await app.inject('/readyz')
    t.equal(ready.statusCode, 200)
    t.same(ready.json(), {
      status: 'ready',
      failing: [],
      parts: { database: 'ok', identity: 'ok', 'store:fast': 'ok', 'store:cheap': 'ok' },
    })
    t.equal((await app.inject('/livez')).body, 'OK')
    stop.abort()
    const stopping = await app.inject('/readyz')
    t.equal(stopping.statusCode, 503)
    t.equal(stopping.json().status, 'stopping')
    t.same(stopping.json().failing, [])
    t.equal((await app.inject('/livez')).statusCode, 200)
  },
)

t.test('GET /readyz names the parts that fail and tells why in the log only', async t => {
  const { app, dropDatabase, folders, logs } = await startApp(t)
  await dropDatabase()
  rmSync(folders.cheap, { recursive: true })
  const reply = await app.inject('/readyz')
  t.equal(reply.statusCode, 503)
  t.same(reply.json(), {
    status: 'failing',
    failing: ['database', 'store:cheap'],
    parts: { database: 'failing', identity: 'ok', 'store:fast': 'ok', 'store:cheap': 'failing' },
  })
  t.notMatch(reply.body, folders.cheap)
  const told = logs.filter(line => line.msg === 'a part is failing')
  t.same(told.map(line => line.part).sort(), ['database', 'store:cheap'])
  t.match(
    told.find(line => line.part === 'store:cheap'),
    { err: { message: 'Store cheap: ' } },
  )
})

t.test('GET /readyz waits for a part that hangs no longer than it has to', async t => {
  const { app } = await startApp(
    t,
    {},
    { change: ({ stores }) => ({ stores: { ...stores, all: () => stores.all().map(hang) } }) },
  )
  const began = performance.now()
  const reply = await app.inject('/readyz')
  const took = performance.now() - began
  t.same(reply.json().failing, ['store:fast', 'store:cheap'])
  t.ok(took > 1900 && took < 4000, `${took} ms`)
})

t.test('GET /readyz asks each part at most once a second, however many probes come', async t => {
  let asked = 0
  const counting = (auth: Deps['auth']): Deps['auth'] => ({
    ...auth,
    check(signal) {
      asked++
      return auth.check(signal)
    },
  })
  const { app } = await startApp(t, {}, { change: ({ auth }) => ({ auth: counting(auth) }) })
  await Promise.all(Array.from({ length: 20 }, () => app.inject('/readyz')))
  await app.inject('/readyz')
  t.equal(asked, 1)
})

/** A store that never answers, and does not heed its signal either. */
const hang = (store: ReadOnlyStore): ReadOnlyStore => ({ ...store, check: () => new Promise(() => {}) })
