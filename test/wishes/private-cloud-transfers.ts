import { readdirSync } from 'node:fs'
import { Readable } from 'node:stream'
import { alice, bob, type TestApp } from '../helpers/app.js'
import { disk, until, type Wish, type World } from './wish.js'

/** Starts a web-download of an image that is made for it. */
async function download({ running }: Pick<World, 'running'>, uri: string, attributes = {}) {
  const me = running.as(alice)
  const { id } = await me.create(attributes)
  const { status } = await me.post(`/v2/images/${id}/import`, { method: { name: 'web-download', uri } })
  return { me, id, status }
}

/** An image of alice's whose upload has begun and never ends by itself. */
async function endlessUpload(running: TestApp) {
  const me = running.as(alice)
  const { id } = await me.create()
  const body = new Readable({ read() {} })
  body.push(Buffer.alloc(8 * 2 ** 20))
  const answer = me.upload(id, body).catch(() => ({ status: 0 }))
  await until(async () => (await me.show(id)).status === 'saving')
  return { me, id, answer, end: () => body.destroy() }
}

const phaseOf = async (me: ReturnType<TestApp['as']>, id: string): Promise<string> =>
  (await me.get(`/v2/images/${id}/progress`)).json.phase

/** Sections 4.1 (operations), 4.3 to 4.5: uploads and imports, downloads, deletion. */
export const aboutTransfers: readonly Wish[] = [
  {
    says: 'The progress of an upload can be seen',
    built: '`GET /v2/images/{id}/progress`, also as an event stream',
    async test(t, { running }) {
      const { me, id, end } = await endlessUpload(running)
      const seen = await until(async () => {
        const { json } = await me.get(`/v2/images/${id}/progress`)
        return json.bytes_done > 0 && json
      })
      t.match(seen, { phase: 'uploading', bytes_total: null })
      end()
    },
  },
  {
    says: 'An upload can be interrupted',
    built: '`POST /v2/images/{id}/actions/cancel`',
    async test(t, { running }) {
      const { me, id, answer, end } = await endlessUpload(running)
      t.equal((await me.post(`/v2/images/${id}/actions/cancel`)).status, 204)
      await until(async () => (await me.show(id)).status === 'queued')
      end()
      await answer
      t.equal((await me.upload(id, disk)).status, 204, 'the image can be used again')
    },
  },
  {
    says: 'Systems of other platforms are brought in as images, Linux and Windows alike',
    built: '`POST /v2/images/{id}/import`',
    async test(t, world) {
      const { me, id, status } = await download(world, `${world.web.url}/disk.raw`, { os_type: 'windows' })
      t.equal(status, 202)
      await until(async () => (await me.show(id)).status === 'active')
      t.ok((await me.download(id)).bytes.equals(disk))
    },
  },
  {
    says: 'Two architectures can be imported, x86 and ARM',
    built: 'property `architecture`',
    async test(t, world) {
      for (const architecture of ['x86_64', 'aarch64']) {
        const { me, id } = await download(world, `${world.web.url}/disk.raw`, { architecture })
        await until(async () => (await me.show(id)).status === 'active')
        t.equal((await me.show(id)).architecture, architecture)
      }
    },
  },
  {
    says: 'The usual format is RAW',
    built: '`disk_format` `raw`',
    async test(t, { running }) {
      t.match(await running.as(alice).createActive(disk, { disk_format: 'raw' }), { status: 'active' })
    },
  },
  {
    says: 'Discs in ISO format are uploaded apart from the others',
    built: '`disk_format` `iso`, also as a filter; the bytes are held to it',
    async test(t, { running }) {
      const me = running.as(alice)
      const { id } = await me.create({ disk_format: 'iso' })
      t.equal((await me.upload(id, Buffer.from('QFI\xfb', 'latin1'))).status, 415)
      t.match((await me.get('/v2/images?disk_format=iso')).json.images, [{ id }])
    },
  },
  {
    says: 'VHD, VMDK, OVA and others are converted to QCOW2 before they are imported',
    built:
      '[making-images.md](making-images.md); `VITRINE_IMPORT_CONVERT_TO`; bytes of another format than declared are refused',
    async test(t, { running }) {
      const me = running.as(alice)
      const { id } = await me.create({ disk_format: 'qcow2' })
      const answer = await me.upload(
        id,
        Buffer.from('# Disk DescriptorFile\nversion=1\ncreateType="monolithicFlat"\n'),
      )
      t.equal(answer.status, 415)
      t.equal((await me.show(id)).status, 'queued')
    },
  },
  {
    says: 'An image comes from a local file or from a URL',
    built: '`PUT /v2/images/{id}/file`, `web-download`',
    async test(t, world) {
      t.equal((await world.running.as(alice).createActive(disk)).status, 'active')
      const { me, id } = await download(world, `${world.web.url}/disk.raw`)
      await until(async () => (await me.show(id)).status === 'active')
    },
  },
  {
    says: 'An import by URL needs the URL; what is there is fetched and put into the registry',
    built: '`uri` of `web-download`',
    async test(t, world) {
      const me = world.running.as(alice)
      const { id } = await me.create()
      t.equal((await me.post(`/v2/images/${id}/import`, { method: { name: 'web-download' } })).status, 400)
      const uri = `${world.web.url}/disk.raw`
      t.equal(
        (await me.post(`/v2/images/${id}/import`, { method: { name: 'web-download', uri } })).status,
        202,
      )
      await until(async () => (await me.show(id)).status === 'active')
      t.equal((await me.show(id)).size, disk.length)
    },
  },
  {
    says: 'The URL may be http, https or ftp, with a port, and with a user and password',
    built: '`VITRINE_IMPORT_ALLOWED_SCHEMES`; passwords are not kept in clear and not shown',
    async test(t, world) {
      const { me, id, status } = await download(world, 'ftp://ann:geheim42@127.0.0.1:9/disk.raw')
      t.equal(status, 202)
      await until(async () => (await phaseOf(me, id)) === 'failed')
      t.notMatch((await me.get(`/v2/images/${id}/tasks`)).text, 'geheim42')
      t.notMatch(JSON.stringify(world.running.logs), 'geheim42')
      const refused = await download(world, 'gopher://127.0.0.1/disk.raw')
      t.equal(refused.status, 400)
    },
  },
  {
    says: 'The address has to be one that the cloud can reach',
    built: 'code `source_unreachable` of the failed import',
    async test(t, world) {
      const { me, id } = await download(world, 'http://127.0.0.1:9/disk.raw')
      const { error } = await until(async () => {
        const { json } = await me.get(`/v2/images/${id}/progress`)
        return json.phase === 'failed' && json
      })
      t.equal(error.code, 'source_unreachable')
    },
  },
  {
    says: 'One tells which features an imported image supports: cloud-init, the guest agent',
    built: 'properties `feature_cloud_init`, `hw_qemu_guest_agent`',
    async test(t, world) {
      const features = { feature_cloud_init: 'yes', hw_qemu_guest_agent: 'no' }
      const { me, id } = await download(world, `${world.web.url}/disk.raw`, features)
      await until(async () => (await me.show(id)).status === 'active')
      t.match(await me.show(id), features)
    },
  },
  {
    says: 'An import that has begun is in the list at once, and can be cancelled as long as it runs',
    built: '`status` `importing`; `POST /v2/images/{id}/actions/cancel`',
    async test(t, { running }) {
      const { me, id, end } = await endlessUpload(running)
      t.ok((await me.get('/v2/images')).json.images.some((image: { id: string }) => image.id === id))
      t.equal((await me.post(`/v2/images/${id}/actions/cancel`)).status, 204)
      end()
      await until(async () => (await me.show(id)).status === 'queued')
      t.equal((await me.post(`/v2/images/${id}/actions/cancel`)).status, 409, 'nothing runs any more')
    },
  },
  {
    says: 'An image whose import succeeded is available',
    built: '`phase` `available`',
    async test(t, world) {
      const { me, id } = await download(world, `${world.web.url}/disk.raw`)
      await until(async () => (await phaseOf(me, id)) === 'available')
      t.equal((await me.show(id)).status, 'active')
    },
  },
  {
    says: 'One whose import failed says so, and can be deleted or imported again',
    built: '`phase` `failed` with a code and a sentence, `GET /v2/progress?phase=failed`',
    async test(t, world) {
      const { me, id } = await download(world, `${world.web.url}/absent`)
      await until(async () => (await phaseOf(me, id)) === 'failed')
      const { progress } = (await me.get('/v2/progress?phase=failed')).json
      t.ok(progress.some((row: { id: string }) => row.id === id))
      const uri = `${world.web.url}/disk.raw`
      t.equal(
        (await me.post(`/v2/images/${id}/import`, { method: { name: 'web-download', uri } })).status,
        202,
      )
      await until(async () => (await phaseOf(me, id)) === 'available')
      const other = await download(world, `${world.web.url}/absent`)
      await until(async () => (await phaseOf(me, other.id)) === 'failed')
      t.equal((await me.delete(`/v2/images/${other.id}`)).status, 204)
    },
  },
  {
    says: 'An image can be downloaded to one’s own machine by an address that is made for it',
    built: '`POST /v2/images/{id}/links`',
    async test(t, { running }) {
      const { url } = await link(running)
      const answer = await fetch(url)
      t.equal(answer.status, 200)
      t.ok(Buffer.from(await answer.arrayBuffer()).equals(disk))
    },
  },
  {
    says: 'A download that broke off is resumed',
    built: '`Range` and `If-Range` of links and of `GET /v2/images/{id}/file`',
    async test(t, { running }) {
      const { url } = await link(running)
      const whole = await fetch(url)
      await whole.arrayBuffer()
      const etag = whole.headers.get('etag') ?? ''
      const rest = await fetch(url, { headers: { range: 'bytes=1000-', 'if-range': etag } })
      t.equal(rest.status, 206)
      t.ok(Buffer.from(await rest.arrayBuffer()).equals(disk.subarray(1000)))
    },
  },
  {
    says: 'The address can be copied into any download program that speaks HTTP',
    built: 'links need no token',
    async test(t, { running }) {
      const { url } = await link(running)
      const head = await fetch(url, { method: 'HEAD' })
      t.equal(head.headers.get('content-length'), String(disk.length))
      t.match(head.headers.get('content-disposition'), 'attachment')
    },
  },
  {
    says: 'Downloads also work by FTP and SFTP',
    outside: 'servers of other protocols; HTTP with ranges resumes as they do',
  },
  {
    says: 'The address is valid for 24 hours; then a new one has to be made',
    built: '`expires_in`, at most 86400; a new link at any time',
    async test(t, { running }) {
      const { me, image, expires_at } = await link(running)
      const hours = (Date.parse(expires_at) - Date.now()) / 3_600_000
      t.ok(hours > 23.9 && hours <= 24, String(hours))
      t.equal((await me.post(`/v2/images/${image}/links`, { expires_in: 86_401 })).status, 400)
      const made = await me.post(
        `/v2/images/${image}/links`,
        { expires_in: 1 },
        { host: `127.0.0.1:${running.port}` },
      )
      t.equal(made.status, 201, made.text)
      const short = made.json
      await until(async () => [404, 410].includes((await fetch(short.url)).status))
      t.equal((await me.post(`/v2/images/${image}/links`, {})).status, 201)
    },
  },
  {
    says: 'A deleted image goes to the recycle bin by itself, where it can be restored',
    built: '`DELETE /v2/images/{id}`, `POST /v2/recycle-bin/{id}/restore`',
    async test(t, { running }) {
      const me = running.as(alice)
      const { id } = await me.createActive(disk, { name: 'kept' })
      await me.delete(`/v2/images/${id}`)
      t.equal((await me.post(`/v2/recycle-bin/${id}/restore`)).status, 200)
      t.match(await me.show(id), { name: 'kept', status: 'active' })
      t.ok((await me.download(id)).bytes.equals(disk))
    },
  },
  {
    says: 'What is in the recycle bin can be destroyed',
    built: '`DELETE /v2/recycle-bin/{id}`, `DELETE /v2/recycle-bin`',
    async test(t, { running }) {
      const me = running.as({ user_id: 'dan', project_id: 'destroyer' })
      const before = readdirSync(running.folders.fast).length
      const { id } = await me.createActive(disk)
      await me.delete(`/v2/images/${id}`)
      t.equal((await me.delete('/v2/recycle-bin')).status, 204)
      t.equal((await me.get(`/v2/recycle-bin/${id}`)).status, 404)
      await until(async () => readdirSync(running.folders.fast).length === before)
    },
  },
  {
    says: 'Only images that are available or whose import failed can be deleted',
    glance: 'an image is deleted in every state; a running transfer of it ends',
    async test(t, { running }) {
      const { me, id, answer, end } = await endlessUpload(running)
      t.equal((await me.delete(`/v2/images/${id}`)).status, 204)
      end()
      await answer
      t.equal((await me.get(`/v2/images/${id}`)).status, 404)
    },
  },
  {
    says: 'An image from which a machine was made can not be deleted until the machine is',
    built: '`PUT` and `DELETE /v2/images/{id}/consumers/{consumer_id}`; deletion is 409 meanwhile',
    async test(t, { running }) {
      const me = running.as(alice)
      const { id } = await me.createActive(disk)
      await me.put(`/v2/images/${id}/consumers/vm-1`, { type: 'server', name: 'web' })
      t.equal((await me.delete(`/v2/images/${id}`)).status, 409)
      t.equal((await me.delete(`/v2/images/${id}/consumers/vm-1`)).status, 204)
      t.equal((await me.delete(`/v2/images/${id}`)).status, 204)
    },
  },
  {
    says: 'Users delete images of their own',
    built: 'rule `delete_image`',
    async test(t, { running }) {
      const { id } = await running.as(alice).createActive(disk)
      t.equal((await running.as(bob).delete(`/v2/images/${id}`)).status, 404)
      t.equal((await running.as(alice).delete(`/v2/images/${id}`)).status, 204)
    },
  },
]

/** A download link of an image of alice's. */
async function link(running: TestApp) {
  const me = running.as(alice)
  const { id } = await me.createActive(disk, { name: 'linked' })
  const { status, json } = await me.post(`/v2/images/${id}/links`, {}, { host: `127.0.0.1:${running.port}` })
  if (status !== 201) throw new Error(`no link was made: ${status}`)
  return { me, image: id, ...(json as { url: string; expires_at: string }) }
}
