// Writes src/db/schema.ts: the types of the tables, as kysely-codegen reads them from a freshly migrated database.
// With --verify it only fails when the file is not current.
import { spawnSync } from 'node:child_process'
import { readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createTestDatabase } from '../dist/test/helpers/database.js'

const file = 'src/db/schema.ts'
const made = `${file}.made`
const { url, drop } = await createTestDatabase()
try {
  const args = [
    '--dialect',
    'postgres',
    '--url',
    url,
    '--default-schema',
    'public',
    '--include-pattern',
    'public.*',
  ]
  args.push(
    '--exclude-pattern',
    'public.kysely_*',
    '--type-mapping',
    '{"int8":"number"}',
    '--log-level',
    'error',
  )
  const { status } = spawnSync('npx', ['kysely-codegen', ...args, '--out-file', made], { stdio: 'inherit' })
  if (status !== 0) throw new Error('kysely-codegen failed')
  const text = readFileSync(made, 'utf8')
  if (!process.argv.includes('--verify')) writeFileSync(file, text)
  else if (text !== readFileSync(file, 'utf8')) throw new Error(`${file} is not current: npm run db:types`)
} finally {
  rmSync(made, { force: true })
  await drop()
}
process.exit()
