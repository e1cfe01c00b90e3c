import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { type Caller, nobody } from '../../src/auth/caller.js'
import { Faults, Forbidden } from '../../src/errors.js'
import { glanceRules } from '../../src/policy/defaults.js'
import { openPolicy } from '../../src/policy/enforcer.js'

const caller = (more: Partial<Caller>): Caller => ({ ...nobody, user_id: 'u', project_id: 'p', ...more })
const admin = caller({ roles: ['admin', 'member', 'reader'] })
const member = caller({ roles: ['member', 'reader'] })

/** Opens Glance's rules with an operator's file of this content. */
function withFile(t: Test, content: string) {
  const file = join(t.testdir(), 'policy.yaml')
  writeFileSync(file, content)
  return openPolicy(file, glanceRules)
}

t.test("the operator's file overrides rules one by one and may name rules of its own", async t => {
  const policy = withFile(
    t,
    `
# comments are fine
publicize_image: rule:publisher or rule:context_is_admin
publisher: "role:publisher and project_id:%(project_id)s"
delete_image: [["role:admin"], ["role:cleaner", "'True':%(protected)s"]]
`,
  )
  const publisher = caller({ roles: ['publisher'] })
  t.ok(policy.allows(publisher, 'publicize_image', { project_id: 'p' }))
  t.notOk(policy.allows(publisher, 'publicize_image', { project_id: 'other' }))
  t.ok(policy.allows(admin, 'publicize_image', { project_id: 'other' }))
  t.ok(policy.allows(caller({ roles: ['cleaner'] }), 'delete_image', { protected: true }))
  t.notOk(
    policy.allows(member, 'delete_image', { project_id: 'p', protected: false }),
    'the default is replaced',
  )
  t.ok(policy.allows(member, 'modify_image', { project_id: 'p' }), 'other defaults stay')
})

t.test('an empty file changes nothing; a JSON file is YAML, too', async t => {
  t.ok(withFile(t, '# nothing\n').allows(member, 'modify_image', { project_id: 'p' }))
  t.notOk(withFile(t, '{"modify_image": "!"}').allows(admin, 'modify_image', { project_id: 'p' }))
})

t.test('all faults of a file are listed at once', async t => {
  let fault: unknown
  try {
    withFile(
      t,
      `
a: role:x and
b: rule:nowhere
c: projct_id:%(owner)s
d: rule:e
e: not rule:d
f: null
g: "project_id:%(owner)"
h: http://server/check
i: 5
j: "'member':'member'"
`,
    )
  } catch (err) {
    fault = err
  }
  t.type(fault, Faults)
  const { faults } = fault as Faults
  for (const name of 'abcfghij') t.equal(faults.filter(line => line.startsWith(`${name}: `)).length, 1, name)
  t.equal(faults.filter(line => line.includes('leads back to itself')).length, 1, 'a circle is told once')
  t.equal(faults.length, 9)
})

t.test('a file that is missing, no YAML or no mapping is refused', async t => {
  t.throws(() => openPolicy('/nowhere/policy.yaml', glanceRules), Faults)
  t.throws(() => withFile(t, 'a: [b'), Faults)
  t.throws(() => withFile(t, '- a\n- b\n'), Faults)
  t.throws(() => withFile(t, 'a: "@"\na: "!"\n'), Faults, 'a rule given twice')
})

t.test('a denied rule is Forbidden and named; an undeclared one is a mistake in the code', async t => {
  const policy = openPolicy(null, glanceRules)
  t.throws(() => policy.require(member, 'publicize_image', {}), Forbidden)
  t.throws(() => policy.require(member, 'publicize_image', {}), /publicize_image/)
  t.doesNotThrow(() => policy.require(admin, 'publicize_image', {}))
  t.throws(() => policy.allows(admin, 'publicise_image', {}), { name: 'Error', message: /publicise_image/ })
  t.ok(policy.has('publicize_image'))
  t.notOk(policy.has('publicise_image'))
})

t.test(
  'a system- or domain-scoped admin fails every rule of an operation, and is an admin nevertheless',
  async t => {
    const policy = openPolicy(null, glanceRules)
    const system = caller({ ...admin, project_id: null, system_scope: 'all' })
    const domain = caller({ ...admin, project_id: null, domain_id: 'default' })
    for (const [name, rule] of Object.entries(glanceRules)) {
      if (rule.helper) continue
      t.notOk(policy.allows(system, name, { visibility: 'public' }), name)
      t.notOk(policy.allows(domain, name, { visibility: 'public' }), name)
    }
    t.ok(policy.isAdmin(system))
    t.ok(policy.isAdmin(domain))
    t.notOk(policy.isAdmin(member))
  },
)

t.test('attributes are own keys of the target: nothing is found on prototypes', async t => {
  const policy = openPolicy(null, {
    proto: "'{}':%(__proto__)s",
    proto2: 'project_id:%(__proto__)s',
    undefinedKey: 'None:%(gone)s',
    nullKey: 'None:%(empty)s',
    context_is_admin: 'role:admin',
  })
  for (const rule of ['proto', 'proto2', 'undefinedKey'])
    t.notOk(policy.allows(member, rule, { gone: undefined }), rule)
  t.ok(policy.allows(member, 'nullKey', { empty: null }))
})

t.test('service roles never count as roles', async t => {
  const policy = openPolicy(null, glanceRules)
  t.notOk(
    policy.allows(caller({ roles: [], service_roles: ['service', 'admin'] }), 'fetch_image_location', {}),
  )
})

t.test('a check costs little: a hundred thousand in a second on any machine', async t => {
  const policy = openPolicy(null, glanceRules)
  const target = { project_id: 'other', member_id: null, visibility: 'public', owner: 'other' }
  const start = process.hrtime.bigint()
  let passed = 0
  for (let i = 0; i < 100_000; i++) if (policy.allows(member, 'get_image', target)) passed++
  const ms = Number(process.hrtime.bigint() - start) / 1e6
  t.equal(passed, 100_000)
  t.comment(`${Math.round(100_000 / ms)} checks per millisecond`)
  t.ok(ms < 1000, `${ms} ms`)
})
