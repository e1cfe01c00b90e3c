import { readFileSync } from 'node:fs'
import type { Caller } from '../auth/caller.js'
import { Faults } from '../errors.js'
import { readIni, type Section } from './ini.js'
import type { Policy } from './policy.js'
import { compileExpression } from './property-expression.js'

export const operations = ['create', 'read', 'update', 'delete'] as const
export type PropertyOperation = (typeof operations)[number]

/** Which additional properties of images who may do what with. */
export interface PropertyProtections {
  /** Whether a file is in force; without one everything is allowed. */
  readonly active: boolean
  may(caller: Caller, operation: PropertyOperation, property: string): boolean
}

type Permission = (caller: Caller) => boolean

interface Rule {
  readonly expression: RegExp
  readonly permissions: Readonly<Record<PropertyOperation, Permission>>
}

/** Longer names are refused by the API; here it bounds what an expression can cost. */
const longestName = 255

/**
 * Glance's property protections: an INI file whose sections are expressions that are looked for in a property's name,
 * first match wins, with `create`, `read`, `update` and `delete` each. What no section matches is allowed to nobody.
 *
 * A permission is a list of roles, or one policy rule, or `@` (everybody) or `!` (nobody). Glance has a setting for
 * which of the two; here it shows: a file whose names are all policy rules is of policies, one whose names are none
 * is of roles, a mixture is a fault. `rule_format = roles` or `policies` in a section [DEFAULT], which Glance passes
 * over, says it outright.
 *
 * Roles of a service token count beside the caller's own, for this question alone. Properties that begin with
 * `os_glance` are Glance's and Vitrine's own: sections for them are passed over.
 *
 * @param file path of the file; null: everything is allowed
 * @throws Faults with everything that is wrong in the file
 */
export function openPropertyProtections(
  file: string | null,
  policy: Pick<Policy, 'allows' | 'has'>,
): PropertyProtections {
  if (file === null) return { active: false, may: () => true }
  const { sections, defaults, faults } = readIni(readText(file))
  const own = sections.filter(section => !section.name.startsWith('os_glance'))
  const format = formatOf(own, defaults.get('rule_format'), policy, faults)
  const rules = own.flatMap(section => compileSection(section, format, policy, faults) ?? [])
  if (faults.length > 0) throw new Faults(file, faults)

  const found = new Map<string, Rule | null>()
  function ruleFor(property: string): Rule | null {
    let rule = found.get(property)
    if (rule !== undefined) return rule
    rule = rules.find(({ expression }) => expression.test(property)) ?? null
    // Names come from callers: what is remembered of them is bounded.
    if (found.size >= 10_000) found.clear()
    found.set(property, rule)
    return rule
  }

  return {
    active: true,
    may(caller, operation, property) {
      if (property.startsWith('os_glance')) return true
      if (property.length > longestName) return false
      return ruleFor(property)?.permissions[operation](caller) ?? false
    },
  }
}

function readText(file: string): string {
  try {
    return readFileSync(file, 'utf8')
  } catch (err) {
    throw new Faults(file, [`can't be read: ${(err as Error).message}`])
  }
}

const words = (value: string): string[] =>
  value
    .split(',')
    .map(word => word.trim())
    .filter(word => word !== '')

function formatOf(
  sections: readonly Section[],
  told: string | undefined,
  policy: Pick<Policy, 'has'>,
  faults: string[],
): 'roles' | 'policies' {
  if (told !== undefined && told !== 'roles' && told !== 'policies')
    faults.push(`[DEFAULT] rule_format: must be roles or policies, not ${told}`)
  const names = new Set(
    sections.flatMap(({ options }) => operations.flatMap(operation => words(options.get(operation) ?? ''))),
  )
  names.delete('@')
  names.delete('!')
  const strange = [...names].filter(name => !policy.has(name))
  if (told === 'policies') faults.push(...strange.map(name => `there is no policy rule "${name}"`))
  if (told === 'roles' || told === 'policies') return told
  if (strange.length === names.size) return 'roles'
  if (strange.length > 0)
    faults.push(
      `some names are policy rules and some are not (${strange.join(', ')}): write rule_format = roles or policies under [DEFAULT]`,
    )
  return 'policies'
}

function compileSection(
  { name, options }: Section,
  format: 'roles' | 'policies',
  policy: Pick<Policy, 'allows' | 'has'>,
  faults: string[],
): Rule | undefined {
  const before = faults.length
  const expression = compileExpression(name)
  if (typeof expression === 'string') faults.push(`[${name}]: ${expression}`)
  const permissions: Partial<Record<PropertyOperation, Permission>> = {}
  for (const operation of operations) {
    const value = options.get(operation)
    const permission = value === undefined ? 'is missing' : compilePermission(value, format, policy)
    if (typeof permission === 'string') faults.push(`[${name}] ${operation}: ${permission}`)
    else permissions[operation] = permission
  }
  if (faults.length > before) return undefined
  return { expression: expression as RegExp, permissions: permissions as Rule['permissions'] }
}

function compilePermission(
  value: string,
  format: 'roles' | 'policies',
  policy: Pick<Policy, 'allows'>,
): Permission | string {
  const names = words(value)
  if (names.includes('@') && names.includes('!')) return '@ and ! exclude each other'
  if (names.includes('!')) return () => false
  if (names.includes('@')) return () => true
  if (format === 'policies') {
    const [rule, ...more] = names
    if (more.length > 0) return 'takes one policy rule; combine several in the policy file'
    return rule === undefined ? () => false : caller => policy.allows(withServiceRoles(caller), rule, {})
  }
  const roles = new Set(names.map(role => role.toLowerCase()))
  return caller => withServiceRoles(caller).roles.some(role => roles.has(role.toLowerCase()))
}

/** A copy: Glance adds them to the caller for good, whose later policy checks then pass by them. */
const withServiceRoles = (caller: Caller): Caller =>
  caller.service_roles.length === 0
    ? caller
    : { ...caller, roles: [...caller.roles, ...caller.service_roles] }
