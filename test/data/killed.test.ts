import { mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { request } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t from 'tap'
import { exchange } from '../helpers/client.js'
import { until } from '../helpers/left.js'
import { type Served, serve } from '../helpers/served.js'

const MiB = 2 ** 20
const folder = mkdtempSync(join(tmpdir(), 'vitrine-killed-'))
t.teardown(() => rmSync(folder, { recursive: true, force: true }))
const images = join(folder, 'images')

const portOf = ({ url }: Served) => Number(new URL(url).port)
const call = (server: Served, method: string, path: string, body?: string, headers = {}) =>
  exchange({ port: portOf(server), method, path, headers, ...(body !== undefined && { body }) })

t.test(
  'a server that is killed during an upload: started again, the image waits for bytes and no file is left',
  async t => {
    const first = await serve(t, {}, { dataDir: folder })
    const made = await call(
      first,
      'POST',
      '/v2/images',
      JSON.stringify({ disk_format: 'raw', container_format: 'bare' }),
    )
    const { id } = made.json
    const whole = await call(
      first,
      'POST',
      '/v2/images',
      JSON.stringify({ disk_format: 'raw', container_format: 'bare' }),
    )
    const file = `/v2/images/${whole.json.id}/file`
    t.equal(
      (await call(first, 'PUT', file, 'kept', { 'content-type': 'application/octet-stream' })).status,
      204,
    )
    const outgoing = request({
      host: '127.0.0.1',
      port: portOf(first),
      method: 'PUT',
      path: `/v2/images/${id}/file`,
      agent: false,
      headers: { 'content-type': 'application/octet-stream' },
    })
    outgoing.on('error', () => {})
    outgoing.write(Buffer.alloc(5 * MiB))
    await until(() => readdirSync(images).some(name => name.includes(id)), 'the beginning of the upload')
    t.equal((await call(first, 'GET', `/v2/images/${id}`)).json.status, 'saving')
    await first.stop('SIGKILL')
    t.ok(
      readdirSync(images).some(name => name.includes(id)),
      'the kill left a file behind',
    )

    const second = await serve(t, {}, { dataDir: folder })
    t.equal((await call(second, 'GET', `/v2/images/${id}`)).json.status, 'queued')
    await until(() => !readdirSync(images).some(name => name.includes(id)), 'no orphan')
    t.equal((await call(second, 'GET', file)).text, 'kept', 'what was whole is whole')
    const again = await call(second, 'PUT', `/v2/images/${id}/file`, 'second try', {
      'content-type': 'application/octet-stream',
    })
    t.equal(again.status, 204)
    t.equal((await call(second, 'GET', `/v2/images/${id}/file`)).text, 'second try')
    t.equal(readdirSync(images).length, 2)
  },
)
