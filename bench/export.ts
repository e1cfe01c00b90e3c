import { execFileSync } from 'node:child_process'
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { open } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createTestDatabase } from '../test/helpers/database.js'
import { exportable } from '../test/helpers/many-images.js'
import { serve } from '../test/helpers/served.js'
import { python, readCsv } from '../test/helpers/spreadsheets.js'

/**
 * What exporting many images costs: time, size, and by how much the serving process grows. The files are read again,
 * workbooks by openpyxl where scripts/get-clients has installed it. Run: `node dist/bench/export.js [IMAGES]`, 100000
 * unless another number is given.
 */

const count = Number(process.argv[2] ?? 100_000)
const ends: (() => unknown)[] = []
const teardown = { teardown: (fn: () => unknown) => void ends.unshift(fn) }
const folder = mkdtempSync(join(tmpdir(), 'vitrine-export-'))
ends.push(() => rmSync(folder, { recursive: true }))

const memory = (pid: number, field: 'VmRSS' | 'VmHWM') =>
  Number(new RegExp(`${field}:\\s+(\\d+) kB`).exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]) / 1024

const rowsIn: Record<string, (file: string) => number | undefined> = {
  csv: file => readCsv(readFileSync(file, 'utf8')).length,
  xlsx(file) {
    if (!existsSync(python)) return undefined
    const script = `import openpyxl, sys
sheet = openpyxl.load_workbook(sys.argv[1], read_only=True).active
print(len({row[1] for row in sheet.iter_rows(values_only=True)}))`
    return Number(execFileSync(python, ['-c', script, file], { encoding: 'utf8' }))
  },
}

try {
  const database = await createTestDatabase()
  ends.unshift(database.drop)
  await exportable(database.url, count)
  const settings = { VITRINE_DATABASE_URL: database.url, VITRINE_SECRET_KEY: 'a key for benches only' }
  for (const format of ['csv', 'xlsx']) {
    const server = await serve(teardown, settings)
    await (await fetch(`${server.url}/v2/images?limit=1000`)).arrayBuffer()
    const before = memory(server.pid, 'VmRSS')
    const file = join(folder, `images.${format}`)
    writeFileSync(file, '')
    const sink = await open(file, 'w')
    const began = performance.now()
    const answer = await fetch(`${server.url}/v2/exports/images?format=${format}`)
    let bytes = 0
    for await (const chunk of answer.body!) {
      bytes += chunk.length
      await sink.write(chunk)
    }
    await sink.close()
    const seconds = (performance.now() - began) / 1000
    const grown = memory(server.pid, 'VmHWM') - before
    await server.stop()
    const rows = rowsIn[format]!(file)
    console.log(
      `${format.padEnd(4)}  ${count} images  ${seconds.toFixed(1)} s  ${(bytes / 2 ** 20).toFixed(1)} MiB  ` +
        `process: ${before.toFixed(0)} MiB, up by ${grown.toFixed(0)} MiB  rows read back: ${rows ?? 'no openpyxl'}`,
    )
    if (rows !== undefined && rows !== count + 1) throw new Error(`${rows} rows of ${count + 1} came back`)
  }
} finally {
  for (const end of ends) await end()
}
