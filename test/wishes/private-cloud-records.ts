import { readFileSync } from 'node:fs'
import { admin, alice, bob, rita, startApp } from '../helpers/app.js'
import { disk, until, type Wish } from './wish.js'

/** Section 4.1, 4.2 and 4.6: the list and what it tells, machines made from images, edits. */
export const aboutRecords: readonly Wish[] = [
  {
    says: 'Self-made images and ISO images belong to the tenant',
    built: '`owner`',
    async test(t, { running }) {
      t.equal((await running.as(alice).create()).owner, 'alpha')
      t.equal((await running.as(alice).create({ disk_format: 'iso' })).owner, 'alpha')
    },
  },
  {
    says: 'Administrators, tenants and sub-accounts with the right to it view and manage them',
    built: 'roles `admin`, `member`, `reader` and the rules',
    async test(t, { running }) {
      const { id } = await running.as(alice).createActive(disk)
      for (const who of [admin, alice, rita])
        t.equal((await running.as(who).get(`/v2/images/${id}`)).status, 200)
      const rename = [{ op: 'replace', path: '/name', value: 'x' }]
      const status = async (who: object) => (await running.as(who).patch(`/v2/images/${id}`, rename)).status
      t.same([await status(admin), await status(alice), await status(rita)], [200, 200, 403])
    },
  },
  {
    says: 'Machines are created from them',
    outside: 'Nova’s matter; it looks an image up and downloads it as every client does',
  },
  {
    says: 'Images can be viewed, renamed, given remarks, imported, downloaded and deleted',
    built: '`GET`, `PATCH`, `POST …/import`, `GET …/file`, `DELETE` of `/v2/images/{id}`',
    async test(t, { running }) {
      const me = running.as(alice)
      const { id } = await me.createActive(disk, { description: 'a remark' })
      t.equal(
        (await me.patch(`/v2/images/${id}`, [{ op: 'replace', path: '/description', value: 'another' }]))
          .status,
        200,
      )
      t.equal((await me.download(id)).status, 200)
      t.equal((await me.delete(`/v2/images/${id}`)).status, 204)
    },
  },
  {
    says: 'The list shows name, id, status, encryption, features, system type and operating system',
    built: '`GET /v2/images`: attributes and properties of the images',
    async test(t, { running }) {
      const facts = {
        os_type: 'linux',
        os_distro: 'kylin',
        os_version: 'V10',
        architecture: 'aarch64',
        feature_cloud_init: 'yes',
        hw_qemu_guest_agent: 'yes',
        os_encrypt_format: 'LUKSv1',
      }
      const { id } = await running.as(alice).createActive(disk, { name: 'listed', ...facts })
      t.match((await running.as(alice).get('/v2/images?name=listed')).json.images, [
        { id, name: 'listed', status: 'active', ...facts },
      ])
    },
  },
  {
    says: 'Each image has a name and an id of its own in the world',
    built: '`id`, a UUID that is never used again',
    async test(t, { running }) {
      const { id } = await running.as(alice).create()
      t.match(id, /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/)
      t.equal((await running.as(bob).post('/v2/images', { id })).status, 409)
    },
  },
  {
    says: 'Its state is one of making, uploading, available, failed, deleting and deleted',
    built: '`phase` of `GET /v2/images/{id}/progress`',
    async test(t, { running }) {
      const me = running.as(alice)
      const { id } = await me.create()
      const phase = async () => (await me.get(`/v2/images/${id}/progress`)).json.phase
      t.equal(await phase(), 'making')
      await me.upload(id, disk)
      await until(async () => (await phase()) === 'available')
      await me.delete(`/v2/images/${id}`)
      t.equal(await phase(), 'deleted')
    },
  },
  {
    says: 'An available image can be downloaded and used for machines',
    built: '`status` `active`, `GET /v2/images/{id}/file`',
    async test(t, { running }) {
      const { id } = await running.as(alice).createActive(disk)
      t.equal((await running.as({ ...alice, user_id: 'ann' }).download(id)).status, 200)
    },
  },
  {
    says: 'A deleted image is in the recycle bin',
    built: '`GET /v2/recycle-bin`',
    async test(t, { running }) {
      const me = running.as(alice)
      const { id } = await me.createActive(disk)
      await me.delete(`/v2/images/${id}`)
      t.equal((await me.get(`/v2/images/${id}`)).status, 404)
      t.equal((await me.get(`/v2/recycle-bin/${id}`)).json.id, id)
    },
  },
  {
    says: 'One sees whether an image is encrypted',
    built: 'properties `os_encrypt_*` and `cinder_encryption_key_id`; column encryption of the export',
    async test(t, { running }) {
      const me = running.as(alice)
      await me.createActive(disk, { name: 'sealed', os_encrypt_format: 'LUKSv1' })
      t.match((await me.get('/v2/images?os_encrypt_format=LUKSv1')).json.images, [{ name: 'sealed' }])
    },
  },
  {
    says: 'One sees whether it supports hot upgrade, cloud-init and the guest agent',
    built:
      'properties `feature_hot_upgrade`, `feature_cloud_init`, `hw_qemu_guest_agent`; column features of the export',
    async test(t, { running }) {
      const me = running.as(alice)
      const features = { feature_hot_upgrade: 'yes', feature_cloud_init: 'yes', hw_qemu_guest_agent: 'yes' }
      await me.createActive(disk, { name: 'featured', ...features })
      t.match((await me.get('/v2/images?name=featured')).json.images, [features])
      const { text } = await me.send('GET', '/v2/exports/images?format=csv&name=featured')
      for (const feature of ['hot', 'cloud', 'agent']) t.match(text, new RegExp(feature, 'i'))
    },
  },
  {
    says: 'One sees the type of system: Linux, Windows, Kylin and so on',
    built: 'properties `os_type` and `os_distro`, also as filters',
    async test(t, { running }) {
      const me = running.as(alice)
      await me.create({ name: 'w', os_type: 'windows' })
      t.match((await me.get('/v2/images?os_type=windows')).json.images, [{ name: 'w' }])
    },
  },
  {
    says: 'One sees the release of the operating system and its architecture',
    built: 'properties `os_distro`, `os_version`, `architecture`',
    async test(t, { running }) {
      const me = running.as(alice)
      await me.create({ name: 'c', os_distro: 'centos', os_version: '7.4', architecture: 'x86_64' })
      t.match((await me.get('/v2/images?os_distro=centos&os_version=7.4')).json.images, [
        { name: 'c', architecture: 'x86_64' },
      ])
    },
  },
  {
    says: 'One sees the project of an image',
    built: '`owner`, also as a filter',
    async test(t, { running }) {
      const { id } = await running.as(bob).create()
      t.match((await running.as(admin).get('/v2/images?owner=beta')).json.images, [{ id, owner: 'beta' }])
    },
  },
  {
    says: 'The list of all images that a user made can be had as an Excel table',
    built: '`GET /v2/exports/images?format=xlsx&created_by=me`',
    async test(t, { running }) {
      const ann = running.as({ user_id: 'ann', project_id: 'office' })
      await ann.create({ name: 'by ann' })
      await running.as({ user_id: 'ben', project_id: 'office' }).create({ name: 'by ben' })
      const sheet = await ann.send('GET', '/v2/exports/images?format=xlsx&created_by=me')
      t.equal(
        sheet.headers['content-type'],
        'application/vnd.openxmlformats-officedocument.spreadsheetml.sheet',
      )
      t.equal(sheet.bytes.subarray(0, 2).toString(), 'PK')
      const { text } = await ann.send('GET', '/v2/exports/images?format=csv&created_by=me')
      t.match(text, 'by ann')
      t.notMatch(text, 'by ben')
    },
  },
  {
    says: 'Several images are deleted by one action',
    built: '`POST /v2/batch`',
    async test(t, { running }) {
      const me = running.as(alice)
      const images = [(await me.createActive(disk)).id, (await me.createActive(disk)).id]
      const { json } = await me.post('/v2/batch', { action: 'delete', images })
      t.same(
        json.results.map((result: { status: number }) => result.status),
        [204, 204],
      )
    },
  },
  {
    says: 'A document beside the list tells the steps of making an image and converting formats',
    built: '[making-images.md](making-images.md)',
    async test(t) {
      const text = readFileSync(new URL('../../../docs/making-images.md', import.meta.url), 'utf8')
      for (const command of ['mmdebstrap', 'qemu-img convert', 'qemu-img check', 'image-create'])
        t.match(text, command)
    },
  },
  {
    says: 'A machine made from an image finds the programs and data of the time when it was made',
    built: 'the bytes of an image never change; their digests are on the record',
    async test(t, { running }) {
      const me = running.as(alice)
      const { id, os_hash_value } = await me.createActive(disk)
      await me.patch(`/v2/images/${id}`, [{ op: 'replace', path: '/name', value: 'renamed' }])
      t.equal((await me.show(id)).os_hash_value, os_hash_value)
      t.ok((await me.download(id)).bytes.equals(disk))
    },
  },
  {
    says: 'The password that is set for a new machine replaces the one in the image',
    outside: 'cloud-init and Nova see to it',
  },
  {
    says: 'The key of an encrypted image can not be changed',
    built: '`os_encrypt_*` and `cinder_encryption_key_id` of an active image: 403, for admins too',
    async test(t, { running }) {
      const { id } = await running.as(alice).createActive(disk, { os_encrypt_key_id: 'key-1' })
      for (const op of [
        { op: 'replace', path: '/os_encrypt_key_id', value: 'key-2' },
        { op: 'remove', path: '/os_encrypt_key_id' },
      ])
        for (const who of [alice, admin])
          t.equal((await running.as(who).patch(`/v2/images/${id}`, [op])).status, 403)
    },
  },
  {
    says: 'System, architecture, boot mode, platform and version are chosen from lists',
    built: 'properties of these names; `VITRINE_STRICT_PROPERTIES`, metadata definitions of our own',
    async test(t) {
      const { as } = await startApp(t, { strict_properties: true })
      const known = {
        os_type: 'linux',
        os_distro: 'ubuntu',
        architecture: 'aarch64',
        hw_firmware_type: 'uefi',
      }
      t.equal((await as(alice).post('/v2/images', { name: 'a', ...known })).status, 201)
      for (const name of Object.keys(known)) {
        const { status, text } = await as(alice).post('/v2/images', {
          name: 'a',
          ...known,
          [name]: 'nonsense',
        })
        t.equal(status, 400, name)
        t.match(text, (known as Record<string, string>)[name])
      }
    },
  },
  {
    says: 'Certain versions of CentOS, Ubuntu, Windows Server and Windows are supported',
    built: '`os_distro` and `os_version` with `VITRINE_STRICT_PROPERTIES`',
    async test(t) {
      const { as } = await startApp(t, { strict_properties: true })
      const listed = [
        ['centos', '6.5'],
        ['centos', '6.10'],
        ['centos', '7.0'],
        ['centos', '7.9'],
        ['ubuntu', '14.04'],
        ['ubuntu', '16.04'],
        ['ubuntu', '18.04'],
        ['ubuntu', '20.10'],
      ]
      for (const [os_distro, os_version] of listed)
        t.equal(
          (await as(alice).post('/v2/images', { os_distro, os_version })).status,
          201,
          `${os_distro} ${os_version}`,
        )
    },
  },
  {
    says: 'Images carry labels',
    built: '`tags`',
    async test(t, { running }) {
      const me = running.as(alice)
      const { id } = await me.create({ tags: ['gold'] })
      t.equal((await me.put(`/v2/images/${id}/tags/web`)).status, 204)
      t.match((await me.get('/v2/images?tag=gold&tag=web')).json.images, [{ id }])
    },
  },
  {
    says: 'Name and remarks can be changed in every state',
    built: '`PATCH /v2/images/{id}` in every state',
    async test(t, { running }) {
      const me = running.as(alice)
      const edit = async (id: string) =>
        (
          await me.patch(`/v2/images/${id}`, [
            { op: 'add', path: '/description', value: 'd' },
            { op: 'replace', path: '/name', value: 'n' },
          ])
        ).status
      const { id } = await me.create()
      t.equal(await edit(id), 200, 'queued')
      await me.send('PUT', `/v2/images/${id}/stage`, { 'content-type': 'application/octet-stream' }, disk)
      t.equal(await edit(id), 200, 'uploading')
      const active = await me.createActive(disk)
      t.equal(await edit(active.id), 200, 'active')
      await running.as(admin).post(`/v2/images/${active.id}/actions/deactivate`)
      t.equal(await edit(active.id), 200, 'deactivated')
    },
  },
]
