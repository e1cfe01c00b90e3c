import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pino } from 'pino'
import t from 'tap'
import { buildApp, features } from '../src/app.js'
import { loadConfig } from '../src/config/load.js'
import { closeDeps, openDeps } from '../src/deps.js'
import { replay } from './contract/replay.js'
import { areas } from './contract/scenarios/index.js'
import { basicTarget } from './contract/target.js'
import { usersFile } from './contract/users-file.js'
import { createTestDatabase } from './helpers/database.js'

/** Areas whose features are not there yet. */
const later: string[] = []

// Six thousand requests; a busy machine needs minutes for them.
t.setTimeout(900_000)

t.test('Vitrine answers as a real Glance was recorded', async t => {
  const database = await createTestDatabase()
  const folder = mkdtempSync(join(tmpdir(), 'vitrine-glance-'))
  t.teardown(async () => {
    await database.drop()
    rmSync(folder, { recursive: true, force: true })
  })
  const users = join(folder, 'users.yaml')
  writeFileSync(users, await usersFile())
  const config = loadConfig({
    VITRINE_DATA_DIR: folder,
    VITRINE_STORES: `fast=file:${join(folder, 'fast')}?weight=100,cheap=file:${join(folder, 'cheap')}`,
    VITRINE_AUTH: 'basic',
    VITRINE_USERS_FILE: users,
    VITRINE_SHOW_MULTIPLE_LOCATIONS: 'true',
    VITRINE_SHOW_IMAGE_DIRECT_URL: 'true',
    VITRINE_CACHE_DIR: join(folder, 'cache'),
    VITRINE_MAX_IMAGE_SIZE: String(10 * 2 ** 30),
  })
  const policies = Object.assign({}, ...features.map(feature => feature.policies))
  const deps = await openDeps(config, { databaseUrl: database.url, log: pino({ level: 'silent' }), policies })
  const app = await buildApp(deps)
  await app.listen({ host: '127.0.0.1', port: 0 })
  t.teardown(async () => {
    app.server.closeAllConnections()
    await app.close()
    await closeDeps(deps)
  })
  const { port } = app.server.address() as AddressInfo
  // those that need a web server, and other settings with it, are replayed with the tests of their features
  const ready = areas.filter(({ name, web }) => !web && !later.includes(name)).map(({ name }) => name)
  await replay(t, basicTarget(`http://127.0.0.1:${port}`), ready)
})
