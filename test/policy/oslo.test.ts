import { readFileSync } from 'node:fs'
import t from 'tap'
import { type Caller, nobody } from '../../src/auth/caller.js'
import { Faults } from '../../src/errors.js'
import { glanceRules, type RuleDefault } from '../../src/policy/defaults.js'
import { openPolicy } from '../../src/policy/enforcer.js'
import type { Policy, Target } from '../../src/policy/policy.js'

/** What the real oslo.policy and Glance's rules decided, recorded by scripts/record-oslo-policy.py. */
const recorded = JSON.parse(
  readFileSync(new URL('../../../test/policy/fixtures/oslo-policy.json', import.meta.url), 'utf8'),
) as {
  named: Record<string, string>
  callers: Partial<Caller>[]
  targets: Target[]
  rules: { rule: unknown; decided: string }[]
  glance: Record<string, string>
}

const callers = recorded.callers.map(
  (caller): Caller => ({
    ...nobody,
    ...caller,
    roles: (caller.roles ?? []).map(role => role.toLowerCase()),
  }),
)

/** The same string of letters as the recording: callers, and for each the targets. */
const decide = (policy: Policy, rule: string) =>
  callers
    .flatMap(caller => recorded.targets.map(target => (policy.allows(caller, rule, target) ? '1' : '0')))
    .join('')

/**
 * Rules that oslo.policy would let pass and we refuse at start: a reference to no rule falls to `default` there, and
 * no attribute is written with an exponent.
 */
const refusedOnPurpose = new Set(['rule:unknown', 'rule:', '1e3:1000.0'])

t.test('rules decide as in oslo.policy; those it can not parse or evaluate are refused at start', async t => {
  // A rule of the table may lead in a circle only where it is asked for.
  const { loop, loop2, ...sound } = recorded.named
  for (const { rule, decided } of recorded.rules) {
    const named: Record<string, RuleDefault> = {}
    const helpers = rule === 'rule:loop' ? { ...sound, loop, loop2 } : sound
    for (const [name, check] of Object.entries(helpers))
      named[name] = { check: check!, description: '', helper: true }
    const asked = { check: rule as string, description: '', helper: true as const }
    let policy: Policy
    try {
      policy = openPolicy(null, { ...named, asked })
    } catch (err) {
      t.type(err, Faults)
      if (refusedOnPurpose.has(rule as string)) t.notMatch(decided, /[0E]/, `${rule} passes in oslo.policy`)
      else
        t.notMatch(decided, /1/, `${JSON.stringify(rule)} is refused: ${(err as Faults).faults.join('; ')}`)
      continue
    }
    t.equal(decide(policy, 'asked'), decided, `${JSON.stringify(rule)} decides as in oslo.policy`)
  }
})

t.test("Glance's rules decide as Glance's", async t => {
  const policy = openPolicy(null, glanceRules)
  t.same(Object.keys(glanceRules).sort(), Object.keys(recorded.glance).sort(), 'the same rules')
  for (const [name, decided] of Object.entries(recorded.glance)) t.equal(decide(policy, name), decided, name)
})
