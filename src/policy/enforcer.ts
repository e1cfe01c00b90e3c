import { readFileSync } from 'node:fs'
import { parseDocument } from 'yaml'
import type { Caller } from '../auth/caller.js'
import { Faults, Forbidden } from '../errors.js'
import { credentials } from './credentials.js'
import type { RuleDefault } from './defaults.js'
import { type Check, parseRule, RuleFault, type Template } from './parse.js'
import { additional, type Policy, type Target } from './policy.js'
import { str } from './python.js'

type Test = (caller: Caller, target: Target) => boolean

/**
 * The policy: declared defaults, overridden by the operator's file (YAML or JSON: rule names to rules), compiled once
 * to closures. A file that can't be read, text that is no rule, a reference to a rule that does not exist and rules
 * that lead back to themselves are refused: throws Faults with all of them.
 *
 * @param file path of the operator's file; null for defaults alone
 * @param defaults the rules that are declared, by name: text for one of an operation, RuleDefault for more
 */
export function openPolicy(
  file: string | null,
  defaults: Readonly<Record<string, string | RuleDefault>>,
): Policy {
  const overrides = file === null ? new Map<string, unknown>() : readOverrides(file)
  const faults: string[] = []
  const checks = new Map<string, Check>()
  const rules = new Map<string, unknown>()
  /** Rules of operations: those that a system- or domain-scoped token fails. */
  const projectScoped = new Set<string>()
  for (const [name, rule] of Object.entries(defaults)) {
    rules.set(name, typeof rule === 'string' ? rule : rule.check)
    if (typeof rule === 'string' || !rule.helper) projectScoped.add(name)
  }
  for (const [name, rule] of overrides) rules.set(name, rule)

  for (const [name, rule] of rules) {
    try {
      checks.set(name, parseRule(rule))
    } catch (err) {
      if (!(err instanceof RuleFault)) throw err
      faults.push(`${name}: ${err.message}`)
    }
  }
  for (const [name, check] of checks)
    faults.push(...strayNames(check, rules).map(fault => `${name}: ${fault}`))
  faults.push(...cycles(checks))
  if (faults.length > 0) throw new Faults(file ?? 'default policies', faults)

  const tests = new Map<string, Test>()
  for (const name of checks.keys()) compileRule(name, checks, tests)

  const allows = (caller: Caller, rule: string, target: Target): boolean => {
    const test = tests.get(rule)
    if (test === undefined) throw new Error(`no policy rule ${rule} is declared`)
    if ((caller.system_scope || caller.domain_id) && projectScoped.has(rule)) return false
    return test(caller, target)
  }
  return {
    allows,
    require(caller, rule, target) {
      if (!allows(caller, rule, target))
        throw new Forbidden(`You are not allowed to do this: policy rule ${rule} denies it.`)
    },
    isAdmin: caller => allows(caller, 'context_is_admin', caller as unknown as Target),
    has: rule => tests.has(rule),
  }
}

function readOverrides(file: string): Map<string, unknown> {
  let text: string
  try {
    text = readFileSync(file, 'utf8')
  } catch (err) {
    throw new Faults(file, [`can't be read: ${(err as Error).message}`])
  }
  const document = parseDocument(text)
  if (document.errors.length > 0)
    throw new Faults(
      file,
      document.errors.map(error => error.message.split('\n')[0]!),
    )
  const content: unknown = document.toJS({ mapAsMap: true, maxAliasCount: 100 })
  if (content === null || content === undefined) return new Map()
  if (!(content instanceof Map)) throw new Faults(file, ['it must hold rule names and their rules'])
  return new Map([...content].map(([name, rule]) => [String(name), rule]))
}

/** Names in a rule that mean nothing: rules that do not exist (oslo.policy would take `default`), unknown credentials. */
function strayNames(check: Check, rules: ReadonlyMap<string, unknown>): string[] {
  switch (check.is) {
    case 'not':
      return strayNames(check.check, rules)
    case 'and':
    case 'or':
      return check.checks.flatMap(inner => strayNames(inner, rules))
    case 'rule':
      return rules.has(check.name) ? [] : [`there is no rule "${check.name}"`]
    case 'credential':
      return Object.hasOwn(credentials, check.name)
        ? []
        : [`there is no credential "${check.name}"; known: ${Object.keys(credentials).join(', ')}`]
    default:
      return []
  }
}

function references(check: Check): string[] {
  if (check.is === 'rule') return [check.name]
  if (check.is === 'not') return references(check.check)
  return check.is === 'and' || check.is === 'or' ? check.checks.flatMap(references) : []
}

/** Each circle of rules that lead back to themselves, once. */
function cycles(checks: ReadonlyMap<string, Check>): string[] {
  const found: string[] = []
  const done = new Set<string>()
  const visit = (name: string, path: string[]): void => {
    const at = path.indexOf(name)
    if (at >= 0) found.push(`${name}: leads back to itself (${[...path.slice(at), name].join(' → ')})`)
    if (at >= 0 || done.has(name)) return
    const check = checks.get(name)
    if (check) for (const next of references(check)) visit(next, [...path, name])
    done.add(name)
  }
  for (const name of checks.keys()) visit(name, [])
  return found
}

function compileRule(name: string, checks: ReadonlyMap<string, Check>, tests: Map<string, Test>): Test {
  const known = tests.get(name)
  if (known) return known
  const test = compile(checks.get(name)!, inner => compileRule(inner, checks, tests))
  tests.set(name, test)
  return test
}

function compile(check: Check, rule: (name: string) => Test): Test {
  switch (check.is) {
    case 'always':
      return () => true
    case 'never':
      return () => false
    case 'not': {
      const inner = compile(check.check, rule)
      return (caller, target) => !inner(caller, target)
    }
    case 'and': {
      const inner = check.checks.map(one => compile(one, rule))
      return (caller, target) => inner.every(test => test(caller, target))
    }
    case 'or': {
      const inner = check.checks.map(one => compile(one, rule))
      return (caller, target) => inner.some(test => test(caller, target))
    }
    case 'rule':
      return rule(check.name)
    case 'role': {
      const wanted = compileTemplate(check.role)
      return (caller, target) => {
        const role = wanted(target)?.toLowerCase()
        return role !== undefined && caller.roles.some(one => one.toLowerCase() === role)
      }
    }
    case 'credential': {
      const read = credentials[check.name]!
      const wanted = compileTemplate(check.value)
      return (caller, target) => {
        const text = wanted(target)
        const value = text === undefined ? undefined : read(caller)
        if (value === undefined) return false
        return Array.isArray(value) ? value.some(item => str(item) === text) : str(value) === text
      }
    }
    case 'literal': {
      const wanted = compileTemplate(check.value)
      return (_caller, target) => wanted(target) === check.literal
    }
  }
}

/** Fills a template in; undefined when the target lacks a key. */
function compileTemplate(template: Template): (target: Target) => string | undefined {
  if (template.length === 1) {
    const only = template[0]!
    if (typeof only === 'string') return () => only
    return target => lookUp(target, only.key)
  }
  return target => {
    let text = ''
    for (const part of template) {
      const piece = typeof part === 'string' ? part : lookUp(target, part.key)
      if (piece === undefined) return undefined
      text += piece
    }
    return text
  }
}

/** Own keys alone: `%(constructor)s` is no attribute. */
function lookUp(target: Target, key: string): string | undefined {
  const found = Object.hasOwn(target, key) ? target : target[additional]
  if (found === undefined || !Object.hasOwn(found, key)) return undefined
  const value = found[key]
  return value === undefined ? undefined : str(value)
}
