import type { KeystoneClient } from '../auth/keystone-client.js'
import type { Config } from '../config/schema.js'
import { Unavailable } from '../errors.js'

/** How much a project may have, by the names under which Glance registers its limits at Keystone. */
export const limitNames = [
  'image_size_total',
  'image_stage_total',
  'image_count_total',
  'image_count_uploading',
] as const
export type LimitName = (typeof limitNames)[number]

/** MiB for sizes, images for counts; null is no limit. */
export type Limits = Readonly<Record<LimitName, number | null>>

/** Where limits come from: Keystone's unified limits, and the settings where it has none. */
export interface LimitSource {
  of(project: string | null): Promise<Limits>
}

type Settings = Pick<Config, `limit_${LimitName}` | 'keystone_region'>

/** Milliseconds for which the registered limits are believed: they are asked for with every new image. */
const BELIEVED = 1000

/** Opens the source of limits; without Keystone it is the settings alone. */
export function openLimits(settings: Settings, keystone: KeystoneClient | null): LimitSource {
  const own = Object.fromEntries(limitNames.map(name => [name, settings[`limit_${name}`]])) as Record<
    LimitName,
    number | null
  >
  if (keystone === null) return { of: async () => own }

  const region =
    settings.keystone_region === null ? '' : `&region_id=${encodeURIComponent(settings.keystone_region)}`
  let service: string | undefined
  let registered: { at: number; limits: Promise<Map<string, number>> } | undefined

  /** Ids and default limits of our names; empty when the operator has registered none. */
  async function register(): Promise<Map<string, number>> {
    service ??= await serviceId(keystone as KeystoneClient)
    if (service === undefined) return new Map()
    const rows = await ask(
      keystone as KeystoneClient,
      `/registered_limits?service_id=${service}${region}`,
      'registered_limits',
    )
    return new Map(rows.map(row => [String(row.resource_name), Number(row.default_limit)]))
  }

  return {
    async of(project) {
      const now = Date.now()
      if (registered === undefined || now - registered.at > BELIEVED)
        registered = { at: now, limits: register() }
      const defaults = await registered.limits.catch(error => {
        registered = undefined
        throw error
      })
      if (!limitNames.some(name => defaults.has(name))) return own
      const path = `/limits?service_id=${service}${region}&project_id=${encodeURIComponent(project ?? '')}`
      const ofProject = new Map(
        (await ask(keystone, path, 'limits')).map(row => [
          String(row.resource_name),
          Number(row.resource_limit),
        ]),
      )
      const limitOf = (name: LimitName) => {
        const limit = ofProject.get(name) ?? defaults.get(name)
        // a negative limit is none, as everywhere in OpenStack
        return limit === undefined ? own[name] : limit < 0 ? null : limit
      }
      return Object.fromEntries(limitNames.map(name => [name, limitOf(name)])) as Limits
    },
  }
}

async function serviceId(keystone: KeystoneClient): Promise<string | undefined> {
  const [service] = await ask(keystone, '/services?type=image', 'services')
  return service?.id as string | undefined
}

async function ask(keystone: KeystoneClient, path: string, key: string): Promise<Record<string, unknown>[]> {
  const { status, body } = await keystone.asService('GET', path)
  if (status !== 200) throw new Unavailable(`Keystone does not tell its limits (status ${status}).`)
  return ((body as Record<string, unknown> | null)?.[key] ?? []) as Record<string, unknown>[]
}
