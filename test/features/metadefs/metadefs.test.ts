import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t from 'tap'
import { admin, alice, bob, rita, startApp } from '../../helpers/app.js'

// Longer than usual where many tests share few cores.
t.setTimeout(120_000)

/** What the recorded exchanges do not show: see contract.test.ts for everything else. */

const all = '/v2/metadefs/namespaces'
const property = (more: object = {}) => ({ title: 'Title', type: 'string', ...more })

t.test('a namespace needs a name that a path can hold', async t => {
  const { as } = await startApp(t)
  const root = as(admin)
  for (const namespace of ['', '/', 'a/b', 'a\u0000', '\ud800']) {
    const made = await root.post(all, { namespace })
    t.equal(made.status, 400, JSON.stringify(namespace))
  }
  for (const namespace of ['a b', 'é', 'a%b', '#?', 'a\nb', '"<>', 'OS::X']) {
    const made = await root.post(all, { namespace })
    t.equal(made.status, 201, JSON.stringify(namespace))
    const address = new URL(made.headers.location!)
    t.equal((await root.get(address.pathname)).json.namespace, namespace, 'and is found where Location says')
    t.equal((await root.delete(`${all}/${encodeURIComponent(namespace)}`)).status, 204)
  }
  t.equal((await root.get(`${all}/%00`)).status, 404)
  for (const kind of ['objects', 'properties', 'tags', 'resource_types']) {
    await root.post(all, { namespace: 'n' })
    const gone = await root.delete(`${all}/n/${kind}/%00`)
    t.equal(gone.status, 404, kind)
  }
  t.equal((await root.get(`${all}?marker=%00`)).status, 404)
  t.equal((await root.get(`${all}?resource_types=%00`)).json.namespaces.length, 0)
  t.equal((await root.get(`${all}/n?resource_type=%00`)).status, 200)
  t.equal((await root.post(`${all}/n/tags/%00`)).status, 400)
})

t.test('content comes back in the order in which it was made', async t => {
  const { as } = await startApp(t)
  const root = as(admin)
  const names = ['z', 'a', 'm', '__proto__', 'constructor', 'b']
  const text = `{"namespace":"n","visibility":"public",
    "properties":{${names.map(name => `"${name}":${JSON.stringify(property())}`).join()}},
    "objects":[${names.map(name => JSON.stringify({ name })).join()}],
    "tags":[${names.map(name => JSON.stringify({ name })).join()}],
    "resource_type_associations":[${names.map(name => JSON.stringify({ name })).join()}]}`
  t.equal((await root.post(all, text)).status, 201)
  const shown = (await as(alice).get(`${all}/n`)).json
  const namesOf = (list: { name: string }[]) => list.map(one => one.name)
  t.same(Object.keys(shown.properties), names)
  t.same(namesOf(shown.objects), names)
  t.same(namesOf(shown.resource_type_associations), names)
  t.same(namesOf(shown.tags), names.toReversed(), 'tags newest first')

  await root.put(`${all}/n/objects/a`, { name: 'a', description: 'changed' })
  await root.put(`${all}/n/properties/a`, property({ name: 'a', description: 'changed' }))
  const later = (await as(alice).get(`${all}/n`)).json
  t.same(namesOf(later.objects), names, 'a change does not move it')
  t.same(Object.keys(later.properties), names)
})

t.test('large lists', async t => {
  const { as } = await startApp(t)
  const root = as(admin)
  const tags = Array.from({ length: 2500 }, (_, n) => ({ name: `tag ${n}` }))
  const properties = Object.fromEntries(tags.map(({ name }) => [name, property()]))
  t.equal((await root.post(all, { namespace: 'n', tags, properties })).status, 201)
  const shown = (await root.get(`${all}/n`)).json
  t.equal(shown.tags.length, 2500)
  t.equal(Object.keys(shown.properties).length, 2500)
  t.equal((await root.post(`${all}/n/tags`, { tags: tags.slice(0, 1200) })).status, 201)
  t.equal((await root.get(`${all}/n/tags`)).json.tags.length, 1200)

  const names: string[] = []
  let path = `${all}/n/tags?sort_key=name&sort_dir=asc&limit=500`
  for (;;) {
    const page = (await root.get(path)).json.tags as { name: string }[]
    names.push(...page.map(one => one.name))
    if (page.length < 500) break
    path = `${path.replace(/&marker=.*/, '')}&marker=${encodeURIComponent(names.at(-1)!)}`
  }
  t.same(names, names.toSorted())
  t.equal(names.length, 1200)
})

