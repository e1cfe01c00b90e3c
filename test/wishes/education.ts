import { admin, alice, bob, rita } from '../helpers/app.js'
import { disk, type Source, type World } from './wish.js'

/** An image of alice's with two versions, of which the first is in production. */
async function twoVersions({ running }: World) {
  const me = running.as(alice)
  const first = await me.createActive(disk, {
    name: 'course',
    visibility: 'shared',
    course: 'networks',
    min_ram: 512,
    tags: ['spring'],
  })
  const added = await me.post(`/v2/images/${first.id}/versions`, { comment: 'a newer compiler' })
  const second: string = added.json.image_id
  await me.upload(second, disk)
  return { me, first: first.id, second, added }
}

export const education: Source = {
  name: 'education',
  title: 'IBM Cloud for Education, “Creating and updating images”',
  wishes: [
    {
      says: 'Machines are reserved before an image is made from them',
      outside: 'reservations are the matter of whatever starts machines',
    },
    {
      says: 'Of an image with several versions one can choose any',
      built: '`GET /v2/images/{id}/versions`, `…/versions/{n}`',
      async test(t, world) {
        const { me, first, second } = await twoVersions(world)
        const { json } = await me.get(`/v2/images/${first}/versions`)
        t.match(json, { versions: [{ image_id: second }, { image_id: first }], production: 1 })
        t.equal((await me.get(`/v2/images/${first}/versions/2`)).json.image_id, second)
        t.ok((await me.download(second)).bytes.equals(disk))
      },
    },
    {
      says: 'Who chooses no version gets the one in production',
      built: '`GET /v2/lineages/{id}/image`, `GET /v2/images/{id}/versions/production`, look-ups by name',
      async test(t, world) {
        const { me, first, second } = await twoVersions(world)
        const { lineage } = (await me.get(`/v2/images/${first}/versions`)).json
        const image = async () => (await me.get(`/v2/lineages/${lineage}/image`)).json.id
        t.equal(await image(), first)
        t.equal((await me.put(`/v2/images/${first}/versions/production`, { version: 2 })).status, 200)
        t.equal(await image(), second)
        t.equal((await me.get(`/v2/images/${first}/versions/production`)).json.image_id, second)
      },
    },
    {
      says: 'Making an image of a machine ends its reservation, and takes a privilege',
      built:
        '`POST /v2/images`, `PUT /v2/images/{id}/file` as Nova’s snapshot sends them; rules `add_image`, `upload_image`',
      async test(t, { running }) {
        t.equal((await running.as(rita).post('/v2/images', { name: 'snapshot' })).status, 403)
        t.equal((await running.as(alice).createActive(disk, { base_image_ref: 'x' })).status, 'active')
      },
    },
    {
      says: 'What was made becomes a new image or updates an existing one',
      built: '`POST /v2/images/{id}/versions` with `image_id`',
      async test(t, world) {
        const { me, first } = await twoVersions(world)
        const snapshot = await me.createActive(disk, { name: 'snapshot' })
        const added = await me.post(`/v2/images/${first}/versions`, {
          comment: 'from a machine',
          image_id: snapshot.id,
        })
        t.equal(added.status, 201)
        t.match(added.json, { version: 3, image_id: snapshot.id })
      },
    },
    {
      says: 'Only the owner of an image updates it',
      built: 'rule `add_version`',
      async test(t, world) {
        const { first } = await twoVersions(world)
        const add = (who: object) =>
          world.running.as(who).post(`/v2/images/${first}/versions`, { comment: 'mine now' })
        t.equal((await add(bob)).status, 404)
        t.equal((await add(rita)).status, 403)
      },
    },
    {
      says: 'A new image is independent of the one it came from: its own name, description and memory',
      built: '`POST /v2/images`',
      async test(t, { running }) {
        const me = running.as(alice)
        const old = await me.createActive(disk, { name: 'old', description: 'one', min_ram: 1 })
        const fresh = await me.createActive(disk, { name: 'new', description: 'two', min_ram: 2 })
        await me.delete(`/v2/images/${old.id}`)
        t.match(await me.show(fresh.id), { name: 'new', description: 'two', min_ram: 2, status: 'active' })
      },
    },
    {
      says: 'A new image can be given to other user groups',
      built: '`POST /v2/images/{id}/shares`',
      async test(t, { running }) {
        const me = running.as({ ...alice, groups: ['students'] })
        const { id } = await me.createActive(disk)
        const student = running.as({ user_id: 'sam', project_id: 'gamma', groups: ['students'] })
        t.equal((await student.get(`/v2/images/${id}`)).status, 404)
        t.equal((await me.post(`/v2/images/${id}/shares`, { kind: 'group', target: 'students' })).status, 201)
        t.equal((await student.get(`/v2/images/${id}`)).status, 200)
        t.equal((await running.as(bob).get(`/v2/images/${id}`)).status, 404)
      },
    },
    {
      says: 'An update becomes another version, with the same name, configuration and description',
      built: '`POST /v2/images/{id}/versions`',
      async test(t, world) {
        const { me, second, added } = await twoVersions(world)
        t.equal(added.status, 201)
        t.match(await me.show(second), { name: 'course', course: 'networks', min_ram: 512, tags: ['spring'] })
      },
    },
    {
      says: 'An image can have many versions, of which only one is in production',
      built: 'a constraint of the database; `os_glance_production`',
      async test(t, world) {
        const { me, first, second } = await twoVersions(world)
        await me.put(`/v2/images/${first}/versions/production`, { version: 2 })
        t.equal((await me.show(first)).os_glance_production, 'false')
        t.equal((await me.show(second)).os_glance_production, 'true')
      },
    },
    {
      says: 'Who may not create images can use only the version in production',
      built: 'the visibility of versions, in lists, by id and for downloads',
      async test(t, world) {
        const { first, second } = await twoVersions(world)
        const reader = world.running.as(rita)
        t.equal((await reader.get(`/v2/images/${first}`)).status, 200)
        t.equal((await reader.get(`/v2/images/${second}`)).status, 404)
        t.equal((await reader.download(second)).status, 404)
      },
    },
    {
      says: 'So an administrator controls which version common users get',
      built: '`PUT /v2/images/{id}/versions/production`, `POST …/versions/rollback`',
      async test(t, world) {
        const { first, second } = await twoVersions(world)
        const root = world.running.as(admin)
        const reader = world.running.as(rita)
        await root.put(`/v2/images/${first}/versions/production`, { version: 2 })
        t.equal((await reader.get(`/v2/images/${first}`)).status, 404)
        t.equal((await reader.get(`/v2/images/${second}`)).status, 200)
        t.equal((await root.post(`/v2/images/${first}/versions/rollback`)).status, 200)
        t.equal((await reader.get(`/v2/images/${first}`)).status, 200)
      },
    },
    {
      says: 'Defaults for processor cores, memory and concurrent use can be changed when an image is made',
      built: '`PUT /v2/images/{id}/launch-defaults`, held by `PUT …/consumers/{consumer_id}`',
      async test(t, { running }) {
        const me = running.as(alice)
        const { id } = await me.createActive(disk)
        const defaults = { cpu_cores: 2, memory_mb: 4096, max_concurrent_use: 1 }
        t.equal((await me.put(`/v2/images/${id}/launch-defaults`, defaults)).status, 200)
        t.match((await me.get(`/v2/images/${id}/launch-defaults`)).json, defaults)
        const use = (name: string) => me.put(`/v2/images/${id}/consumers/${name}`, { type: 'server' })
        t.equal((await use('vm-1')).status, 201)
        t.equal((await use('vm-2')).status, 409)
      },
    },
    {
      says: 'An update needs a comment',
      built: '`comment` of `POST /v2/images/{id}/versions`',
      async test(t, { running }) {
        const me = running.as(alice)
        const { id } = await me.createActive(disk)
        t.equal((await me.post(`/v2/images/${id}/versions`, {})).status, 400)
        t.equal((await me.post(`/v2/images/${id}/versions`, { comment: 'new' })).json.comment, 'new')
      },
    },
  ],
}
