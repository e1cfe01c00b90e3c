import t from 'tap'
import { admin, alice, startApp } from '../helpers/app.js'
import { startWorker } from '../helpers/tasks.js'

t.test('a task of a type that goes with an import is made, and fails, as in Glance', async t => {
  const running = await startApp(t)
  await startWorker(t, running)
  const root = running.as(admin)
  t.equal((await running.as(alice).post('/v2/tasks', { type: 'location_import', input: {} })).status, 403)
  t.equal((await root.post('/v2/tasks', { type: 'export', input: {} })).status, 400)

  for (const type of ['api_image_import', 'location_import']) {
    const input = { import_from: 'http://user:secret@example.com/a', image_properties: { name: 'x' } }
    const made = await root.post('/v2/tasks', { type, input })
    t.equal(made.status, 201)
    t.match(made.json, { type, status: 'pending', owner: 'cloud', result: null, message: '' })
    t.match(made.headers.location, new RegExp(`/v2/tasks/${made.json.id}$`))
    const { json } = await root.get(`/v2/tasks/${made.json.id}`)
    t.match(json, { type, status: 'failure', message: /can not be made by itself/, expires_at: String })
    t.match(json.input, { import_from: 'http://user:***@example.com/a', image_properties: { name: 'x' } })
  }
  t.equal((await root.post('/v2/tasks', { type: 'api_image_import', input: null })).status, 201)
  const nul = await root.post('/v2/tasks', { type: 'api_image_import', input: { name: 'a\u0000' } })
  t.equal(nul.status, 400, 'a text with NUL is no text')
  const { json } = await root.get('/v2/tasks')
  t.equal(json.tasks.length, 3)
  t.same(await running.deps.db.selectFrom('images').select('id').execute(), [])
})
