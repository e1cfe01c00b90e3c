import { admin, alice, bob } from '../helpers/app.js'
import { disk, type Source, until } from './wish.js'

const publish = [{ op: 'replace', path: '/visibility', value: 'public' }]

export const vsc: Source = {
  name: 'vsc',
  title: 'VSC Tier-1 cloud, “Upload and manage images”',
  wishes: [
    {
      says: 'An image is one file that holds a virtual disk with a bootable system',
      built: '`PUT /v2/images/{id}/file`; its size and digests on the record',
      async test(t, { running }) {
        const { size, os_hash_value } = await running.as(alice).createActive(disk)
        t.equal(size, disk.length)
        t.match(os_hash_value, /^[0-9a-f]{128}$/)
      },
    },
    {
      says: 'The files of images are never modified',
      built: '`PUT /v2/images/{id}/file` of an active image is 409',
      async test(t, { running }) {
        const me = running.as(alice)
        const { id } = await me.createActive(disk)
        t.equal((await me.upload(id, 'other')).status, 409)
        t.ok((await me.download(id)).bytes.equals(disk))
      },
    },
    {
      says: 'An image is copied into an instance that keeps its own data',
      outside: 'instances are Nova’s; it reads the image as any client does',
    },
    {
      says: 'Users upload and manage images of their own',
      built: '`POST /v2/images`, `PUT …/file`, `PATCH`, `DELETE` as a member of the project',
      async test(t, { running }) {
        const me = running.as(alice)
        const { id } = await me.createActive(disk)
        t.match((await me.get('/v2/images?owner=alpha')).json.images, [{ id }])
        t.equal((await me.delete(`/v2/images/${id}`)).status, 204)
      },
    },
    {
      says: 'A guide tells how image files are made',
      built: '[making-images.md](making-images.md)',
      test: guide,
    },
    {
      says: 'The storage network is reached from machines with several network cards',
      outside: 'a matter of networks',
    },
    {
      says: 'The maker of an image chooses who can access it',
      built: '`visibility`',
      async test(t, { running }) {
        const { id } = await running.as(alice).createActive(disk)
        const seen = async () => (await running.as(bob).get(`/v2/images/${id}`)).status
        for (const [value, status] of [
          ['community', 200],
          ['private', 404],
          ['shared', 404],
        ] as const) {
          await running.as(alice).patch(`/v2/images/${id}`, [{ op: 'replace', path: '/visibility', value }])
          t.equal(await seen(), status, value)
        }
      },
    },
    {
      says: 'Public images come from the provider, and all users can access them',
      built: 'rule `publicize_image`: admin',
      async test(t, { running }) {
        const { id } = await running.as(alice).createActive(disk)
        t.equal((await running.as(alice).patch(`/v2/images/${id}`, publish)).status, 403)
        t.equal((await running.as(admin).patch(`/v2/images/${id}`, publish)).status, 200)
        t.match((await running.as(bob).get('/v2/images')).json.images, [{ id }])
      },
    },
    {
      says: 'Private images are for members of the same project only',
      built: '`visibility` `private`',
      async test(t, { running }) {
        const { id } = await running.as(alice).createActive(disk, { visibility: 'private' })
        t.equal((await running.as({ ...alice, user_id: 'ann' }).download(id)).status, 200)
        t.equal((await running.as(bob).download(id)).status, 404)
      },
    },
    {
      says: 'An image can be shared with a list of other projects',
      built: '`POST /v2/images/{id}/members`, `POST …/members/batch`',
      async test(t, { running }) {
        const me = running.as(alice)
        const { id } = await me.createActive(disk, { visibility: 'shared' })
        const { status, json } = await me.post(`/v2/images/${id}/members/batch`, {
          members: ['beta', 'gamma'],
        })
        t.equal(status, 200)
        t.equal(json.results.length, 2)
        t.equal((await running.as(bob).download(id)).status, 200)
        t.equal((await running.as({ project_id: 'delta' }).download(id)).status, 404)
      },
    },
    {
      says: 'Community images are made by users and open to all',
      built: '`visibility` `community`',
      async test(t, { running }) {
        const { id } = await running.as(alice).createActive(disk, { visibility: 'community' })
        t.ok((await running.as(bob).download(id)).bytes.equals(disk))
        t.match((await running.as(bob).get('/v2/images?visibility=community')).json.images, [{ id }])
      },
    },
    {
      says: 'The openstack and glance command lines manage images too',
      built: 'the Image API v2; `test/clients` runs them',
      async test(t, { running }) {
        const { versions } = (await running.as(alice).get('/versions')).json
        t.ok(versions.some(({ status }: { status: string }) => status === 'CURRENT'))
      },
    },
    {
      says: 'An image is created with a name and a description',
      built: '`name`, property `description`',
      async test(t, { running }) {
        t.match(await running.as(alice).create({ name: 'n', description: 'd' }), {
          name: 'n',
          description: 'd',
        })
      },
    },
    {
      says: 'Its source is a file that is chosen in the browser',
      built: '`PUT /v2/images/{id}/file` across origins, `POST …/file` of a form',
      async test(t, { running }) {
        const me = running.as(alice)
        const { id } = await me.create()
        const form = `--x\r\nContent-Disposition: form-data; name="file"; filename="d"\r\n\r\n${disk}\r\n--x--\r\n`
        const headers = { 'content-type': 'multipart/form-data; boundary=x' }
        t.equal((await me.send('POST', `/v2/images/${id}/file`, headers, form)).status, 204)
        t.ok((await me.download(id)).bytes.equals(disk))
      },
    },
    {
      says: 'Its format is chosen from those that there are, such as QCOW2',
      built: '`disk_format`, listed by `GET /v2/schemas/image`',
      async test(t, { running }) {
        const { properties } = (await running.as(alice).get('/v2/schemas/image')).json
        t.ok(properties.disk_format.enum.includes('qcow2'))
        t.equal((await running.as(alice).create({ disk_format: 'qcow2' })).disk_format, 'qcow2')
        t.equal((await running.as(alice).post('/v2/images', { disk_format: 'cassette' })).status, 400)
      },
    },
    {
      says: 'The architecture can be told, 32 bits or 64',
      built: 'property `architecture`, also as a filter',
      async test(t, { running }) {
        const me = running.as(alice)
        const { id } = await me.create({ architecture: 'i686' })
        await me.create({ architecture: 'x86_64' })
        const { images } = (await me.get('/v2/images?architecture=i686')).json
        t.same(
          images.map((image: { id: string }) => image.id),
          [id],
        )
      },
    },
    {
      says: 'Kernel and ramdisk can be left empty',
      built: 'properties `kernel_id` and `ramdisk_id`, which nothing asks for',
      async test(t, { running }) {
        const me = running.as(alice)
        t.equal((await me.createActive(disk)).status, 'active')
        t.match(await me.create({ kernel_id: '', ramdisk_id: '' }), { kernel_id: '', ramdisk_id: '' })
      },
    },
    {
      says: 'The smallest disk (GB) and memory (MB) can be told',
      built: '`min_disk`, `min_ram`',
      async test(t, { running }) {
        t.match(await running.as(alice).create({ min_disk: 20, min_ram: 2048 }), {
          min_disk: 20,
          min_ram: 2048,
        })
        t.equal((await running.as(alice).post('/v2/images', { min_disk: -1 })).status, 400)
      },
    },
    {
      says: 'A protected image has to be unlocked before it can be deleted',
      built: '`protected`',
      async test(t, { running }) {
        const me = running.as(alice)
        const { id } = await me.createActive(disk, { protected: true })
        t.equal((await me.delete(`/v2/images/${id}`)).status, 403)
        await me.patch(`/v2/images/${id}`, [{ op: 'replace', path: '/protected', value: false }])
        t.equal((await me.delete(`/v2/images/${id}`)).status, 204)
      },
    },
    {
      says: 'Metadata is chosen from a catalog of definitions',
      built: '`/v2/metadefs`, `bin/vitrine metadefs load`',
      async test(t, { running }) {
        const root = running.as(admin)
        const made = await root.post('/v2/metadefs/namespaces', {
          namespace: 'Guest::Facts',
          visibility: 'public',
          properties: { os_distro: { title: 'Distribution', type: 'string' } },
        })
        t.equal(made.status, 201)
        const { properties } = (await running.as(bob).get('/v2/metadefs/namespaces/Guest::Facts')).json
        t.match(properties, { os_distro: { type: 'string' } })
      },
    },
    {
      says: 'A created image is queued, and some time later active',
      built: '`status`; `GET /v2/images/{id}/progress` meanwhile',
      async test(t, { running }) {
        const me = running.as(alice)
        const { id, status } = await me.create()
        t.equal(status, 'queued')
        t.equal((await me.get(`/v2/images/${id}/progress`)).json.phase, 'making')
        await me.upload(id, disk)
        t.equal((await me.show(id)).status, 'active')
        await until(async () => (await me.get(`/v2/images/${id}/progress`)).json.phase === 'available')
      },
    },
    {
      says: 'Name, description, minima, protection and metadata of an image can be edited',
      built: '`PATCH /v2/images/{id}`',
      async test(t, { running }) {
        const me = running.as(alice)
        const { id } = await me.createActive(disk, { description: 'old', role: 'db' })
        const set = (path: string, value: unknown) => ({ op: 'replace', path, value })
        const { status, json } = await me.patch(`/v2/images/${id}`, [
          set('/name', 'n'),
          set('/description', 'new'),
          set('/min_disk', 1),
          set('/min_ram', 2),
          set('/protected', true),
          { op: 'remove', path: '/role' },
        ])
        t.equal(status, 200)
        t.match(json, {
          name: 'n',
          description: 'new',
          min_disk: 1,
          min_ram: 2,
          protected: true,
          role: undefined,
        })
      },
    },
    {
      says: 'The format of an image can be edited',
      glance:
        '`disk_format` can be changed while the image is queued; it tells what the bytes are, which do not change',
      async test(t, { running }) {
        const me = running.as(alice)
        const edit = [{ op: 'replace', path: '/disk_format', value: 'qcow2' }]
        const { id } = await me.create()
        t.equal((await me.patch(`/v2/images/${id}`, edit)).status, 200)
        const active = await me.createActive(disk)
        t.equal((await me.patch(`/v2/images/${active.id}`, edit)).status, 403)
      },
    },
  ],
}

/** The guide has a section for each thing that the documents ask of one. */
async function guide(t: import('tap').Test): Promise<void> {
  const { readFileSync } = await import('node:fs')
  const text = readFileSync(new URL('../../../docs/making-images.md', import.meta.url), 'utf8')
  for (const heading of ['Make one', 'Convert', 'Check', 'Upload'])
    t.match(text, new RegExp(`^## ${heading}$`, 'm'))
  for (const format of ['VHD', 'VMDK', 'OVA', 'qcow2']) t.match(text, format)
}
