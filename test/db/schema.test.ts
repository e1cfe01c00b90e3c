import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import t from 'tap'

const script = fileURLToPath(new URL('../../../scripts/db-types.mjs', import.meta.url))

t.test('src/db/schema.ts is what the migrations make; `npm run db:types` writes it anew', async t => {
  await t.resolves(promisify(execFile)(process.execPath, [script, '--verify']))
})
