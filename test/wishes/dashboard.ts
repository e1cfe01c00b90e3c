import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { admin, alice, bob, startApp } from '../helpers/app.js'
import { disk, type Source } from './wish.js'

const visibility = (value: string) => [{ op: 'replace', path: '/visibility', value }]

export const dashboard: Source = {
  name: 'dashboard',
  title: 'OpenStack user guide, “Upload and manage images”',
  wishes: [
    {
      says: 'An image is one file with a bootable disk, from which instances are made',
      built: '`PUT /v2/images/{id}/file`, `GET /v2/images/{id}/file`',
      async test(t, { running }) {
        const { id } = await running.as(alice).createActive(disk)
        t.ok((await running.as(alice).download(id)).bytes.equals(disk))
      },
    },
    {
      says: 'Whether one may upload and manage images depends on the role; an operator can keep it to administrators',
      built: 'rules `add_image` and the others, in `VITRINE_POLICY_FILE`',
      async test(t) {
        const folder = mkdtempSync(join(tmpdir(), 'vitrine-wish-'))
        t.teardown(() => rmSync(folder, { recursive: true }))
        const policy_file = join(folder, 'policy.yaml')
        writeFileSync(policy_file, 'add_image: role:admin\n')
        const { as } = await startApp(t, { policy_file })
        t.equal((await as(alice).post('/v2/images', { name: 'x' })).status, 403)
        t.equal((await as(admin).post('/v2/images', { name: 'x' })).status, 201)
      },
    },
    {
      says: 'The glance command line manages images',
      built: 'the Image API v2; `test/clients` runs it',
      async test(t, { running }) {
        t.equal((await running.as(alice).get('/v2/schemas/image')).json.name, 'image')
      },
    },
    {
      says: 'The nova command line and the Compute API do so as well',
      outside: 'routes of Nova, which pass on to this API',
    },
    {
      says: 'An image is created with a name and, if one likes, a description',
      built: '`POST /v2/images`',
      async test(t, { running }) {
        t.equal((await running.as(alice).post('/v2/images', { name: 'only a name' })).status, 201)
        t.match(await running.as(alice).create({ description: 'both' }), { description: 'both' })
      },
    },
    {
      says: 'It is queued first and becomes active after a while',
      built: '`status`',
      async test(t, { running }) {
        const me = running.as(alice)
        const { id, status } = await me.create()
        t.equal(status, 'queued')
        await me.upload(id, disk)
        t.equal((await me.show(id)).status, 'active')
      },
    },
    {
      says: 'The name can be changed',
      built: '`PATCH /v2/images/{id}`',
      async test(t, { running }) {
        const me = running.as(alice)
        const { id } = await me.createActive(disk, { name: 'before' })
        await me.patch(`/v2/images/${id}`, [{ op: 'replace', path: '/name', value: 'after' }])
        t.equal((await me.show(id)).name, 'after')
      },
    },
    {
      says: 'An image is made public, and private again',
      built: '`visibility`, rule `publicize_image`',
      async test(t, { running }) {
        const root = running.as(admin)
        const { id } = await root.createActive(disk)
        const seen = async () => (await running.as(bob).get(`/v2/images/${id}`)).status
        await root.patch(`/v2/images/${id}`, visibility('public'))
        t.equal(await seen(), 200)
        await root.patch(`/v2/images/${id}`, visibility('private'))
        t.equal(await seen(), 404)
      },
    },
    {
      says: 'Deletion is for ever',
      built: '`DELETE /v2/recycle-bin/{id}`; deletion itself where `VITRINE_RECYCLE_BIN` is `off`',
      async test(t, { running }) {
        const me = running.as(alice)
        const { id } = await me.createActive(disk)
        await me.delete(`/v2/images/${id}`)
        t.equal((await me.delete(`/v2/recycle-bin/${id}`)).status, 204)
        t.equal((await me.post(`/v2/recycle-bin/${id}/restore`)).status, 404)
        t.equal((await me.post('/v2/images', { id, name: 'again' })).status, 409)
      },
    },
    {
      says: 'Only users with the permission delete images',
      built: 'rule `delete_image`',
      async test(t, { running }) {
        const { id } = await running.as(alice).createActive(disk, { visibility: 'community' })
        t.equal((await running.as(bob).delete(`/v2/images/${id}`)).status, 403)
        t.equal((await running.as({ ...alice, roles: ['reader'] }).delete(`/v2/images/${id}`)).status, 403)
        t.equal((await running.as(alice).delete(`/v2/images/${id}`)).status, 204)
      },
    },
    {
      says: 'Several images are chosen and deleted at once',
      built: '`POST /v2/batch`',
      async test(t, { running }) {
        const me = running.as(alice)
        const ids = [(await me.createActive(disk)).id, (await me.createActive(disk, { protected: true })).id]
        const { status, json } = await me.post('/v2/batch', { action: 'delete', images: ids })
        t.equal(status, 200)
        t.match(json.results, [
          { id: ids[0], status: 204 },
          { id: ids[1], status: 403 },
        ])
      },
    },
    { says: 'The deletion is confirmed in a dialog', outside: 'a matter of the web page' },
  ],
}
