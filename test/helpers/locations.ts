import { createHash, randomBytes } from 'node:crypto'
import type { RequestListener } from 'node:http'
import type { Test } from 'tap'
import { admin, alice, startApp, type TestApp } from './app.js'
import { startWorker } from './tasks.js'
import { serve, webServer } from './web.js'

/** What the web server of these tests has, under every path. */
export const bytes = randomBytes(300_001)
export const digest = (algorithm: string) => createHash(algorithm).update(bytes).digest('hex')
/** A service without other roles, in alice's project, which is what lets it see a private image. */
export const service = { user_id: 'cinder', project_id: 'alpha', roles: ['service'] }
/** Settings with which loopback may be reached. */
export const open = { import_allowed_addresses: ['127.0.0.0/8'], import_allowed_ports: [] }

/** An application with an http store, which does its tasks, and a web server. */
export async function startWithWeb(t: Test, handler: RequestListener = serve(bytes), overrides = {}) {
  const running = await startApp(t, { ...open, ...overrides }, { moreStores: ['web=http:'] })
  await startWorker(t, running)
  return { running, web: await webServer(t, handler), me: running.as(alice) }
}

/** Adds a location, as alice unless somebody else is named. */
export const add = (running: TestApp, id: string, body: unknown, who: object = alice) =>
  running.as(who).post(`/v2/images/${id}/locations`, body)

export const tasksOf = async (running: TestApp, id: string) =>
  (await running.as(admin).get(`/v2/images/${id}/tasks`)).json.tasks
