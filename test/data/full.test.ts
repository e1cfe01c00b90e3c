import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import t from 'tap'
import { alice, startApp } from '../helpers/app.js'
import { exchange } from '../helpers/client.js'
import { tidying } from '../helpers/left.js'
import { serve } from '../helpers/served.js'

const MiB = 2 ** 20

t.test('more than the disk has room for is refused before a byte comes', async t => {
  const server = await startApp(t, { max_image_size: 2 ** 52 })
  const owner = server.as(alice)
  const test = tidying(t, server)
  await test('an announced size', async t => {
    const { id } = await owner.create()
    const put = await owner.upload(id, 'x', { 'x-openstack-image-size': 2 ** 51 })
    t.equal(put.status, 413, put.text)
    t.equal((await owner.show(id)).status, 'queued')
  })
})

t.test(
  'a store that fills up while bytes come: 413, the image waits for bytes, no part of them is left',
  async t => {
    // no file may grow beyond 48 MiB (in blocks of 512 bytes), which the store is told like a full disk
    const server = await serve(t, {}, { limits: 'ulimit -f 98304' })
    const port = Number(new URL(server.url).port)
    const body = JSON.stringify({ disk_format: 'raw', container_format: 'bare' })
    const { id } = (await exchange({ port, method: 'POST', path: '/v2/images', body })).json
    const put = (count: number) =>
      exchange({
        port,
        method: 'PUT',
        path: `/v2/images/${id}/file`,
        headers: { 'content-type': 'application/octet-stream' },
        body: Readable.from(
          (function* () {
            for (let n = 0; n < count; n++) yield Buffer.alloc(MiB, 'x')
          })(),
        ),
      })
    const refused = await put(60)
    t.equal(refused.status, 413, refused.text)
    t.match((await exchange({ port, method: 'GET', path: `/v2/images/${id}` })).json, {
      status: 'queued',
      size: null,
    })
    t.strictSame(readdirSync(join(server.dataDir, 'images')), [])
    t.equal((await put(10)).status, 204, 'less of it fits')
  },
)
