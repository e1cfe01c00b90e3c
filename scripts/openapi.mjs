// Writes openapi/openapi.json from the routes; needs no database. With --verify it only fails when the file is not current.
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { pino } from 'pino'
import { buildApp } from '../dist/src/app.js'
import { loadConfig } from '../dist/src/config/load.js'
import { closeDeps, openDeps } from '../dist/src/deps.js'

const file = fileURLToPath(new URL('../openapi/openapi.json', import.meta.url))
const folder = mkdtempSync(join(tmpdir(), 'vitrine-openapi-'))
try {
  // nothing is asked of a database until there is a request
  const deps = await openDeps(loadConfig({ VITRINE_DATA_DIR: folder }), {
    databaseUrl: 'postgres:///',
    log: pino({ level: 'silent' }),
  })
  const app = await buildApp(deps)
  const text = `${JSON.stringify(sorted(app.swagger()), null, 2)}\n`
  await app.close()
  await closeDeps(deps)
  if (!process.argv.includes('--verify')) writeFileSync(file, text)
  else if (text !== readFileSync(file, 'utf8')) {
    console.error('openapi/openapi.json is not current: npm run openapi')
    process.exitCode = 1
  }
} finally {
  rmSync(folder, { recursive: true, force: true })
}

/** Keys of paths and components in order, so that a new route moves nothing; the rest as it was written. */
function sorted(document) {
  const order = object => Object.fromEntries(Object.entries(object).sort(([a], [b]) => (a < b ? -1 : 1)))
  const components = Object.fromEntries(
    Object.entries(document.components).map(([kind, named]) => [kind, order(named)]),
  )
  return { ...document, paths: order(document.paths), components }
}
