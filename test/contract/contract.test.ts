import { test } from 'tap'
import { compare } from './compare.js'
import { differences } from './differences.js'
import { differencesPage, differing, readDifferencesPage } from './differences-page.js'
import type { Reply } from './exchange.js'
import { readFixture } from './fixtures.js'
import { named } from './run.js'
import { areas } from './scenarios/index.js'

test('every scenario was recorded as it stands', async t => {
  for (const area of areas) {
    const recorded = (await readFixture(area.name)).map(({ name, needs, exchanges }) => ({
      name,
      needs,
      steps: exchanges.map(({ request }) => request),
    }))
    const wanted = area.scenarios.map(({ name, needs, steps }) => ({ name, needs, steps: named(steps) }))
    t.equal(JSON.stringify(recorded), JSON.stringify(wanted), `${area.name}: record it again if this differs`)
    const names = wanted.map(({ name }) => name)
    t.equal(new Set(names).size, names.length, `${area.name}: each scenario has a name of its own`)
  }
})

test('there are enough exchanges to speak of a contract', async t => {
  let count = 0
  for (const area of areas)
    for (const { exchanges } of await readFixture(area.name)) count += exchanges.length
  t.ok(count >= 1500, `${count} exchanges`)
})

test('every fault of Glance is a difference, and each difference is still met', async t => {
  const found = await differing()
  for (const difference of differences) {
    t.ok(found.get(difference)?.length, `${difference.area}: ${difference.what}`)
  }
  const excused = new Set(
    [...found.values()].flat().map(({ exchange }) => `${exchange.request.name} ${exchange.reply.status}`),
  )
  for (const area of areas) {
    for (const { exchanges } of await readFixture(area.name)) {
      for (const { request, reply } of exchanges) {
        const fault = reply.status === 0 || reply.status === 500
        if (fault) t.ok(excused.has(`${request.name} ${reply.status}`), `${area.name}: ${request.name}`)
      }
    }
  }
})

test('docs/differences.md is current', async t => {
  t.equal(await readDifferencesPage(), await differencesPage())
})

test('a reply that is not as recorded is told from one that is', t => {
  const recorded: Reply = {
    status: 200,
    headers: { 'content-type': 'application/json', location: '<base>/v2/images/<image>' },
    body: { id: '<image>', tags: ['a'], size: null, ['__proto__']: 'own' },
  }
  const twin = (change: (reply: Reply) => void) => {
    const copy = structuredClone(recorded)
    change(copy)
    return compare(recorded, copy)
  }
  t.same(
    twin(() => undefined),
    [],
  )
  t.match(
    twin(reply => Object.assign(reply, { status: 201 })),
    ['status: 200 expected, 201 came'],
  )
  t.equal(twin(reply => Object.assign(reply.headers, { 'content-type': 'text/plain' })).length, 1)
  t.equal(twin(reply => Object.assign(reply.headers, { allow: 'GET' })).length, 1)
  t.equal(twin(reply => Reflect.deleteProperty(reply.headers, 'location')).length, 1)
  t.equal(twin(reply => Object.assign(reply.body as object, { size: 0 })).length, 1)
  t.equal(twin(reply => Object.assign(reply.body as object, { more: null })).length, 1)
  t.equal(twin(reply => Object.assign(reply.body as object, { tags: ['a', 'b'] })).length, 1)
  t.equal(twin(reply => Reflect.deleteProperty(reply.body as object, 'id')).length, 1)
  t.end()
})
