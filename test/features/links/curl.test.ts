/** Downloads by link with curl from a server that runs as operators run it: cut, resumed, revoked. */
import { spawn } from 'node:child_process'
import { createHash, randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { until } from '../../helpers/left.js'
import { missingS3, openS3 } from '../../helpers/minio.js'
import { newBucket } from '../../helpers/s3-stores.js'
import { type Served, serve } from '../../helpers/served.js'
import { needs } from '../../helpers/tools.js'

t.setTimeout(240_000)
const MiB = 2 ** 20
const CUTS = 5
const image = randomBytes(24 * MiB + 123)
const sha512 = (bytes: Buffer) => createHash('sha512').update(bytes).digest('hex')
const noCurl = needs('curl')
const noS3 = missingS3() ?? false

async function api(server: Served, method: string, path: string, body?: object) {
  const json = { 'content-type': 'application/json' }
  const answer = await fetch(`${server.url}${path}`, {
    method,
    ...(body && { body: JSON.stringify(body), headers: json }),
  })
  const text = await answer.text()
  if (!answer.ok) throw new Error(`${method} ${path}: ${answer.status} ${text}`)
  return text === '' ? {} : JSON.parse(text)
}

async function upload(server: Served): Promise<string> {
  const { id } = await api(server, 'POST', '/v2/images', {
    name: 'large',
    disk_format: 'raw',
    container_format: 'bare',
  })
  const answer = await fetch(`${server.url}/v2/images/${id}/file`, {
    method: 'PUT',
    headers: { 'content-type': 'application/octet-stream' },
    body: image,
  })
  if (answer.status !== 204) throw new Error(`${answer.status} ${await answer.text()}`)
  return id
}

const sizeOf = (file: string) => statSync(file, { throwIfNoEntry: false })?.size ?? 0

/**
 * Goes on with a download as `curl -C -` does, to its end or until the file may not grow beyond `limit` bytes, a multiple of
 * 1024. The limit is the kernel's (`ulimit -f`): a cut by the clock would come too late whenever curl is quick.
 */
async function resume(url: string, file: string, limit?: number): Promise<number | null> {
  const blocks = limit === undefined ? 'unlimited' : String(limit / 1024)
  const script = 'ulimit -f "$0" && exec curl -sSfL -C - -o "$1" "$2"'
  const curl = spawn('bash', ['-c', script, blocks, file, url], { stdio: 'ignore' })
  const [code] = await once(curl, 'exit')
  return code
}

async function cutAndRevoked(t: Test, server: Served) {
  await until(async () => (await fetch(`${server.url}/readyz`)).ok, 'a bucket')
  const id = await upload(server)
  const link = await api(server, 'POST', `/v2/images/${id}/links`, {})
  const file = join(t.testdir(), 'got.img')
  for (let n = 1; n <= CUTS; n++) {
    const cut = n * 4 * MiB
    t.not(await resume(link.url, file, cut), 0, `cut ${n}`)
    t.equal(sizeOf(file), cut)
  }
  t.equal(await resume(link.url, file), 0)
  t.equal(sha512(readFileSync(file)), sha512(image))

  const half = join(t.testdir(), 'half.img')
  await resume(link.url, half, image.length / 2)
  await api(server, 'DELETE', `/v2/images/${id}/links/${link.id}`)
  t.equal(await resume(link.url, half), 22, 'refused')
  t.equal((await fetch(link.url)).status, 404)
  t.notMatch(server.log.join('\n'), new URL(link.url).pathname.split('/').at(-1), 'the log does not show it')
  t.match(server.log.join('\n'), '/v2/links/***')
  return link
}

const debug = { VITRINE_LOG_LEVEL: 'debug' }

t.test('files', { skip: noCurl }, async t => {
  await cutAndRevoked(t, await serve(t, debug))
})

t.test('an object store', { skip: noCurl || noS3 }, async t => {
  const s3 = await openS3()
  t.teardown(() => s3.stop())
  await t.test('through the server', async t => {
    await cutAndRevoked(t, await serve(t, { ...debug, VITRINE_STORES: `s3=${s3.url(newBucket())}` }))
  })
  await t.test('redirected to it', async t => {
    const open = encodeURIComponent(`http://${s3.host}:${s3.port}`)
    const stores = `s3=${s3.url(newBucket(), `public=${open}`)}`
    await cutAndRevoked(t, await serve(t, { ...debug, VITRINE_STORES: stores }))
  })
})
