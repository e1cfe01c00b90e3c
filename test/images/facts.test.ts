import t from 'tap'
import { facts } from '../../src/images/facts.js'
import { systems } from '../../src/images/systems.js'
import { admin, alice, startApp } from '../helpers/app.js'
import { settled, startWorker } from '../helpers/tasks.js'

const add = (name: string, value: string) => [{ op: 'add', path: `/${name}`, value }]

t.test('unless it is asked for, any value is taken, as in Glance', async t => {
  const me = (await startApp(t)).as(alice)
  for (const name of [...Object.keys(facts), 'os_version'])
    t.equal((await me.post('/v2/images', { [name]: 'whatever' })).status, 201, name)
})

t.test('strict properties', async t => {
  const me = (await startApp(t, { strict_properties: true })).as(alice)
  t.test('every known value is taken, others are refused with the known ones named', async t => {
    for (const [name, { values }] of Object.entries(facts)) {
      const all = await Promise.all(values.map(value => me.post('/v2/images', { [name]: value })))
      t.ok(
        all.every(({ status }) => status === 201),
        name,
      )
      const { status, text } = await me.post('/v2/images', { [name]: 'nonsense' })
      t.equal(status, 400)
      for (const value of values) t.match(text, value)
    }
    t.equal((await me.post('/v2/images', { feature_of_ours: 'yes' })).status, 201)
    t.equal((await me.post('/v2/images', { feature_of_ours: 'maybe' })).status, 400)
    t.equal((await me.post('/v2/images', { colour: 'red' })).status, 201, 'other properties are free')
  })
  t.test('a version is one of its system', async t => {
    for (const [os_distro, { versions }] of Object.entries(systems))
      for (const os_version of [versions[0], versions.at(-1)])
        t.equal(
          (await me.post('/v2/images', { os_distro, os_version })).status,
          201,
          `${os_distro} ${os_version}`,
        )
    const { status, text } = await me.post('/v2/images', { os_distro: 'debian', os_version: '22.04' })
    t.equal(status, 400)
    t.match(text, /os_version of debian has an unknown value.*12/)
    t.equal((await me.post('/v2/images', { os_version: '22.04' })).status, 201, 'of whatever system')
    t.equal((await me.post('/v2/images', { os_version: 'xx' })).status, 400)
  })
  t.test('a patch is held to them as a whole', async t => {
    const { id } = await me.create({ os_distro: 'debian', os_version: '12' })
    const patch = async (operations: object[]) => (await me.patch(`/v2/images/${id}`, operations)).status
    t.equal(await patch(add('os_distro', 'ubuntu')), 400)
    t.equal(await patch([...add('os_distro', 'ubuntu'), ...add('os_version', '24.04')]), 200)
    t.equal(await patch(add('hw_firmware_type', 'coreboot')), 400)
    t.equal(await patch([{ op: 'remove', path: '/os_distro' }]), 200)
  })
})

t.test('what was there before the rule stays, and does not bar other changes', async t => {
  const running = await startApp(t)
  const { id } = await running.as(alice).create({ os_distro: 'beos' })
  Object.assign(running.deps, { config: { ...running.deps.config, strict_properties: true } })
  const me = running.as(alice)
  t.equal((await me.patch(`/v2/images/${id}`, add('name', 'x'))).status, 200)
  t.equal((await me.patch(`/v2/images/${id}`, add('os_distro', 'amiga'))).status, 400)
})

t.test('properties that the operator injects are held to them too', async t => {
  const running = await startApp(t, { strict_properties: true, import_inject: ['os_type=dos'] })
  await startWorker(t, running)
  const me = running.as(alice)
  const { id } = await me.create()
  await me.send('PUT', `/v2/images/${id}/stage`, { 'content-type': 'application/octet-stream' }, 'bytes')
  t.equal((await me.post(`/v2/images/${id}/import`, { method: { name: 'glance-direct' } })).status, 202)
  await settled(running, id)
  t.notMatch(await me.show(id), { os_type: 'dos' })
  t.match((await me.get(`/v2/images/${id}/tasks`)).json.tasks, [
    { status: 'failure', message: /os_type has an unknown value/ },
  ])
})

t.test('what is told of the encryption of bytes stays as long as they do', async t => {
  const running = await startApp(t)
  const names = ['os_encrypt_format', 'os_encrypt_key_id', 'cinder_encryption_key_id']
  const given = Object.fromEntries(names.map(name => [name, 'one']))
  const queued = await running.as(alice).create(given)
  t.equal(
    (await running.as(alice).patch(`/v2/images/${queued.id}`, add('os_encrypt_format', 'two'))).status,
    200,
  )
  const { id } = await running.as(alice).createActive(Buffer.from('secret'), given)
  for (const who of [alice, admin]) {
    const patch = async (operation: object) =>
      (await running.as(who).patch(`/v2/images/${id}`, [operation])).status
    for (const name of names) {
      t.equal(await patch({ op: 'replace', path: `/${name}`, value: 'two' }), 403, name)
      t.equal(await patch({ op: 'remove', path: `/${name}` }), 403, name)
      t.equal(
        await patch({ op: 'replace', path: `/${name}`, value: 'one' }),
        200,
        'the same again is no change',
      )
    }
  }
  t.equal((await running.as(alice).patch(`/v2/images/${id}`, add('os_encrypt_cipher', 'aes'))).status, 200)
  t.equal((await running.as(alice).patch(`/v2/images/${id}`, add('os_encrypt_cipher', 'des'))).status, 403)
  await running.as(admin).post(`/v2/images/${id}/actions/deactivate`)
  t.equal((await running.as(admin).patch(`/v2/images/${id}`, add('os_encrypt_format', 'x'))).status, 403)
})
