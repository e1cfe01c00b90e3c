import t from 'tap'
import { alice, startApp } from '../helpers/app.js'

t.test('what one request can ask of the server is bounded', async t => {
  const running = await startApp(t)
  const me = running.as(alice)
  const big = 'y'.repeat(100_000)

  t.equal((await me.post('/v2/images', { x: big })).status, 201, 'long values are fine')
  t.equal(
    (await me.post('/v2/images', { x: big, y: big })).status,
    413,
    'not without end: a list shows them all',
  )
  const { id } = await me.create({ x: big })
  t.equal((await me.patch(`/v2/images/${id}`, [{ op: 'add', path: '/y', value: big }])).status, 413)
  t.equal((await me.patch(`/v2/images/${id}`, [{ op: 'replace', path: '/x', value: 'z' }])).status, 200)

  const deep = `{"name":${'['.repeat(2_000_000)}${']'.repeat(2_000_000)}}`
  const began = performance.now()
  const refused = await me.inject({ method: 'POST', url: '/v2/images', payload: deep })
  t.equal(refused.status, 400)
  t.match(refused.text, /nested/)
  t.ok(performance.now() - began < 1500, 'without keeping the parser busy')
  const quoted = { x: `${'["'.repeat(40_000)}` }
  t.equal((await me.post('/v2/images', quoted)).status, 201, 'brackets in a text are no nesting')
})
