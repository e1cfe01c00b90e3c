/** Each way in which bytes fail to come has its word, in the progress and in the task. */
import { rmSync } from 'node:fs'
import type { AddressInfo } from 'node:net'
import { createServer } from 'node:net'
import { gzipSync } from 'node:zlib'
import t from 'tap'
import type { Config } from '../../../src/config/schema.js'
import { failureCodes } from '../../../src/errors.js'
import { admin, alice, startApp } from '../../helpers/app.js'
import { be64, qcow2 } from '../../helpers/disks.js'
import { settled, startWorker } from '../../helpers/tasks.js'
import { webServer } from '../../helpers/web.js'

t.setTimeout(120_000)

const settings = { import_allowed_addresses: ['127.0.0.0/8'], import_allowed_ports: [] }

/** A port that nobody listens on. */
async function closedPort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await new Promise(resolve => server.once('listening', resolve))
  const { port } = server.address() as AddressInfo
  await new Promise(resolve => server.close(resolve))
  return port
}

const web = await webServer(t, (request, response) => {
  if (request.url === '/gone') response.writeHead(404).end()
  else if (request.url === '/away') response.writeHead(302, { location: 'http://169.254.169.254/' }).end()
  else if (request.url === '/cut') {
    response.writeHead(200, { 'content-length': 100_000 })
    response.write(Buffer.alloc(1000), () => response.destroy())
  } else if (request.url === '/backed') response.end(qcow2(be64(8, 512)))
  else if (request.url === '/damaged') response.end(gzipSync(Buffer.alloc(100_000)).fill(0, 20, 60))
  else response.end(Buffer.alloc(100_000, 'bytes'))
})

const cases: [
  name: string,
  code: string,
  uri: string,
  settings?: Partial<Config>,
  attributes?: Record<string, unknown>,
][] = [
  ['a closed port', 'source_unreachable', `http://127.0.0.1:${await closedPort()}/`],
  ['a name that nobody knows', 'source_unreachable', 'http://nowhere.invalid/'],
  [
    'an address that may not be reached',
    'source_unreachable',
    'http://localhost:9/',
    { import_allowed_addresses: [] },
  ],
  ['a status', 'source_refused', `${web.url}/gone`],
  ['a redirect to a forbidden place', 'source_refused', `${web.url}/away`],
  ['an end before the end', 'source_cut', `${web.url}/cut`],
  ['another format', 'format_mismatch', `${web.url}/bytes`, {}, { disk_format: 'qcow2' }],
  ['a backing file', 'unsafe_image', `${web.url}/backed`, {}, { disk_format: 'qcow2' }],
  ['damaged compression', 'conversion_failed', `${web.url}/damaged`, { import_decompress: true }],
  ['too many bytes', 'too_large', `${web.url}/bytes`, { max_image_size: 1000 }],
  ['a limit of the project', 'quota_exceeded', `${web.url}/bytes`, { limit_image_count_uploading: 0 }],
]

for (const [name, code, uri, more, attributes] of cases) {
  t.test(`${name}: ${code}`, async t => {
    t.ok(Object.hasOwn(failureCodes, code), 'is in the table')
    const server = await startApp(t, { ...settings, ...more })
    await startWorker(t, server)
    const me = server.as(alice)
    const { id } = await me.create(attributes)
    t.equal((await me.post(`/v2/images/${id}/import`, { method: { name: 'web-download', uri } })).status, 202)
    t.match(await settled(server, id), { status: 'queued' })
    const { json } = await me.get(`/v2/images/${id}/progress`)
    t.match(json, { phase: 'failed', error: { code, message: /^[A-Z].*\w/ } })
    const { tasks } = (await me.get(`/v2/images/${id}/tasks`)).json
    t.match(tasks, [{ status: 'failure', message: json.error.message, result: { error: json.error } }])
    t.equal((await me.delete(`/v2/images/${id}`)).status, 204)
  })
}

t.test('a store that does not take them: store_failed', async t => {
  const server = await startApp(t, settings)
  await startWorker(t, server)
  const me = server.as(alice)
  const root = server.as(admin)
  const { id } = await me.createActive()
  const copy = { method: { name: 'copy-image' }, stores: ['cheap'] }
  rmSync(server.folders.cheap, { recursive: true })
  t.equal((await root.post(`/v2/images/${id}/import`, copy)).status, 202)
  t.match(await settled(server, id), { status: 'active', stores: 'fast' })
  t.match((await me.get(`/v2/images/${id}/progress`)).json, {
    phase: 'available',
    error: { code: 'store_failed', message: /cheap/ },
  })
})