t.test('every page of namespaces is met once, whatever the order', async t => {
  const { as } = await startApp(t)
  const root = as(admin)
  for (let n = 0; n < 9; n++) {
    await root.post(all, {
      namespace: `n${n}`,
      ...(n % 3 && { display_name: `name ${n % 3}` }),
      ...(n % 2 && { description: 'the same' }),
      visibility: n % 4 ? 'public' : 'private',
      protected: n % 5 === 0,
    })
  }
  const keys = ['namespace', 'display_name', 'description', 'visibility', 'protected', 'owner', 'created_at']
  for (const key of [...keys, 'updated_at', 'id']) {
    for (const direction of ['asc', 'desc']) {
      const seen: string[] = []
      let path: string | undefined = `${all}?limit=2&sort_key=${key}&sort_dir=${direction}`
      while (path) {
        const page: { namespaces: { namespace: string }[]; next?: string } = (await root.get(path)).json
        seen.push(...page.namespaces.map(one => one.namespace))
        path = page.next
      }
      t.same(seen.toSorted(), Array.from({ length: 9 }, (_, n) => `n${n}`).sort(), `${key} ${direction}`)
    }
  }
})

t.test('a namespace that is refused leaves nothing behind', async t => {
  const { as, deps } = await startApp(t)
  const root = as(admin)
  const content = { tags: [{ name: 'a' }], objects: [{ name: 'a' }], properties: { a: property() } }
  await root.post(all, { namespace: 'taken', ...content })
  t.equal((await root.post(all, { namespace: 'taken', ...content })).status, 409)
  const twice = { namespace: 'n', ...content, objects: [{ name: 'a' }, { name: 'a' }] }
  t.equal((await root.post(all, twice)).status, 409)
  for (const table of [
    'metadef_namespaces',
    'metadef_tags',
    'metadef_objects',
    'metadef_properties',
  ] as const)
    t.equal((await deps.db.selectFrom(table).selectAll().execute()).length, 1, table)
  await root.delete(`${all}/taken`)
  for (const table of [
    'metadef_namespaces',
    'metadef_tags',
    'metadef_objects',
    'metadef_properties',
  ] as const)
    t.equal((await deps.db.selectFrom(table).selectAll().execute()).length, 0, table)
})

t.test('changes at the same time', async t => {
  const { as } = await startApp(t)
  const root = as(admin)
  const statuses = (answers: { status: number }[]) => answers.map(one => one.status).sort()

  const twins = await Promise.all(Array.from({ length: 5 }, () => root.post(all, { namespace: 'n' })))
  t.same(statuses(twins), [201, 409, 409, 409, 409], 'one of five with the same name')

  const types = { resource_type_associations: ['b', 'a', 'c'].map(name => ({ name })) }
  const others = await Promise.all(
    Array.from({ length: 8 }, (_, n) =>
      root.post(all, {
        namespace: `o${n}`,
        resource_type_associations:
          n % 2 ? types.resource_type_associations : types.resource_type_associations.toReversed(),
      }),
    ),
  )
  t.same(new Set(statuses(others)), new Set([201]), 'types that several need are made once')
  t.equal((await root.get('/v2/metadefs/resource_types')).json.resource_types.length, 3)

  const lists = [
    ['a', 'b'],
    ['b', 'c'],
    ['c', 'd', 'e'],
  ].map(names => names.map(name => ({ name })))
  const replaced = await Promise.all(lists.map(tags => root.post(`${all}/n/tags`, { tags })))
  t.same(statuses(replaced), [201, 201, 201])
  const left = (await root.get(`${all}/n/tags`)).json.tags
    .map((one: { name: string }) => one.name)
    .toReversed()
  t.ok(
    lists.some(list => JSON.stringify(list.map(one => one.name)) === JSON.stringify(left)),
    `one list took the place of the others: ${left}`,
  )

  const race = await Promise.all([
    root.delete(`${all}/n`),
    ...Array.from({ length: 6 }, (_, n) => root.post(`${all}/n/objects`, { name: `o${n}` })),
    ...Array.from({ length: 6 }, (_, n) => root.post(`${all}/n/tags/t${n}`)),
  ])
  t.equal(race[0]?.status, 204)
  for (const { status } of race.slice(1)) t.ok([201, 404].includes(status), `${status} beside a deletion`)
})

