import { randomBytes, randomUUID } from 'node:crypto'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import type { Config } from '../../../src/config/schema.js'
import { noOpenssl, tlsRelay } from '../../auth/keystone-setup.js'
import { alice, startApp } from '../../helpers/app.js'
import { noOwnKeystone, ownKeystone } from '../../helpers/keystone.js'
import { until } from '../../helpers/left.js'
import { settled, startWorker } from '../../helpers/tasks.js'
import { webServer } from '../../helpers/web.js'

t.setTimeout(240_000)

const skip = noOwnKeystone || noOpenssl

t.test(
  'an image of another region, found in the catalogue of a Keystone with a CA of its own',
  { skip },
  async t => {
    const bytes = randomBytes(100_000)
    const id = randomUUID()
    let stalled = false
    const remote = await webServer(t, (request, response) => {
      if (!request.headers['x-auth-token']) response.writeHead(401).end()
      else if (request.url === `/v2/images/${id}/file`) {
        response.writeHead(200, { 'content-length': bytes.length })
        if (stalled) response.flushHeaders()
        else response.end(bytes)
      } else if (request.url === `/v2/images/${id}`)
        response.end(
          JSON.stringify({
            id,
            status: 'active',
            disk_format: 'raw',
            container_format: 'bare',
            size: bytes.length,
            os_type: 'linux',
            hw_disk_bus: 'ide',
            os_distro: 'debian',
          }),
        )
      else response.writeHead(404).end()
    })
    const keystone = await ownKeystone(t)
    const made = await keystone.asAdmin('POST', '/services', { service: { type: 'image', name: 'glance' } })
    await keystone.asAdmin('POST', '/regions', { region: { id: 'elsewhere' } })
    const endpoint = { region_id: 'elsewhere', interface: 'public', url: remote.url }
    const { id: service_id } = made.service as { id: string }
    await keystone.asAdmin('POST', '/endpoints', { endpoint: { ...endpoint, service_id } })
    const tls = await tlsRelay(t, keystone.url)

    const settings = {
      auth: 'keystone',
      // without /v3, which the address may lack
      keystone_url: `https://localhost:${tls.port}`,
      keystone_ca_file: tls.ca,
      keystone_username: 'nova',
      keystone_password: 'nova',
      keystone_project: 'service',
      import_allowed_addresses: ['127.0.0.0/8'],
      import_allowed_ports: [],
    } as const satisfies Partial<Config>

    await t.test('is imported, but for properties that the caller may not set', async t => {
      const file = join(t.testdir(), 'protections.conf')
      writeFileSync(
        file,
        '[^hw_]\ncreate = admin\nread = @\nupdate = admin\ndelete = admin\n[.]\ncreate = @\nread = @\nupdate = @\ndelete = @\n',
      )
      const running = await startApp(t, { ...settings, property_protection_file: file })
      await startWorker(t, running)
      const member = running.as({ ...alice, token: await keystone.token('alice') })
      const fetchInto = async (glance_region: string) => {
        const image = await member.create({ os_distro: 'ours' })
        const asked = await member.post(`/v2/images/${image.id}/import`, {
          method: { name: 'glance-download', glance_region, glance_image_id: id },
        })
        t.equal(asked.status, 202, asked.text)
        return settled(running, image.id)
      }
      const image = await fetchInto('elsewhere')
      t.match(image, { status: 'active', size: bytes.length, os_type: 'linux', os_distro: 'debian' })
      t.notOk('hw_disk_bus' in image)
      t.same((await member.download(image.id)).bytes, bytes)

      const failed = await fetchInto('nowhere')
      t.match(failed, { status: 'queued', os_distro: 'ours' })
      const { tasks } = (await member.get(`/v2/images/${failed.id}/tasks`)).json
      t.match(tasks[0].message, /no public endpoint of type image in region nowhere/)

      stalled = true
      const cancelled = await member.create({ disk_format: 'qcow2', os_distro: 'ours' })
      await member.post(`/v2/images/${cancelled.id}/import`, {
        method: { name: 'glance-download', glance_region: 'elsewhere', glance_image_id: id },
      })
      await until(async () => (await member.show(cancelled.id)).os_distro === 'debian', 'what comes along')
      t.match(await member.show(cancelled.id), { status: 'importing', disk_format: 'raw', os_type: 'linux' })
      t.equal((await member.post(`/v2/images/${cancelled.id}/actions/cancel`)).status, 204)
      const after = await member.show(cancelled.id)
      t.match(after, { status: 'queued', disk_format: 'qcow2', os_distro: 'ours' }, 'is as before')
      t.notOk('os_type' in after)
    })

    await t.test('is refused where its system does not go with what the image says', async t => {
      const running = await startApp(t, { ...settings, strict_properties: true })
      await startWorker(t, running)
      const member = running.as({ ...alice, token: await keystone.token('alice') })
      const image = await member.create({ os_distro: 'ubuntu', os_version: '22.04' })
      const method = { name: 'glance-download', glance_region: 'elsewhere', glance_image_id: id }
      t.equal((await member.post(`/v2/images/${image.id}/import`, { method })).status, 202)
      t.match(await settled(running, image.id), {
        status: 'queued',
        os_distro: 'ubuntu',
        hw_disk_bus: undefined,
      })
      const { tasks } = (await member.get(`/v2/images/${image.id}/tasks`)).json
      t.match(tasks[0].message, /os_version of debian/)
    })
  },
)
