import { mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import type { OutgoingHttpHeaders } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { FastifyInstance } from 'fastify'
import { pino } from 'pino'
import { buildApp, features } from '../../src/app.js'
import { type Caller, nobody } from '../../src/auth/caller.js'
import { loadConfig } from '../../src/config/load.js'
import type { Config } from '../../src/config/schema.js'
import { closeDeps, type Deps, openDeps } from '../../src/deps.js'
import { Unauthorized } from '../../src/errors.js'
import { type Client, client } from './client.js'
import { createTestDatabase, type Teardown } from './database.js'

export interface TestApp {
  deps: Deps
  app: FastifyInstance
  /** http://127.0.0.1:port, without a slash at its end. */
  url: string
  port: number
  /** A way to send requests as somebody: what is not said is a member of project `alpha`. */
  as(caller?: Partial<Caller>): Client
  /** Folders of the two stores; `fast` is the default one. */
  folders: { fast: string; cheap: string }
  databaseUrl: string
  /** Takes the database away, before the test's end does. */
  dropDatabase: () => Promise<void>
  /** What was logged, as pino wrote it. */
  logs: Record<string, unknown>[]
}

export interface AppOptions {
  /** Asks the application to stop, as SIGTERM does the process. */
  stopping?: AbortSignal
  /** Stores beside the two, such as `web=http:`. */
  moreStores?: readonly string[]
  /** What takes the place of parts that were opened, such as a slow check. */
  change?: (deps: Deps) => Partial<Deps>
  /** Puts something between the application and its database. */
  wire?: (databaseUrl: string) => Promise<string>
}

/**
 * The whole application on a database of its own and two file stores, `fast` and `cheap`, listening on a free port;
 * closed, and all it made removed, at the test's end. Callers come from a table that `as` fills: each has a token.
 */
export async function startApp(
  t: Teardown,
  overrides: Partial<Config> = {},
  options: AppOptions = {},
): Promise<TestApp> {
  const { stopping, change, wire, moreStores = [] } = options
  const database = await createTestDatabase()
  const folder = mkdtempSync(join(tmpdir(), 'vitrine-app-'))
  t.teardown(async () => {
    await database.drop()
    rmSync(folder, { recursive: true, force: true })
  })
  const folders = { fast: join(folder, 'fast'), cheap: join(folder, 'cheap') }
  for (const path of Object.values(folders)) mkdirSync(path)
  const config = Object.freeze({
    ...loadConfig({
      VITRINE_DATA_DIR: folder,
      VITRINE_STORES: [`fast=file:${folders.fast}`, `cheap=file:${folders.cheap}`, ...moreStores].join(','),
    }),
    ...overrides,
  })
  const logs: Record<string, unknown>[] = []
  const log = pino({ level: 'debug' }, { write: line => void logs.push(JSON.parse(line)) })
  const policies = Object.assign({}, ...features.map(feature => feature.policies))
  const databaseUrl = wire ? await wire(database.url) : database.url
  const opened = await openDeps(config, { databaseUrl, log, policies, stopping })
  const callers = new Map<string, Caller>()
  const deps: Deps = {
    ...opened,
    auth: {
      ...opened.auth,
      async authenticate({ headers }) {
        const caller = callers.get(String(headers['x-auth-token']))
        if (!caller) throw new Unauthorized('No such token.', { headers: { 'www-authenticate': 'Test' } })
        return caller
      },
    },
    ...change?.(opened),
  }
  const app = await buildApp(deps)
  await app.listen({ host: '127.0.0.1', port: 0 })
  t.teardown(async () => {
    app.server.closeAllConnections()
    await app.close()
    await closeDeps(deps)
  })
  const { port } = app.server.address() as AddressInfo

  function as(who: Partial<Caller> = {}): Client {
    const caller: Caller = {
      ...nobody,
      user_id: 'someone',
      project_id: 'alpha',
      project_domain_id: 'default',
      roles: ['member', 'reader'],
      ...who,
    }
    caller.is_admin = who.is_admin ?? deps.policy.isAdmin(caller)
    const token = `token-${callers.size}`
    callers.set(token, caller)
    return client(app, port, { 'x-auth-token': token } satisfies OutgoingHttpHeaders)
  }

  return {
    deps,
    app,
    url: `http://127.0.0.1:${port}`,
    port,
    as,
    folders,
    databaseUrl: database.url,
    dropDatabase: database.drop,
    logs,
  }
}

/** Usual callers: admin of a project of the cloud's own, members and a reader of `alpha`, a member of `beta`. */
export const admin: Partial<Caller> = {
  user_id: 'root',
  project_id: 'cloud',
  roles: ['admin', 'member', 'reader'],
}
export const alice: Partial<Caller> = { user_id: 'alice', project_id: 'alpha' }
export const rita: Partial<Caller> = { user_id: 'rita', project_id: 'alpha', roles: ['reader'] }
export const bob: Partial<Caller> = { user_id: 'bob', project_id: 'beta' }