t.test("an operator's rules are asked", async t => {
  const folder = mkdtempSync(join(tmpdir(), 'vitrine-policy-'))
  t.teardown(() => rmSync(folder, { recursive: true }))
  const file = join(folder, 'policy.yaml')
  writeFileSync(
    file,
    `add_metadef_namespace: role:member and project_id:%(project_id)s
add_metadef_tag: "!"
modify_metadef_object: role:member and project_id:%(project_id)s
get_metadef_object: role:admin
get_metadef_resource_type: role:admin
get_metadef_tags: role:admin
delete_metadef_namespace: role:member and project_id:%(project_id)s
`,
  )
  const { as } = await startApp(t, { policy_file: file })
  const [a, b, r] = [as(alice), as(bob), as(rita)]
  const made = await a.post(all, { namespace: 'mine', visibility: 'public' })
  t.match([made.status, made.json.owner], [201, 'alpha'])
  t.equal((await r.post(all, { namespace: 'hers' })).status, 403)
  const tagged = await a.post(all, { namespace: 'tagged', tags: [{ name: 'x' }] })
  t.equal(tagged.status, 403, 'content needs the rules of its kind')
  t.equal((await a.get(`${all}/tagged`)).status, 404)

  const root = as(admin)
  await root.post(`${all}/mine/objects`, { name: 'o' })
  await root.post(`${all}/mine/resource_types`, { name: 'type' })
  t.equal((await a.put(`${all}/mine/objects/o`, { name: 'o', description: 'x' })).status, 200)
  t.equal((await b.put(`${all}/mine/objects/o`, { name: 'o' })).status, 403)
  t.equal((await a.get(`${all}/mine/objects/o`)).status, 403)
  t.same((await a.get(`${all}/mine/objects`)).json.objects, [], 'a list holds what may be shown')
  t.same((await a.get(`${all}/mine/resource_types`)).json.resource_type_associations, [])
  t.equal((await a.get(`${all}/mine/tags`)).status, 403)
  t.equal((await a.get(`${all}/mine`)).status, 403, 'the whole needs the rules of all its parts')
  t.equal((await b.delete(`${all}/mine`)).status, 403)
  t.equal((await a.delete(`${all}/mine`)).status, 204)
})

t.test('a token without a project sees nothing of a project', async t => {
  const { as } = await startApp(t)
  await as(admin).post(all, { namespace: 'shown', visibility: 'public' })
  const system = as({ project_id: null, system_scope: 'all', roles: ['reader'] })
  t.equal((await system.get(all)).status, 404)
  t.equal((await system.get(`${all}/shown`)).status, 404)
  t.equal((await system.get('/v2/schemas/metadefs/tag')).status, 200)
})

t.test('definitions are kept as they were sent', async t => {
  const { as } = await startApp(t)
  const root = as(admin)
  await root.post(all, { namespace: 'n' })
  const definition = {
    name: 'p',
    type: 'number',
    title: 'Title',
    description: '',
    operators: ['<or>'],
    default: '1.5',
    readonly: false,
    required: ['a', 'b'],
    minimum: 0.5,
    maximum: 1e9,
    enum: [0.5, 1, 'x', true, null],
    pattern: '[',
    minLength: 0,
    maxLength: 1,
    items: { type: 'string', enum: ['a', 1] },
    uniqueItems: true,
    minItems: 0,
    maxItems: 2,
    additionalItems: false,
  }
  const shuffled = Object.fromEntries(Object.entries(definition).toReversed())
  const made = await root.post(`${all}/n/properties`, shuffled)
  t.equal(made.status, 201, made.text)
  const shown = await root.get(`${all}/n/properties/p`)
  t.equal(JSON.stringify(shown.json), JSON.stringify(definition), "in Glance's order")
  for (const bad of [
    { enum: [['x']] },
    { enum: [{}] },
    { items: { type: 'string', nope: 1 } },
    { items: {} },
  ])
    t.equal((await root.put(`${all}/n/properties/p`, { ...definition, ...bad })).status, 400)
  for (const [given, kept] of [
    [1e21, '1e+21'],
    [0.1, '0.1'],
    [-0, '0'],
    [true, 'True'],
    ['', ''],
    [[], null],
  ]) {
    const put = await root.put(`${all}/n/properties/p`, property({ name: 'p', default: given }))
    t.equal(put.json.default, kept, JSON.stringify(given))
  }
})
