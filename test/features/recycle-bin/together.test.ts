/** The bin beside the other additions: versions, consumers, shares, launch defaults. */
import t from 'tap'
import { admin, alice, bob, startApp } from '../../helpers/app.js'
import { tidying } from '../../helpers/left.js'

t.setTimeout(120_000)

const server = await startApp(t)
const owner = server.as(alice)
const root = server.as(admin)
const test = tidying(t, server)

const batch = async (action: string, images: string[]) =>
  (await owner.post('/v2/batch', { action, images })).json.results.map(
    ({ status }: { status: number }) => status,
  )

/** A lineage with so many active versions, the first in production. */
async function versions(count: number): Promise<string[]> {
  const first = await owner.createActive(Buffer.from('1'))
  const ids = [first.id]
  for (let n = 2; n <= count; n++) {
    const made = await owner.post(`/v2/images/${first.id}/versions`, { comment: `number ${n}` })
    const { image_id } = made.json
    await owner.upload(image_id, String(n))
    ids.push(image_id)
  }
  return ids
}
const production = async (id: string) => (await owner.get(`/v2/images/${id}/versions`)).json.production

test('a version comes back, not in production', async t => {
  const [one, two] = (await versions(2)) as [string, string]
  await owner.put(`/v2/images/${one}/versions/production`, { version: 2 })
  t.equal((await owner.delete(`/v2/images/${one}`)).status, 204)
  t.match((await owner.get(`/v2/recycle-bin/${one}`)).json, { os_glance_version: '1' })
  t.equal((await owner.delete(`/v2/images/${two}`)).status, 204, 'the only one outside of the bin')
  t.equal((await owner.post(`/v2/recycle-bin/${two}/restore`)).status, 200)
  t.equal((await owner.post(`/v2/recycle-bin/${one}/restore`)).status, 200)
  for (const id of [one, two]) t.equal((await owner.show(id)).os_glance_production, 'false')
  t.equal(await production(one), null)
  t.equal(
    (await owner.put(`/v2/images/${one}/versions/production`, { version: 2 })).status,
    200,
    'it can be put there again',
  )
  t.equal(await production(one), 2)
})

test('a version that is restored while another took its place', async t => {
  const [one, two] = (await versions(2)) as [string, string]
  t.equal((await owner.delete(`/v2/images/${one}`)).status, 409, 'in production')
  await owner.delete(`/v2/images/${two}`)
  await owner.delete(`/v2/images/${one}`)
  await owner.post(`/v2/recycle-bin/${two}/restore`)
  await owner.put(`/v2/images/${two}/versions/production`, { version: 2 })
  t.equal((await owner.post(`/v2/recycle-bin/${one}/restore`)).status, 200)
  t.equal(await production(one), 2)
})

test('a batch deletes the version in production last, or not at all', async t => {
  const all = await versions(5)
  t.strictSame(await batch('delete', all), [204, 204, 204, 204, 204])
  t.strictSame(await batch('restore', all), [200, 200, 200, 200, 200])
  await owner.put(`/v2/images/${all[0]}/versions/production`, { version: 3 })
  const [one, two, three, ...rest] = all as [string, string, string]
  t.strictSame(await batch('delete', [three, two, one]), [409, 204, 204])
  t.equal(await production(three), 3)
  t.strictSame(await batch('delete', [three, ...rest]), [204, 204, 204])
})

test('an image in use is not put into the bin; its launch defaults are kept there', async t => {
  const { id } = await owner.createActive()
  await owner.put(`/v2/images/${id}/launch-defaults`, { cpu_cores: 2, memory_mb: 512, max_concurrent_use: 3 })
  await owner.put(`/v2/images/${id}/consumers/vm`, { type: 'server' })
  t.strictSame(await batch('delete', [id]), [409])
  t.equal((await owner.get(`/v2/recycle-bin/${id}`)).status, 404)
  await owner.delete(`/v2/images/${id}/consumers/vm`)
  t.equal((await owner.delete(`/v2/images/${id}`)).status, 204)
  t.equal((await owner.put(`/v2/images/${id}/consumers/vm`, { type: 'server' })).status, 404)
  t.equal((await owner.get(`/v2/images/${id}/launch-defaults`)).status, 404)
  await owner.post(`/v2/recycle-bin/${id}/restore`)
  t.match((await owner.get(`/v2/images/${id}/launch-defaults`)).json, {
    cpu_cores: 2,
    memory_mb: 512,
    max_concurrent_use: 3,
  })
})

test('shares with domains and groups are kept, and reach nobody meanwhile', async t => {
  const { id } = await owner.createActive()
  t.equal((await root.post(`/v2/images/${id}/shares`, { kind: 'domain', target: 'far' })).status, 201)
  const before = (await owner.get(`/v2/images/${id}/shares`)).json
  const far = server.as({ ...bob, project_domain_id: 'far' })
  t.equal((await far.get(`/v2/images/${id}`)).status, 200)
  await owner.delete(`/v2/images/${id}`)
  t.equal((await far.get(`/v2/images/${id}`)).status, 404)
  t.notMatch((await far.get('/v2/images')).text, id)
  t.equal((await owner.get(`/v2/images/${id}/shares`)).status, 404)
  await owner.post(`/v2/recycle-bin/${id}/restore`)
  t.strictSame((await owner.get(`/v2/images/${id}/shares`)).json, before)
  t.match((await far.get('/v2/images')).text, id)
})
