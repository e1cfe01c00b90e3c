/** How the server stops, and what happens to what still runs. */
import { once } from 'node:events'
import { request } from 'node:http'
import { join } from 'node:path'
import t from 'tap'
import { createImage, startServer, statusOf, temporaryFolder, until } from '../helpers/server-process.js'

// Each start takes a second of a core, and cores are shared.
t.setTimeout(240_000)

t.test('a stop lets a running upload finish; a second signal cuts it', async t => {
  const env = { VITRINE_DATA_DIR: join(temporaryFolder(t), 'data') }
  const server = await startServer(t, { env })
  const id = await createImage(server, 'slow')
  await fetch(`${server.url}/v2/images/${id}`, {
    method: 'PATCH',
    headers: { 'content-type': 'application/openstack-images-v2.1-json-patch' },
    body: JSON.stringify([
      { op: 'replace', path: '/disk_format', value: 'raw' },
      { op: 'replace', path: '/container_format', value: 'bare' },
    ]),
  })
  const upload = request(`${server.url}/v2/images/${id}/file`, {
    method: 'PUT',
    headers: { 'content-type': 'application/octet-stream', connection: 'close' },
  })
  upload.write(Buffer.alloc(100_000))
  const answer = once(upload, 'response')
  await until(
    async () =>
      ((await (await fetch(`${server.url}/v2/images/${id}`)).json()) as { status: string }).status ===
      'saving',
  )
  const stopped = server.stop()
  await until(async () =>
    fetch(`${server.url}/healthcheck`).then(
      () => false,
      () => true,
    ),
  )
  upload.end(Buffer.alloc(100_000))
  const [response] = await answer
  t.equal(response.statusCode, 204)
  t.equal(await stopped, 0)

  const again = await startServer(t, { env })
  const image = (await (await fetch(`${again.url}/v2/images/${id}`)).json()) as {
    status: string
    size: number
  }
  t.match(image, { status: 'active', size: 200_000 })
  const unfinished = request(`${again.url}/v2/images`, { method: 'POST' })
  unfinished.on('error', () => {})
  unfinished.write('{')
  await once(unfinished, 'socket')
  const cut = again.stop()
  await until(async () => /stopping, running transfers/.test(again.output()))
  await again.stop('SIGINT')
  t.equal(await cut, 0)
})

t.test('several processes share the port, and one that dies is replaced', async t => {
  const env = { VITRINE_DATA_DIR: join(temporaryFolder(t), 'data'), VITRINE_PROCESSES: '2' }
  const server = await startServer(t, { env })
  const workers = () => [
    ...new Set([...server.output().matchAll(/"pid":(\d+)[^\n]*Server listening/g)].map(m => Number(m[1]))),
  ]
  await until(async () => workers().length === 2)
  const asked = 12
  for (let n = 0; n < asked; n++) await fetch(`${server.url}/versions`, { headers: { connection: 'close' } })
  for (let n = 0; n < 4; n++) {
    const metrics = await fetch(`${server.url}/metrics`, { headers: { connection: 'close' } })
    t.match(
      await metrics.text(),
      new RegExp(`vitrine_http_requests_total\\{[^}]*route="/versions"[^}]*\\} ${asked}\n`),
      'whichever process answers, it counts for all',
    )
  }
  process.kill(workers()[0]!, 'SIGKILL')
  await until(async () => workers().length === 3)
  t.equal(await statusOf(server, '/v2/images'), 200)
  const [, ...living] = workers()
  t.equal(await server.stop(), 0)
  for (const pid of living) t.throws(() => process.kill(pid, 0), { code: 'ESRCH' })
})
