/**
 * What there is, is described: routes in openapi/openapi.json, refusals in docs/errors.md. (Settings and rules: their
 * own tests beside this one hold docs/configuration.md and docs/policies.md to the code.)
 */
import { execFile } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { createConfig, lintFromString } from '@redocly/openapi-core'
import t from 'tap'
import { Settings } from '../src/config/schema.js'
import * as errors from '../src/errors.js'
import { errorDocs, refusals } from '../src/http/error-docs.js'
import { glanceRules } from '../src/policy/defaults.js'
import { startApp } from './helpers/app.js'

const root = new URL('../../', import.meta.url)
const read = (path: string) => readFileSync(new URL(path, root), 'utf8')

interface Operation {
  summary?: string
  description?: string
  tags?: string[]
  operationId?: string
  parameters?: { name: string; in: string; description?: string }[]
  requestBody?: object
  responses: Record<string, { description?: string; $ref?: string }>
  security: object[]
}
interface Document {
  openapi: string
  paths: Record<string, Record<string, Operation>>
  components: Record<string, Record<string, { description?: string; properties?: object }>>
}
const document = JSON.parse(read('openapi/openapi.json')) as Document
const operations = Object.entries(document.paths).flatMap(([path, item]) =>
  Object.entries(item).map(([method, operation]) => ({
    name: `${method.toUpperCase()} ${path}`,
    path,
    ...operation,
  })),
)

t.test('openapi/openapi.json is current; `npm run openapi` writes it anew', async t => {
  const script = fileURLToPath(new URL('scripts/openapi.mjs', root))
  await t.resolves(promisify(execFile)(process.execPath, [script, '--verify']))
})

t.test('openapi/openapi.json passes the linter', async t => {
  const config = await createConfig({
    extends: ['recommended-strict'],
    rules: {
      // the versions and health routes have none, and / answers 300 as Glance does; below is what we ask instead
      'operation-4xx-response': 'off',
      'operation-2xx-response': 'off',
      // Glance's documents allow null among the words of an enum whose type is string
      'no-enum-type-mismatch': 'off',
    },
  })
  const problems = await lintFromString({
    source: read('openapi/openapi.json'),
    absoluteRef: '/openapi.json',
    config,
  })
  t.same(
    problems.map(({ ruleId, message, location }) => `${ruleId}: ${message} ${location[0]?.pointer ?? ''}`),
    [],
  )
})

t.test('every route is described: summary, parameters, answers, refusals, security', async t => {
  t.ok(operations.length > 50)
  t.equal(new Set(operations.map(({ operationId }) => operationId)).size, operations.length)
  for (const { name, path, summary, tags, parameters = [], responses, security } of operations) {
    t.ok(summary && tags?.length === 1, `${name}: summary and tag`)
    const inPath = [...path.matchAll(/\{([^}]+)\}/g)].map(([, parameter]) => parameter)
    t.same(
      parameters.filter(one => one.in === 'path').map(one => one.name),
      inPath,
      `${name}: parameters of the path`,
    )
    t.same(
      parameters.filter(({ description }) => !description).map(one => one.name),
      [],
      `${name}: parameters without a description`,
    )
    const answers = Object.entries(responses).filter(([status]) => Number(status) < 400)
    t.ok(answers.length > 0, `${name}: an answer`)
    for (const [status, { description }] of answers)
      t.ok(description && description !== 'Default Response', `${name}: ${status} says what it is`)
    if (security.length > 0)
      for (const status of [400, 401, 403, 503]) t.ok(responses[status], `${name}: ${status}`)
    if (inPath.length > 0) t.ok(responses[404], `${name}: 404`)
  }
})

t.test('every route of the server is in openapi/openapi.json, or hidden on purpose', async t => {
  const { app } = await startApp(t)
  const known = new Set(operations.map(({ name }) => name))
  const shown = app.swagger() as unknown as Document
  const served = Object.entries(shown.paths).flatMap(([path, item]) =>
    Object.keys(item).map(method => `${method.toUpperCase()} ${path}`),
  )
  t.same(
    served.filter(name => !known.has(name)),
    [],
  )
})

t.test('docs/errors.md is current and describes every kind of failure', async t => {
  if (process.env.UPDATE_DOCS) writeFileSync(new URL('docs/errors.md', root), errorDocs())
  t.equal(read('docs/errors.md'), errorDocs())
  for (const [name, kind] of Object.entries(errors)) {
    if (typeof kind !== 'function' || !(kind.prototype instanceof errors.HttpError)) continue
    const { status } = new (kind as unknown as new (message: string) => errors.HttpError)('')
    t.ok(refusals[status], `${name} ${status}`)
  }
})

t.test('every setting and every rule is described', async t => {
  const configuration = read('docs/configuration.md')
  for (const [name, schema] of Object.entries(Settings.properties)) {
    t.ok(schema.description, `${name} has a sentence`)
    t.ok(configuration.includes(`VITRINE_${name.toUpperCase()}`), `${name} is in docs/configuration.md`)
  }
  const policies = read('docs/policies.md')
  for (const name of Object.keys(glanceRules))
    t.ok(policies.includes(`\`${name}\``), `${name} is in docs/policies.md`)
})
