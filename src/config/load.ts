import { readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { parseDocument } from 'yaml'
import { Faults } from '../errors.js'
import { crossChecks } from './checks.js'
import { BadValue, isSecret, readValue } from './read.js'
import { type Config, Settings } from './schema.js'
import { didYouMean } from './suggest.js'

const schemas = Settings.properties
type Name = keyof typeof schemas
const names = Object.keys(schemas) as Name[]

const prefix = 'VITRINE_'
const variableOf = (name: string) => prefix + name.toUpperCase()

/** Variables of our prefix that are no settings: the file's name, what tests use, what Kubernetes and Docker add. */
const notSettings = /^VITRINE_(CONFIG$|TEST_|SERVICE_(HOST|PORT)|PORT_\d+_)/

/** A setting as somebody has written it. */
interface Given {
  name: Name
  value: unknown
  /** How the operator knows it: the variable, or the key and its file. */
  label: string
}

/**
 * Puts the settings together: defaults, then vitrine.yaml (or the file that VITRINE_CONFIG names), then the
 * environment. Throws Faults with everything that is wrong with them; the result is frozen.
 */
export function loadConfig(env: NodeJS.ProcessEnv): Config {
  const faults: string[] = []
  const config: Record<string, unknown> = Object.fromEntries(
    names.map(name => [name, structuredClone(schemas[name].default)]),
  )
  const wrong = new Set<string>()
  for (const { name, value, label } of [...fromFile(env, faults), ...fromEnvironment(env, faults)])
    try {
      const read = readValue(schemas[name], value)
      if (read !== undefined) config[name] = read
    } catch (err) {
      if (!(err instanceof BadValue)) throw err
      wrong.add(name)
      faults.push(`${label} ${err.message}`)
    }
  for (const name of paths) if (config[name]) config[name] = resolve(config[name] as string)
  faults.push(...crossChecks(config as Config, wrong))
  if (faults.length > 0) throw new Faults('The settings have faults', faults)
  for (const value of Object.values(config)) Object.freeze(value)
  return Object.freeze(config) as Config
}

/** Relative ones count from the working directory; made absolute once, so that every process means the same. */
const paths: readonly Name[] = [
  'data_dir',
  'cache_dir',
  'users_file',
  'policy_file',
  'property_protection_file',
  'keystone_ca_file',
]

function fromEnvironment(env: NodeJS.ProcessEnv, faults: string[]): Given[] {
  const given: Given[] = []
  for (const [variable, value] of Object.entries(env)) {
    if (!variable.startsWith(prefix) || value === undefined || notSettings.test(variable)) continue
    const found = resolveName(variable.slice(prefix.length).toLowerCase(), value, variable, faults)
    if (found && variable !== variable.toUpperCase()) faults.push(`${variable} has to be written in capitals`)
    else if (found) given.push(found)
    else if (found === undefined)
      faults.push(
        `${variable} is not a setting${didYouMean(variable, [...names.map(variableOf), `${prefix}CONFIG`])}`,
      )
  }
  refuseTwins(given, faults)
  return given
}

function fromFile(env: NodeJS.ProcessEnv, faults: string[]): Given[] {
  const path = env.VITRINE_CONFIG || 'vitrine.yaml'
  let text: string
  try {
    text = readFileSync(path, 'utf8')
  } catch (err) {
    const missing = (err as NodeJS.ErrnoException).code === 'ENOENT'
    if (!missing || env.VITRINE_CONFIG) faults.push(`${path} can't be read: ${reason(err)}`)
    return []
  }
  // Every value stays the text that was written: a password of digits is no number.
  const document = parseDocument(text, { prettyErrors: false, schema: 'failsafe' })
  if (document.errors.length > 0) {
    // Not the parser's excerpt: it may show a secret.
    for (const error of document.errors) {
      const line = text.slice(0, error.pos[0]).split('\n').length
      faults.push(`${path} is not YAML: line ${line}, ${error.code.toLowerCase().replaceAll('_', ' ')}`)
    }
    return []
  }
  const content: unknown = document.toJS()
  if (content === null || content === undefined || content === '') return []
  if (typeof content !== 'object' || Array.isArray(content)) {
    faults.push(`${path} has to be a mapping of settings to values`)
    return []
  }
  const given: Given[] = []
  for (const [key, value] of Object.entries(content)) {
    const unset = value === '~' || value === 'null'
    const found = resolveName(key, unset ? null : value, `${key} in ${path}`, faults)
    if (found) given.push(found)
    else if (found === undefined) faults.push(`${key} in ${path} is not a setting${didYouMean(key, names)}`)
  }
  refuseTwins(given, faults)
  return given
}

/**
 * Finds the setting of a name. `…_file` of a secret names a file that holds it. Gives undefined when there is none,
 * null when its fault has been told.
 */
function resolveName(
  name: string,
  value: unknown,
  label: string,
  faults: string[],
): Given | undefined | null {
  if (isName(name)) return { name, value, label }
  const secret = name.replace(/_file$/, '')
  if (secret === name || !isName(secret) || !isSecret(schemas[secret])) return undefined
  if (value === '' || value === null) return null
  try {
    // Editors and `echo` end a file with a newline, which is no part of the secret.
    return { name: secret, value: readFileSync(String(value), 'utf8').replace(/\r?\n$/, ''), label }
  } catch (err) {
    faults.push(`${label}: the file can't be read: ${reason(err)}`)
    return null
  }
}

const isName = (name: string): name is Name => Object.hasOwn(schemas, name)

/** A secret and the file of the same secret: nobody can know which one is meant. */
function refuseTwins(given: Given[], faults: string[]): void {
  for (const [i, one] of given.entries()) {
    const twin = given.slice(0, i).find(other => other.name === one.name)
    if (twin) faults.push(`${twin.label} and ${one.label} are both set: keep one`)
  }
}

const reason = (err: unknown) => {
  const { code, message } = err as NodeJS.ErrnoException
  if (code === 'ENOENT') return 'there is no such file'
  if (code === 'EACCES') return 'permission denied'
  return code ?? message
}
