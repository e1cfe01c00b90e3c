import { once } from 'node:events'
import { createServer, get } from 'node:http'
import type { AddressInfo } from 'node:net'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import t from 'tap'
import { withDeadline } from '../../src/auth/deadline.js'

setFlagsFromString('--expose-gc')
const gc = runInNewContext('gc') as () => void

t.test('a request that gets no answer ends in time, garbage collected meanwhile or not', async t => {
  const server = createServer(() => {}).listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.teardown(() => {
    server.closeAllConnections()
    server.close()
  })
  const { port } = server.address() as AddressInfo
  const ask = (ms: number, signal?: AbortSignal) =>
    withDeadline(ms, signal, signal =>
      once(get({ host: '127.0.0.1', port, signal }), 'response').catch(() => {
        throw signal.reason
      }),
    )
  const collecting = setInterval(gc, 50)
  t.teardown(() => clearInterval(collecting))
  await t.rejects(ask(300), { name: 'TimeoutError' })
  const control = new AbortController()
  setTimeout(() => control.abort(new Error('enough')), 200)
  await t.rejects(ask(60_000, control.signal), { message: 'enough' })
  await t.rejects(ask(60_000, AbortSignal.abort(new Error('before'))), { message: 'before' })
})

t.test('what is done in time is given back, and its failures', async t => {
  t.equal(await withDeadline(1000, undefined, async () => 5), 5)
  await t.rejects(
    withDeadline(1000, undefined, async () => Promise.reject(new Error('own'))),
    { message: 'own' },
  )
})
