import { randomBytes } from 'node:crypto'
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { createTestDatabase, type Teardown } from '../helpers/database.js'
import { type OwnKeystone, ownKeystone } from '../helpers/keystone.js'
import { type Served, serve } from '../helpers/served.js'
import { runVitrine } from '../helpers/server-process.js'

/** Glance's metadata definitions, whose resource types the tests use. */
const definitions = fileURLToPath(new URL('../../../.cache/glance-metadefs', import.meta.url))

/** Type, in the catalogue, of the second Vitrine's service: tempest calls such a one an alternate endpoint. */
export const ALTERNATE = 'image_remote'
export const REGION = 'RegionOne'

/** Of a project; MiB and images. */
const limits = { size_total: 100_000, stage_total: 100_000, count_total: 10_000, count_uploading: 100 }

/** Starts Keystone, with itself in its catalogue and with limits of images that bound nothing. */
export async function startKeystone(t: Teardown): Promise<OwnKeystone> {
  const keystone = await ownKeystone(t)
  const { endpoints } = (await keystone.asAdmin('GET', '/endpoints')) as { endpoints: { id: string }[] }
  for (const { id } of endpoints)
    await keystone.asAdmin('PATCH', `/endpoints/${id}`, { endpoint: { url: keystone.url } })
  const service_id = await addService(keystone, 'glance', 'image')
  await addService(keystone, 'glance_remote', ALTERNATE)
  const registered_limits = Object.entries(limits).map(([name, default_limit]) => ({
    service_id,
    region_id: REGION,
    resource_name: `image_${name}`,
    default_limit,
  }))
  await keystone.asAdmin('POST', '/registered_limits', { registered_limits })
  return keystone
}

async function addService(keystone: OwnKeystone, name: string, type: string): Promise<string> {
  const { service } = (await keystone.asAdmin('POST', '/services', { service: { name, type } })) as {
    service: { id: string }
  }
  return service.id
}

/** Names a server in the catalogue as the one of this type. */
async function publish(keystone: OwnKeystone, type: string, url: string): Promise<void> {
  const { services } = (await keystone.asAdmin('GET', `/services?type=${type}`)) as {
    services: { id: string }[]
  }
  const service_id = services[0]!.id
  const { endpoints } = (await keystone.asAdmin('GET', `/endpoints?service_id=${service_id}`)) as {
    endpoints: { id: string }[]
  }
  for (const { id } of endpoints) await keystone.asAdmin('DELETE', `/endpoints/${id}`)
  const endpoint = { service_id, region_id: REGION, interface: 'public', url }
  await keystone.asAdmin('POST', '/endpoints', { endpoint })
}

/** Starts two Vitrines with everything switched on that tempest knows, and puts them into Keystone's catalogue. */
export async function startVitrines(
  t: Teardown,
  keystone: OwnKeystone,
  folder: string,
  settings: Readonly<Record<string, string>>,
): Promise<Served[]> {
  const database = await createTestDatabase()
  t.teardown(database.drop)
  for (const name of ['fast', 'slow']) mkdirSync(join(folder, name), { recursive: true })
  const common = {
    VITRINE_DATABASE_URL: database.url,
    VITRINE_SECRET_KEY: randomBytes(32).toString('base64'),
    VITRINE_AUTH: 'keystone',
    VITRINE_KEYSTONE_URL: keystone.url,
    VITRINE_KEYSTONE_USERNAME: 'nova',
    VITRINE_KEYSTONE_PASSWORD: 'nova',
    VITRINE_KEYSTONE_PROJECT: 'service',
    VITRINE_KEYSTONE_REGION: REGION,
    // tempest takes an image's stores to be in the order of their names and of their weights
    VITRINE_STORES: `fast=file:${join(folder, 'fast')}?weight=100,slow=file:${join(folder, 'slow')}?weight=50,web=http:`,
    VITRINE_DISK_FORMATS: 'ami,ari,aki,vhd,vhdx,vmdk,raw,qcow2,vdi,iso,ploop,gpt',
    VITRINE_SHOW_MULTIPLE_LOCATIONS: 'true',
    VITRINE_SHOW_IMAGE_DIRECT_URL: 'true',
    VITRINE_IMPORT_CONVERT_TO: 'raw',
    VITRINE_IMPORT_ALLOWED_PORTS: '',
    VITRINE_IMPORT_ALLOWED_ADDRESSES: '127.0.0.0/8',
    ...settings,
  }
  const loaded = await runVitrine(['metadefs', 'load', definitions], {
    env: { ...common, VITRINE_DATA_DIR: join(folder, 'one') },
  })
  if (loaded.code !== 0) throw new Error(loaded.output)
  const vitrines: Served[] = []
  for (const [name, type] of [
    ['one', 'image'],
    ['two', ALTERNATE],
  ] as const) {
    const dataDir = join(folder, name)
    mkdirSync(dataDir, { recursive: true })
    const vitrine = await serve(t, { ...common, VITRINE_CACHE_DIR: join(dataDir, 'cache') }, { dataDir })
    await publish(keystone, type, vitrine.url)
    vitrines.push(vitrine)
  }
  return vitrines
}
