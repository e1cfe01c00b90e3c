/**
 * src/db/schema.ts is what kysely-codegen makes of a migrated database; `npm run db:types` writes it anew.
 */
import { execFile } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import t from 'tap'
import { createTestDatabase } from '../helpers/database.js'

const file = fileURLToPath(new URL('../../../src/db/schema.ts', import.meta.url))
const codegen = fileURLToPath(
  new URL('../../../node_modules/kysely-codegen/dist/cli/bin.js', import.meta.url),
)

t.test('the types of the database are what the migrations make', async t => {
  const { url, drop } = await createTestDatabase()
  t.teardown(drop)
  const { stdout } = await promisify(execFile)(process.execPath, [
    codegen,
    '--dialect=postgres',
    `--url=${url}`,
    // the tables of the migrations themselves and of the job queue are no business of ours
    '--exclude-pattern={kysely_*,graphile_worker.*}',
    // src/db/connect.ts reads bigint as numbers
    '--type-mapping={"int8":"number"}',
    '--log-level=error',
    '--print',
  ])
  const made = `${stdout.trim()}\n`
  if (process.env.UPDATE_TYPES) writeFileSync(file, made)
  t.equal(readFileSync(file, 'utf8'), made)
})
