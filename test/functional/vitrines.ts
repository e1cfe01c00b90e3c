import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { mkdirSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { json } from 'node:stream/consumers'
import { pino } from 'pino'
import {
  jobsOfFeatures,
  listen,
  policiesOfFeatures,
  startTasksOfFeatures,
} from '../../src/commands/listen.js'
import { loadConfig } from '../../src/config/load.js'
import { closeDeps, openDeps } from '../../src/deps.js'
import { startSchedule } from '../../src/queue/schedule.js'
import { createTestDatabase, type Teardown } from '../helpers/database.js'
import type { OwnKeystone } from '../helpers/keystone.js'

/** What a test asks for. */
interface Wanted {
  id: number | null
  /** The test's own. */
  folder: string
  settings: Record<string, string>
  /** Policy rules that differ from the defaults. */
  rules: Record<string, string>
}

interface Running {
  url: string
  stop(): Promise<void>
}

interface Vitrine {
  running: Running
  database: { url: string; drop(): Promise<void> }
  secret: string
}

/**
 * Starts and stops Vitrines for tests that run in other processes, each on a database of its own: POST /start, with the
 * id of an earlier one to start that again with other settings, and POST /stop.
 *
 * @returns its URL
 */
export async function control(t: Teardown, keystone: OwnKeystone): Promise<string> {
  const vitrines = new Map<number, Vitrine>()
  let last = 0

  async function start({ id, folder, settings, rules }: Wanted): Promise<{ id: number; url: string }> {
    const known = id === null ? undefined : vitrines.get(id)
    await known?.running.stop()
    const database = known?.database ?? (await createTestDatabase())
    const secret = known?.secret ?? randomBytes(32).toString('base64')
    const dataDir = join(folder, 'vitrine')
    mkdirSync(dataDir, { recursive: true })
    const policies = join(folder, 'policies.json')
    writeFileSync(policies, JSON.stringify(rules))
    const running = await run(database.url, {
      VITRINE_PORT: '0',
      VITRINE_DATA_DIR: dataDir,
      VITRINE_DATABASE_URL: database.url,
      VITRINE_SECRET_KEY: secret,
      VITRINE_AUTH: 'keystone',
      VITRINE_KEYSTONE_URL: keystone.url,
      VITRINE_KEYSTONE_USERNAME: 'nova',
      VITRINE_KEYSTONE_PASSWORD: 'nova',
      VITRINE_KEYSTONE_PROJECT: 'service',
      VITRINE_POLICY_FILE: policies,
      ...settings,
    })
    const now = id ?? ++last
    vitrines.set(now, { running, database, secret })
    return { id: now, url: running.url }
  }

  async function stop({ id }: { id: number }): Promise<object> {
    const vitrine = vitrines.get(id)
    vitrines.delete(id)
    await vitrine?.running.stop()
    await vitrine?.database.drop()
    return {}
  }

  const server = createServer((request, response) => {
    const answer = (status: number, body: object) => response.writeHead(status).end(JSON.stringify(body))
    void json(request)
      .then(body => (request.url === '/start' ? start(body as Wanted) : stop(body as { id: number })))
      .then(
        body => answer(200, body),
        (err: unknown) => answer(500, { message: String(err) }),
      )
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.teardown(async () => {
    for (const id of vitrines.keys()) await stop({ id })
    server.close()
  })
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}

/**
 * What `vitrine serve` runs, with its jobs, in this process: tests that change a policy five times start it five times,
 * and most of a start is loading the program.
 */
async function run(databaseUrl: string, environment: Record<string, string>): Promise<Running> {
  const stopping = new AbortController()
  const log = pino({ level: 'error' }, { write: line => void process.stdout.write(`vitrine: ${line}`) })
  const policies = policiesOfFeatures()
  const deps = await openDeps(loadConfig(environment), {
    databaseUrl,
    log,
    policies,
    stopping: stopping.signal,
  })
  const schedule = await startSchedule(jobsOfFeatures(), deps)
  const tasks = await startTasksOfFeatures(deps)
  const serving = await listen(deps)
  return {
    url: serving.url,
    async stop() {
      stopping.abort()
      await serving.drain(5, new AbortController().signal)
      await tasks.close()
      await schedule.close()
      await closeDeps(deps)
    },
  }
}
