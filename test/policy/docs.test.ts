import { readFileSync, writeFileSync } from 'node:fs'
import t from 'tap'
import { features } from '../../src/app.js'
import { credentials } from '../../src/policy/credentials.js'
import { glanceRules, type RuleDefault } from '../../src/policy/defaults.js'
import { policyDocs } from '../../src/policy/docs.js'

const rules: Record<string, string | RuleDefault> = Object.assign(
  {},
  glanceRules,
  ...features.map(feature => feature.policies),
)
const file = new URL('../../../docs/policies.md', import.meta.url)

// To write it anew: UPDATE_DOCS=1 node dist/test/policy/docs.test.js
if (process.env.UPDATE_DOCS) writeFileSync(file, policyDocs(rules))

t.test('docs/policies.md is current and describes every rule and credential', async t => {
  const text = readFileSync(file, 'utf8')
  t.equal(text, policyDocs(rules))
  for (const name of Object.keys(credentials)) {
    // `system` is an old spelling of system_scope.
    if (name !== 'system') t.match(text, `\`${name}\``)
  }
  for (const [name, rule] of Object.entries(rules))
    t.ok(typeof rule !== 'string' && rule.description.endsWith('.'), `${name} is described`)
})
