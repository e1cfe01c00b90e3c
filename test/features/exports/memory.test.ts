import { readFileSync } from 'node:fs'
import t from 'tap'
import { createTestDatabase } from '../../helpers/database.js'
import { exportable } from '../../helpers/many-images.js'
import { serve } from '../../helpers/served.js'
import { readCsv, readWorkbook } from '../../helpers/spreadsheets.js'

t.setTimeout(240_000)

const COUNT = 20_000

/** Resident memory of a process in MiB, now or at its highest. */
const memory = (pid: number, field: 'VmRSS' | 'VmHWM') =>
  Number(new RegExp(`${field}:\\s+(\\d+) kB`).exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]) / 1024

t.test(`${COUNT} images are exported in little memory, every one of them`, async t => {
  const database = await createTestDatabase()
  t.teardown(() => database.drop())
  await exportable(database.url, COUNT)
  const server = await serve(t, {
    VITRINE_DATABASE_URL: database.url,
    VITRINE_SECRET_KEY: 'a key for tests only',
  })
  await (await fetch(`${server.url}/v2/images?limit=1000`)).arrayBuffer()
  const before = memory(server.pid, 'VmRSS')
  for (const format of ['csv', 'xlsx']) {
    const answer = await fetch(`${server.url}/v2/exports/images?format=${format}`)
    t.equal(answer.status, 200)
    const bytes = Buffer.from(await answer.arrayBuffer())
    const rows = format === 'csv' ? readCsv(bytes.toString('utf8')) : await readWorkbook(bytes)
    t.equal(rows.length, COUNT + 1)
    t.equal(new Set(rows.map(([, id]) => id)).size, COUNT + 1)
    const grown = memory(server.pid, 'VmHWM') - before
    t.comment(`${format}: from ${Math.round(before)} MiB up by ${Math.round(grown)} MiB`)
    t.ok(grown < 100, `grew by ${Math.round(grown)} MiB`)
  }
})
