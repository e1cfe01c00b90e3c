import { accessSync, constants } from 'node:fs'
import ipaddr from 'ipaddr.js'
import { parseStores } from '../stores/index.js'
import type { Config } from './schema.js'
import { didYouMean } from './suggest.js'

/**
 * What the settings say together, and values that are only right in the light of others: one sentence for each
 * fault. `wrong` names settings whose value was already refused, of which nothing more is said.
 */
export function crossChecks(config: Config, wrong: ReadonlySet<string>): string[] {
  const faults = [
    ...checkAuth(config),
    ...checkDatabase(config),
    ...(wrong.has('stores') ? [] : checkStores(config)),
    ...checkImport(config),
    ...checkFiles(config),
  ]
  return faults
    .filter(fault => !wrong.has(fault.setting))
    .map(fault => `${variable(fault.setting)} ${fault.text}`.replace(' : ', ': '))
}

interface Fault {
  setting: keyof Config
  text: string
}

const variable = (setting: string) => `VITRINE_${setting.toUpperCase()}`

function checkAuth(config: Config): Fault[] {
  if (config.auth === 'none' && !isLoopback(config.host)) {
    const text =
      `${config.host} is not a loopback address: with VITRINE_AUTH=none, where everybody is admin, ` +
      'Vitrine listens on 127.0.0.1 or ::1 only; set VITRINE_AUTH to basic or keystone'
    return [{ setting: 'host', text }]
  }
  const needed: Record<Config['auth'], (keyof Config)[]> = {
    none: [],
    basic: ['users_file'],
    keystone: ['keystone_url', 'keystone_username', 'keystone_password', 'keystone_project'],
  }
  return needed[config.auth]
    .filter(setting => !config[setting])
    .map(setting => ({ setting, text: `is required with VITRINE_AUTH=${config.auth}` }))
}

function isLoopback(host: string): boolean {
  if (host === 'localhost') return true
  return ipaddr.isValid(host) && ipaddr.process(host).range() === 'loopback'
}

function checkDatabase(config: Config): Fault[] {
  if (!config.database_url || config.secret_key) return []
  return [
    {
      setting: 'secret_key',
      text: 'is required with VITRINE_DATABASE_URL: all replicas need the same (make one with: openssl rand -hex 32)',
    },
  ]
}

function checkStores(config: Config): Fault[] {
  let names: string[]
  try {
    names = parseStores(config.stores, config.data_dir).map(store => store.name)
  } catch (err) {
    return (err as Error).message.split('\n').map(line => ({ setting: 'stores' as const, text: `: ${line}` }))
  }
  const chosen = config.default_store
  if (chosen === null || names.includes(chosen)) return []
  return [
    {
      setting: 'default_store',
      text: `names ${chosen}, but the stores are ${names.join(', ')}${didYouMean(chosen, names)}`,
    },
  ]
}

const importMethods = ['glance-direct', 'web-download', 'copy-image', 'glance-download']
const conversionTargets = ['raw', 'qcow2', 'vmdk']

function checkImport(config: Config): Fault[] {
  const faults: Fault[] = []
  for (const method of config.import_methods)
    if (!importMethods.includes(method))
      faults.push({
        setting: 'import_methods',
        text: `has an unknown method ${method}${didYouMean(method, importMethods)}`,
      })
  if (config.import_convert_to !== null && !conversionTargets.includes(config.import_convert_to))
    faults.push({ setting: 'import_convert_to', text: `has to be one of ${conversionTargets.join(', ')}` })
  for (const setting of ['import_allowed_ports', 'import_disallowed_ports'] as const)
    for (const port of config[setting])
      if (!/^\d{1,5}$/.test(port) || Number(port) > 65535)
        faults.push({ setting, text: `has ${port}, which is no port` })
  for (const pair of config.import_inject)
    if (!/^[^=]+=/.test(pair))
      faults.push({ setting: 'import_inject', text: `has ${pair}, which is not name=value` })
  for (const origin of config.cors_origins)
    if (origin === '*' && config.auth === 'none')
      faults.push({
        setting: 'cors_origins',
        text: 'has *: with VITRINE_AUTH=none every web page would be admin; name the origins',
      })
    else if (origin !== '*' && !isOrigin(origin))
      faults.push({
        setting: 'cors_origins',
        text: `has ${origin}, which is no origin such as https://host:port`,
      })
  return faults
}

const isOrigin = (text: string) => URL.canParse(text) && new URL(text).origin === text

function checkFiles(config: Config): Fault[] {
  const faults: Fault[] = []
  for (const setting of [
    'users_file',
    'policy_file',
    'property_protection_file',
    'keystone_ca_file',
  ] as const) {
    const path = config[setting]
    if (path === null) continue
    try {
      accessSync(path, constants.R_OK)
    } catch (err) {
      const missing = (err as NodeJS.ErrnoException).code === 'ENOENT'
      faults.push({ setting, text: `names ${path}, which ${missing ? 'does not exist' : "can't be read"}` })
    }
  }
  return faults
}
