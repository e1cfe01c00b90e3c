import t from 'tap'
import { admin, alice, bob, rita, startApp } from '../helpers/app.js'

const server = await startApp(t)
const owner = server.as(alice)
const none = { cpu_cores: null, memory_mb: null, max_concurrent_use: null }

async function shared() {
  const { id } = await owner.create()
  await owner.post(`/v2/images/${id}/members`, { member: 'beta' })
  return `/v2/images/${id}/launch-defaults`
}

t.test('nothing is set until it is, and all three at a time', async t => {
  const at = await shared()
  t.strictSame((await owner.get(at)).json, none)
  const all = { cpu_cores: 4, memory_mb: 8192, max_concurrent_use: 10 }
  const set = await owner.put(at, all)
  t.equal(set.status, 200)
  t.strictSame(set.json, all)
  t.strictSame((await owner.get(at)).json, all)
  t.strictSame((await owner.put(at, { memory_mb: 512 })).json, { ...none, memory_mb: 512 })
  t.strictSame((await owner.get(at)).json, { ...none, memory_mb: 512 })
  t.strictSame((await owner.put(at, { ...none, cpu_cores: 1 })).json, { ...none, cpu_cores: 1 })
  t.strictSame((await owner.put(at, {})).json, none)
})

t.test('who may see and set them', async t => {
  const table = {
    owner: [alice, 200, 200],
    'owner, reader only': [rita, 200, 403],
    recipient: [bob, 200, 403],
    admin: [admin, 200, 200],
    stranger: [{ user_id: 'greta', project_id: 'gamma' }, 404, 404],
    'a service': [{ user_id: 'nova', project_id: 'service', roles: ['service'] }, 404, 404],
    'no role': [{ ...alice, roles: [] }, 404, 404],
  } as const
  for (const [name, [who, get, put]] of Object.entries(table)) {
    const at = await shared()
    t.equal((await server.as(who as object).get(at)).status, get, `${name}: get`)
    t.equal((await server.as(who as object).put(at, { cpu_cores: 2 })).status, put, `${name}: put`)
  }
})

t.test('bad input', async t => {
  const at = await shared()
  for (const value of [0, -1, 1.5, '2', true, [], {}, 2 ** 31, 1e300])
    for (const name of Object.keys(none)) {
      const { status } = await owner.put(at, { [name]: value })
      t.equal(status, 400, `${name} ${JSON.stringify(value)}`)
    }
  for (const body of [[], 'x', '', { cores: 1 }, 'null'])
    t.equal((await owner.put(at, body)).status, 400, JSON.stringify(body))
  t.equal((await owner.put(at, { cpu_cores: 2 ** 31 - 1 })).status, 200)
  t.equal((await owner.put(at, { cpu_cores: 2.0 })).status, 200)
  t.equal((await owner.delete(at)).status, 405)
})
