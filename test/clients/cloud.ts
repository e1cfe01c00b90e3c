import { execFile } from 'node:child_process'
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import type { Teardown } from '../helpers/database.js'
import { createTestDatabase } from '../helpers/database.js'
import { ownKeystone } from '../helpers/keystone.js'
import { serve } from '../helpers/served.js'
import { runVitrine } from '../helpers/server-process.js'
import type { Client } from './report.js'

const cache = fileURLToPath(new URL('../../../.cache', import.meta.url))
const run = promisify(execFile)

/** A Keystone with a Vitrine in its catalogue. */
export interface Cloud {
  /** Of a client's program that an administrator starts. */
  env: Record<string, string>
  /** Id of a project that images can be shared with. */
  project: string
  /** Asks Vitrine as an administrator; throws unless the status is a success. */
  asAdmin(method: string, path: string, body?: object): Promise<unknown>
  /** Writes the versions of clients' Python packages that are installed into them. */
  versions(clients: Client[]): Promise<void>
  /** Lines of Vitrine's log. */
  log(): string[]
}

/** Starts both: two file stores, an http store, a cache, Glance's metadata definitions, and limits in Keystone. */
export async function startCloud(t: Teardown, folder: string): Promise<Cloud> {
  const keystone = await ownKeystone(t)
  const database = await createTestDatabase()
  t.teardown(database.drop)
  for (const name of ['fast', 'slow']) mkdirSync(join(folder, name))
  const settings = {
    VITRINE_DATABASE_URL: database.url,
    VITRINE_SECRET_KEY: Buffer.alloc(32, folder).toString('base64'),
    VITRINE_AUTH: 'keystone',
    VITRINE_KEYSTONE_URL: keystone.url,
    VITRINE_KEYSTONE_USERNAME: 'nova',
    VITRINE_KEYSTONE_PASSWORD: 'nova',
    VITRINE_KEYSTONE_PROJECT: 'service',
    VITRINE_KEYSTONE_REGION: 'RegionOne',
    VITRINE_STORES: `fast=file:${join(folder, 'fast')},slow=file:${join(folder, 'slow')},web=http:`,
    VITRINE_CACHE_DIR: join(folder, 'cache'),
    VITRINE_SHOW_MULTIPLE_LOCATIONS: 'true',
    VITRINE_IMPORT_ALLOWED_PORTS: '',
    VITRINE_IMPORT_ALLOWED_ADDRESSES: '127.0.0.0/8',
  }
  const dataDir = join(folder, 'vitrine')
  mkdirSync(dataDir)
  const loaded = await runVitrine(['metadefs', 'load', join(cache, 'glance-metadefs')], {
    env: { ...settings, VITRINE_DATA_DIR: dataDir },
  })
  if (loaded.code !== 0) throw new Error(loaded.output)
  const vitrine = await serve(t, settings, { dataDir })

  const { endpoints } = (await keystone.asAdmin('GET', '/endpoints')) as { endpoints: { id: string }[] }
  for (const { id } of endpoints)
    await keystone.asAdmin('PATCH', `/endpoints/${id}`, { endpoint: { url: keystone.url } })
  const { service } = (await keystone.asAdmin('POST', '/services', {
    service: { name: 'glance', type: 'image' },
  })) as { service: { id: string } }
  for (const face of ['public', 'internal', 'admin'])
    await keystone.asAdmin('POST', '/endpoints', {
      endpoint: { service_id: service.id, interface: face, url: vitrine.url, region_id: 'RegionOne' },
    })
  const registered_limits = ['size_total', 'stage_total', 'count_total', 'count_uploading'].map(name => ({
    service_id: service.id,
    region_id: 'RegionOne',
    resource_name: `image_${name}`,
    default_limit: 1000,
  }))
  await keystone.asAdmin('POST', '/registered_limits', { registered_limits })
  const { projects } = (await keystone.asAdmin('GET', '/projects?name=other')) as {
    projects: { id: string }[]
  }

  return {
    env: {
      PATH: process.env.PATH ?? '',
      HOME: folder,
      LANG: 'C.UTF-8',
      PYTHONWARNINGS: 'ignore',
      OS_AUTH_URL: keystone.url,
      OS_USERNAME: 'admin',
      OS_PASSWORD: 'admin',
      OS_PROJECT_NAME: 'admin',
      OS_USER_DOMAIN_ID: 'default',
      OS_PROJECT_DOMAIN_ID: 'default',
      OS_IDENTITY_API_VERSION: '3',
      OS_REGION_NAME: 'RegionOne',
    },
    project: projects[0]!.id,
    async asAdmin(method, path, body) {
      const response = await fetch(vitrine.url + path, {
        method,
        headers: { 'x-auth-token': await keystone.token('admin'), 'content-type': 'application/json' },
        ...(body && { body: JSON.stringify(body) }),
      })
      if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${await response.text()}`)
      const text = await response.text()
      return text === '' ? null : JSON.parse(text)
    },
    async versions(clients) {
      for (const client of clients.filter(({ version }) => version === undefined)) {
        const venv = client.package === 'openstack-image-manager' ? 'image-manager' : 'clients'
        const ask = 'import importlib.metadata as m, sys; print(m.version(sys.argv[1]))'
        const { stdout } = await run(join(cache, venv, 'bin/python'), ['-c', ask, client.package])
        client.version = stdout.trim()
      }
    },
    log: () => vitrine.log,
  }
}
