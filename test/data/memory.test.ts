import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { request } from 'node:http'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import t from 'tap'
import { exchange, whole } from '../helpers/client.js'
import { serve } from '../helpers/served.js'

const MiB = 2 ** 20
/** MiB to send: many times what may be held. */
const COUNT = 512

/** Resident memory of a process in MiB, now or at its highest. */
const memory = (pid: number, field: 'VmRSS' | 'VmHWM') =>
  Number(new RegExp(`${field}:\\s+(\\d+) kB`).exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]) / 1024

t.test('512 MiB of unknown length comes in and goes out in constant memory', async t => {
  const server = await serve(t)
  const port = Number(new URL(server.url).port)
  const body = JSON.stringify({ disk_format: 'raw', container_format: 'bare' })
  const { id } = (await exchange({ port, method: 'POST', path: '/v2/images', body })).json
  const path = `/v2/images/${id}/file`
  const before = memory(server.pid, 'VmRSS')

  const sent = createHash('md5')
  const outgoing = request({
    host: '127.0.0.1',
    port,
    method: 'PUT',
    path,
    agent: false,
    headers: { 'content-type': 'application/octet-stream' },
  })
  const answer = new Promise<number>((resolve, reject) =>
    outgoing
      .on('error', reject)
      .on('response', incoming => whole(incoming).then(a => resolve(a.status), reject)),
  )
  const pieces = function* () {
    for (let n = 0; n < COUNT; n++) {
      const piece = Buffer.alloc(MiB, `piece ${n} `)
      sent.update(piece)
      yield piece
    }
  }
  await pipeline(Readable.from(pieces(), { highWaterMark: 1 }), outgoing)
  t.equal(await answer, 204)
  const grown = memory(server.pid, 'VmHWM') - before
  t.comment(`upload: from ${Math.round(before)} MiB up by ${Math.round(grown)} MiB`)
  t.ok(grown < 150, `grew by ${Math.round(grown)} MiB`)

  const received = createHash('md5')
  await new Promise<void>((resolve, reject) => {
    request({ host: '127.0.0.1', port, path, agent: false })
      .on('error', reject)
      .on('response', incoming =>
        incoming
          .on('data', chunk => received.update(chunk))
          .on('end', resolve)
          .on('error', reject),
      )
      .end()
  })
  const digest = sent.digest('hex')
  t.equal(received.digest('hex'), digest)
  const shown = await exchange({ port, method: 'GET', path: `/v2/images/${id}` })
  t.match(shown.json, { size: COUNT * MiB, checksum: digest })
  const total = memory(server.pid, 'VmHWM') - before
  t.comment(`and after the download: up by ${Math.round(total)} MiB`)
  t.ok(total < 150, `grew by ${Math.round(total)} MiB`)
})
