import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import t from 'tap'
import { configurationDocs } from '../../src/config/docs.js'
import { Settings } from '../../src/config/schema.js'

const file = join(fileURLToPath(new URL('../../../', import.meta.url)), 'docs', 'configuration.md')

t.test('docs/configuration.md is current', async t => {
  if (process.env.UPDATE_DOCS) writeFileSync(file, configurationDocs())
  t.equal(readFileSync(file, 'utf8'), configurationDocs(), 'else run with UPDATE_DOCS=1')
})

t.test('every setting has a sentence and a default', async t => {
  for (const [name, schema] of Object.entries(Settings.properties)) {
    t.match(schema.description, /^\S.*\.$/s, name)
    t.ok('default' in schema, name)
  }
})
