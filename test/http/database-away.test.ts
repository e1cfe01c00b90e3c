import t from 'tap'
import { alice, startApp } from '../helpers/app.js'
import { databaseProxy } from '../helpers/database-proxy.js'
import { tidying, until } from '../helpers/left.js'

let cut: Awaited<ReturnType<typeof databaseProxy>> | undefined
const server = await startApp(
  t,
  {},
  {
    wire: async url => {
      cut = await databaseProxy(t, url)
      return cut.url
    },
  },
)
const owner = server.as(alice)
const test = tidying(t, server)

test('while the database is away everything that needs it is 503, and then all is well again', async t => {
  const { id } = await owner.createActive(Buffer.from('bytes'))
  const { id: queued } = await owner.create()
  cut?.open(false)
  const asked: [string, Promise<{ status: number; headers: object }>][] = [
    ['show', owner.get(`/v2/images/${id}`)],
    ['list', owner.get('/v2/images')],
    ['create', owner.post('/v2/images', {})],
    ['patch', owner.patch(`/v2/images/${id}`, [{ op: 'add', path: '/p', value: 'x' }])],
    ['tag', owner.put(`/v2/images/${id}/tags/t`)],
    ['members', owner.get(`/v2/images/${id}/members`)],
    ['deactivate', owner.post(`/v2/images/${id}/actions/deactivate`)],
    ['delete', owner.delete(`/v2/images/${id}`)],
    ['upload', owner.upload(queued, 'bytes')],
    ['download', owner.download(id)],
  ]
  for (const [what, asking] of asked) {
    const answer = await asking
    t.equal(answer.status, 503, what)
    t.match(answer.headers, { 'retry-after': '5' })
  }
  t.equal((await owner.get('/versions')).status, 200, 'what needs no database goes on')
  t.equal((await owner.get('/v2/schemas/image')).status, 200)
  cut?.open(true)
  await until(async () => (await owner.get(`/v2/images/${id}`)).status === 200, 'the database')
  t.equal((await owner.download(id)).text, 'bytes')
  t.equal((await owner.upload(queued, 'bytes')).status, 204)
})
