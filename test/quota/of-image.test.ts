import t from 'tap'
import { loadConfig } from '../../src/config/load.js'
import { alice, startApp } from '../helpers/app.js'

t.test('tags, properties and members are bounded as the operator says', async t => {
  const bounds = { image_tag_quota: 2, image_property_quota: 1, image_member_quota: 1 }
  const owner = (await startApp(t, bounds)).as(alice)
  t.equal((await owner.post('/v2/images', { tags: ['a', 'b', 'c'] })).status, 413)
  t.equal((await owner.post('/v2/images', { one: '1', two: '2' })).status, 413)

  const { id } = await owner.create({ tags: ['a'], one: '1' })
  const at = `/v2/images/${id}`
  t.equal((await owner.put(`${at}/tags/b`)).status, 204)
  const refused = await owner.put(`${at}/tags/c`)
  t.equal(refused.status, 413)
  t.match(refused.text, /at most 2 tags/)
  t.equal((await owner.patch(at, [{ op: 'add', path: '/two', value: '2' }])).status, 413)
  t.equal((await owner.patch(at, [{ op: 'replace', path: '/tags', value: ['a', 'b', 'c'] }])).status, 413)
  t.equal((await owner.post(`${at}/members`, { member: 'beta' })).status, 200)
  t.equal((await owner.post(`${at}/members`, { member: 'gamma' })).status, 413)
  const { json } = await owner.post(`${at}/members/batch`, { members: ['delta'] })
  t.match(json.results, [{ member_id: 'delta', status: 413 }])
  t.match(await owner.show(id), { tags: ['a', 'b'], one: '1', two: undefined })
})

t.test('-1 is no bound, 0 allows none', async t => {
  const owner = (await startApp(t, { image_tag_quota: -1, image_property_quota: 0 })).as(alice)
  const tags = Array.from({ length: 200 }, (_, n) => `t${n}`)
  t.match(await owner.create({ tags }), { tags: { length: 200 } })
  t.equal((await owner.post('/v2/images', { one: '1' })).status, 413)
  t.throws(() => loadConfig({ VITRINE_IMAGE_TAG_QUOTA: '-2' }), /VITRINE_IMAGE_TAG_QUOTA/)
})
