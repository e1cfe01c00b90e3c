import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { type Caller, nobody } from '../../src/auth/caller.js'
import { Faults } from '../../src/errors.js'
import { glanceRules } from '../../src/policy/defaults.js'
import { openPolicy } from '../../src/policy/enforcer.js'
import { compileExpression } from '../../src/policy/property-expression.js'
import { openPropertyProtections, operations } from '../../src/policy/property-protections.js'

/** What Glance decided, recorded by scripts/record-glance-protections.py. */
const recorded = JSON.parse(
  readFileSync(new URL('../../../test/policy/fixtures/glance-protections.json', import.meta.url), 'utf8'),
) as {
  callers: Partial<Caller>[]
  names: string[]
  files: Record<string, { format: string; text: string; decided: string[] | null }>
}

const policy = openPolicy(null, glanceRules)
const caller = (more: Partial<Caller>): Caller => ({ ...nobody, project_id: 'p', ...more })

function open(t: Test, text: string) {
  const file = join(t.testdir(), 'property-protections.conf')
  writeFileSync(file, text)
  return openPropertyProtections(file, policy)
}

const all = (permission: string) => operations.map(operation => `${operation} = ${permission}\n`).join('')

t.test('files decide as in Glance; those that it refuses are refused', async t => {
  for (const [name, { text, decided }] of Object.entries(recorded.files)) {
    if (decided === null) {
      t.throws(() => open(t, text), Faults, name)
      continue
    }
    const protections = open(t, text)
    for (const [at, who] of recorded.callers.entries()) {
      const letters = recorded.names
        .flatMap(property =>
          operations.map(operation => (protections.may(caller(who), operation, property) ? '1' : '0')),
        )
        .join('')
      t.equal(letters, decided[at], `${name}: ${JSON.stringify(who)}`)
    }
  }
})

t.test('without a file everybody may do everything; with one, nobody what no section matches', async t => {
  const open_ = openPropertyProtections(null, policy)
  t.notOk(open_.active)
  for (const operation of operations) t.ok(open_.may(nobody, operation, 'anything'))
  const shut = open(t, '')
  t.ok(shut.active)
  for (const operation of operations) {
    t.notOk(shut.may(caller({ roles: ['admin'] }), operation, 'anything'))
    t.ok(shut.may(nobody, operation, 'os_glance_importing_to_stores'), 'our own properties are not protected')
  }
})

t.test('the first match wins, so a strict section is not loosened by a later one', async t => {
  const protections = open(t, `[^secret$]\n${all('admin')}[.*]\n${all('@')}`)
  const bob = caller({ roles: ['member'] })
  t.notOk(protections.may(bob, 'update', 'secret'))
  t.ok(protections.may(bob, 'update', 'secrets'))
})

t.test('service roles count, and the caller keeps its own roles', async t => {
  const protections = open(t, `[.*]\n${all('service')}`)
  const served = caller({ roles: Object.freeze(['member']), service_roles: Object.freeze(['Service']) })
  t.ok(protections.may(served, 'create', 'x'))
  t.same(served.roles, ['member'])
  t.notOk(policy.allows(served, 'service_api', {}))
})

t.test('whether names are roles or rules shows, or is said; a mixture is a fault', async t => {
  const admin = caller({ roles: ['admin'] })
  const biller = caller({ roles: ['context_is_admin'] })
  const rules = open(t, `[.*]\n${all('context_is_admin')}`)
  t.ok(rules.may(admin, 'read', 'x'))
  t.notOk(rules.may(biller, 'read', 'x'))
  const roles = open(t, `[DEFAULT]\nrule_format = roles\n[.*]\n${all('context_is_admin')}`)
  t.notOk(roles.may(admin, 'read', 'x'))
  t.ok(roles.may(biller, 'read', 'x'))
  t.throws(() => open(t, `[a]\n${all('context_is_admin')}[b]\n${all('admin')}`), /rule_format/)
  t.throws(
    () => open(t, `[DEFAULT]\nrule_format = policies\n[a]\n${all('nowhere')}`),
    /no policy rule "nowhere"/,
  )
  t.throws(() => open(t, `[DEFAULT]\nrule_format = groups\n[a]\n${all('admin')}`), /rule_format/)
})

t.test('all faults are listed at once; a file that is missing is one', async t => {
  try {
    open(t, `x = 1\n[(]\n${all('@,!')}[b]\ncreate = admin\nnonsense\n[b]\n`)
    t.fail('it is refused')
  } catch (err) {
    t.type(err, Faults)
    t.ok((err as Faults).faults.length >= 10, (err as Error).message)
  }
  t.throws(() => openPropertyProtections('/nowhere/protections.conf', policy), Faults)
})

t.test("expressions are Python's; those that could take for ever are refused", async t => {
  const matches: [string, string, boolean][] = [
    ['^a', 'ba', false],
    ['a', 'ba', true],
    ['(?i)^a', 'A', true],
    ['\\Aa\\Z', 'a', true],
    ['\\Aa\\Z', 'ab', false],
    ['(?P<x>a)(?P=x)', 'aa', true],
    ['(?P<x>a)(?P=x)', 'ab', false],
    ['^(hw|os)_', 'os_type', true],
    ['[(+*]x', '(x', true],
    ['^(ab){2}$', 'abab', true],
    ['(a+)b', 'aab', true],
    ['\\(a+\\)+', '(aa)', true],
  ]
  for (const [text, name, wanted] of matches) {
    const expression = compileExpression(text)
    if (typeof expression === 'string') t.fail(`${text}: ${expression}`)
    else t.equal(expression.test(name), wanted, `${text} in ${name}`)
  }
  for (const text of [
    '(a+)+$',
    '(a*)*b',
    '(a|ab)*c',
    '((a)+)*',
    '(a{1,})+',
    '(?:x(a+))*',
    'a(',
    '[]a]',
    'a++',
    '(?x)a',
  ])
    t.type(compileExpression(text), 'string', text)
  const start = Date.now()
  ;(compileExpression('.*.*=.*') as RegExp).test('x'.repeat(255))
  t.ok(Date.now() - start < 500)
})

t.test("a name that is too long is nobody's; odd names are only names", async t => {
  const protections = open(t, `[.*]\n${all('@')}`)
  t.notOk(protections.may(nobody, 'read', 'x'.repeat(256)))
  for (const name of ['__proto__', 'constructor', 'ü', ' ', ''])
    t.ok(protections.may(nobody, 'read', name), name)
})
