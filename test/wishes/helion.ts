import { admin, alice, bob } from '../helpers/app.js'
import { disk, type Source } from './wish.js'

export const helion: Source = {
  name: 'helion',
  title: 'HP Helion OpenStack, “Managing Images”',
  wishes: [
    {
      says: 'An image is one file that holds a bootable disk',
      built: '`PUT /v2/images/{id}/file`, `GET /v2/images/{id}/file`',
      async test(t, { running }) {
        const me = running.as(alice)
        const { id } = await me.createActive(disk)
        t.ok((await me.download(id)).bytes.equals(disk))
      },
    },
    {
      says: 'An image is made by uploading an ISO file',
      built: '`PUT /v2/images/{id}/file` with `disk_format` `iso`, which the bytes are held to',
      async test(t, { running }) {
        const me = running.as(alice)
        const iso = Buffer.alloc(64 * 1024)
        iso.write('\x01CD001\x01', 32 * 1024, 'latin1')
        t.match(await me.createActive(iso, { disk_format: 'iso' }), { status: 'active', disk_format: 'iso' })
        const { id } = await me.create({ disk_format: 'iso' })
        t.equal((await me.upload(id, Buffer.from('QFI\xfb and no disc', 'latin1'))).status, 415)
      },
    },
    {
      says: 'After the upload an image is golden: it can not be changed',
      built: '`PUT /v2/images/{id}/file` of an active image is 409',
      async test(t, { running }) {
        const me = running.as(alice)
        const { id } = await me.createActive(disk)
        t.equal((await me.upload(id, 'other bytes')).status, 409)
        t.ok((await me.download(id)).bytes.equals(disk))
      },
    },
    {
      says: 'Private images are made and configured by their users',
      built: '`visibility`, `PATCH /v2/images/{id}`',
      async test(t, { running }) {
        const me = running.as(alice)
        const { id } = await me.create({ visibility: 'private' })
        t.equal(
          (await me.patch(`/v2/images/${id}`, [{ op: 'add', path: '/purpose', value: 'ci' }])).status,
          200,
        )
        t.equal((await running.as(bob).get(`/v2/images/${id}`)).status, 404)
      },
    },
    {
      says: 'An image can be made from an instance, as a snapshot',
      built: 'the requests of Nova’s snapshot: `POST /v2/images` with its properties, `PUT …/file`',
      async test(t, { running }) {
        const me = running.as(alice)
        const properties = {
          image_type: 'snapshot',
          instance_uuid: '5f7c2d1e',
          base_image_ref: '',
          visibility: 'private',
        }
        const { id } = await me.createActive(disk, properties)
        t.match((await me.get('/v2/images?image_type=snapshot')).json.images, [{ id, ...properties }])
      },
    },
    {
      says: 'What one may do depends on being an administrator or a user',
      built: 'roles and rules, `VITRINE_POLICY_FILE`',
      async test(t, { running }) {
        const { id } = await running.as(alice).create()
        const publish = [{ op: 'replace', path: '/visibility', value: 'public' }]
        t.equal((await running.as(alice).patch(`/v2/images/${id}`, publish)).status, 403)
        t.equal((await running.as(admin).patch(`/v2/images/${id}`, publish)).status, 200)
      },
    },
    {
      says: 'A user works with the private images of the active project',
      built: 'the owner of an image is the project of the token',
      async test(t, { running }) {
        const { id, owner } = await running.as(alice).create({ visibility: 'private' })
        t.equal(owner, 'alpha')
        t.equal((await running.as({ ...alice, user_id: 'ann' }).get(`/v2/images/${id}`)).status, 200)
        t.equal((await running.as({ ...alice, project_id: 'beta' }).get(`/v2/images/${id}`)).status, 404)
      },
    },
    {
      says: 'Users create, modify, delete and view images',
      built: '`POST`, `PATCH`, `DELETE`, `GET` of `/v2/images`',
      async test(t, { running }) {
        const me = running.as(alice)
        const { id } = await me.create({ name: 'one' })
        t.equal(
          (await me.patch(`/v2/images/${id}`, [{ op: 'replace', path: '/name', value: 'two' }])).status,
          200,
        )
        t.equal((await me.show(id)).name, 'two')
        t.equal((await me.delete(`/v2/images/${id}`)).status, 204)
        t.equal((await me.get(`/v2/images/${id}`)).status, 404)
      },
    },
    {
      says: 'An image or snapshot can be protected from being edited',
      glance:
        '`protected` keeps an image from being deleted; its bytes never change, its record may be edited',
      async test(t, { running }) {
        const me = running.as(alice)
        const { id } = await me.createActive(disk, { protected: true })
        t.equal((await me.delete(`/v2/images/${id}`)).status, 403)
        t.equal(
          (await me.patch(`/v2/images/${id}`, [{ op: 'replace', path: '/name', value: 'x' }])).status,
          200,
        )
        t.equal((await me.upload(id, 'x')).status, 409)
      },
    },
    {
      says: 'An administrator works on all images of the domain, whatever their project',
      built: 'an admin sees all; `domain_id:%(owner_domain)s` gives rules to the admins of a domain',
      async test(t, { running }) {
        const { id } = await running.as(alice).create({ visibility: 'private' })
        const root = running.as(admin)
        t.equal(
          (await root.patch(`/v2/images/${id}`, [{ op: 'replace', path: '/name', value: 'x' }])).status,
          200,
        )
        t.equal((await root.delete(`/v2/images/${id}`)).status, 204)
      },
    },
    {
      says: 'An administrator decides whether an image is there for its project or for all projects of the domain',
      built: '`visibility`, `POST /v2/images/{id}/shares` with `"kind": "domain"`',
      async test(t, { running }) {
        const { id } = await running.as(alice).createActive(disk, { visibility: 'shared' })
        const neighbour = running.as({ ...bob, project_domain_id: 'school' })
        t.equal((await neighbour.get(`/v2/images/${id}`)).status, 404)
        const share = await running
          .as(admin)
          .post(`/v2/images/${id}/shares`, { kind: 'domain', target: 'school' })
        t.equal(share.status, 201)
        t.equal((await neighbour.get(`/v2/images/${id}`)).status, 200)
        t.equal(
          (await running.as(alice).post(`/v2/images/${id}/shares`, { kind: 'domain', target: 'x' })).status,
          403,
        )
      },
    },
    {
      says: 'An administrator makes an image or a snapshot public',
      built: '`visibility` `public`, rule `publicize_image`',
      async test(t, { running }) {
        const { id } = await running.as(alice).createActive(disk)
        await running
          .as(admin)
          .patch(`/v2/images/${id}`, [{ op: 'replace', path: '/visibility', value: 'public' }])
        t.ok((await running.as(bob).download(id)).bytes.equals(disk))
      },
    },
  ],
}
