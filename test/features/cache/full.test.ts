import { createHash, randomBytes } from 'node:crypto'
import { mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t from 'tap'
import { exchange } from '../../helpers/client.js'
import { until } from '../../helpers/left.js'
import { serve } from '../../helpers/served.js'

const MiB = 2 ** 20
const sha = (bytes: Buffer) => createHash('sha256').update(bytes).digest('hex')

t.test('a cache whose disk fills up: clients get all bytes, what fits is kept', async t => {
  const dataDir = mkdtempSync(join(tmpdir(), 'vitrine-full-'))
  t.teardown(() => rmSync(dataDir, { recursive: true, force: true }))
  const settings = { VITRINE_CACHE_DIR: join(dataDir, 'cache') }
  const bytes = randomBytes(60 * MiB)
  const before = await serve(t, settings, { dataDir })
  const at = (url: string) => ({ port: Number(new URL(url).port) })
  const image = async (content: Buffer) => {
    const body = JSON.stringify({ disk_format: 'raw', container_format: 'bare' })
    const { id } = (await exchange({ ...at(before.url), method: 'POST', path: '/v2/images', body })).json
    const put = await exchange({
      ...at(before.url),
      method: 'PUT',
      path: `/v2/images/${id}/file`,
      headers: { 'content-type': 'application/octet-stream' },
      body: content,
    })
    t.equal(put.status, 204, put.text)
    return `/v2/images/${id}/file`
  }
  const large = await image(bytes)
  const small = await image(bytes.subarray(0, MiB))
  await before.stop()

  // no file may grow beyond 48 MiB (in blocks of 512 bytes), which the cache is told like a full disk
  const { url } = await serve(t, settings, { dataDir, limits: 'ulimit -f 98304' })
  const get = (path: string) => exchange({ ...at(url), method: 'GET', path })
  const answers = await Promise.all([1, 2, 3].map(() => get(large)))
  for (const answer of answers) {
    t.equal(answer.status, 200)
    t.equal(sha(answer.bytes), sha(bytes))
  }
  t.equal(sha((await get(small)).bytes), sha(bytes.subarray(0, MiB)))
  const files = (folder: string) => readdirSync(join(dataDir, 'cache', folder))
  await until(() => files('incomplete').length === 0, 'nothing incomplete')
  const { cached_images } = (await get('/v2/cache')).json
  t.match(cached_images, [{ size: MiB }])
  t.equal(cached_images.length, 1)
})
