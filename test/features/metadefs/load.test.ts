import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import t from 'tap'
import { Faults, StartFailure } from '../../../src/errors.js'
import { loadMetadefs } from '../../../src/features/metadefs/load.js'
import { admin, alice, startApp } from '../../helpers/app.js'
import { type Teardown, testDatabase } from '../../helpers/database.js'
import { digest } from './canonical.js'

// Longer than usual where many tests share few cores.
t.setTimeout(120_000)

const all = '/v2/metadefs/namespaces'

/** A folder with these files, removed at the test's end; what is no text is written as JSON. */
function folderOf(t: Teardown, files: Record<string, unknown>): string {
  const folder = mkdtempSync(join(tmpdir(), 'vitrine-metadefs-'))
  t.teardown(() => rmSync(folder, { recursive: true }))
  for (const [name, content] of Object.entries(files))
    writeFileSync(join(folder, name), typeof content === 'string' ? content : JSON.stringify(content))
  return folder
}

const property = (title: string) => ({ title, type: 'string' })
const colours = {
  namespace: 'OS::Colours',
  display_name: 'Colours',
  visibility: 'public',
  protected: true,
  resource_type_associations: [{ name: 'OS::Glance::Image', prefix: 'hw_', properties_target: null }],
  properties: { red: property('Red'), é: { ...property('Umlaut'), default: 'é' } },
  objects: [{ name: 'thing', description: null, required: ['size'], properties: { size: property('Size') } }],
  tags: [{ name: 'warm' }, { name: 'cold' }],
}

const shipped = process.env.VITRINE_TEST_METADEFS_DIR ?? resolve('.cache/glance-metadefs')
const missing =
  !existsSync(shipped) &&
  'no definitions of Glance: set VITRINE_TEST_METADEFS_DIR or run scripts/get-glance-metadefs'

t.test('the set that Glance ships reads back as from Glance', { skip: missing }, async t => {
  const recorded: Record<string, { listed: string; shown: string; as_image: string }> = JSON.parse(
    readFileSync(new URL('../../../../test/features/metadefs/glance-metadefs.json', import.meta.url), 'utf8'),
  )
  const { deps, as } = await startApp(t)
  const { added } = await loadMetadefs(deps, shipped)
  t.same(added.sort(), Object.keys(recorded).sort())

  const root = as(admin)
  const list = await root.get(`${all}?limit=1000`)
  const read: typeof recorded = {}
  for (const one of list.json.namespaces) {
    const path = `${all}/${encodeURIComponent(one.namespace)}`
    read[one.namespace] = {
      listed: digest(one),
      shown: digest((await root.get(path)).json),
      as_image: digest((await root.get(`${path}?resource_type=OS::Glance::Image`)).json),
    }
  }
  t.same(read, recorded)

  const again = await loadMetadefs(deps, shipped)
  t.same([again.added, again.changed], [[], []], 'loading again changes nothing')
  t.equal(again.skipped.length, Object.keys(recorded).length)
  const seen = await as(alice).get(`${all}?limit=1000`)
  t.ok(seen.json.namespaces.length > 25, 'members find the public ones')
})

t.test('a file is a namespace', async t => {
  const { deps, as } = await startApp(t)
  const folder = folderOf(t, { 'a.json': colours, 'b.json': { namespace: 'bare' }, 'notes.txt': 'no JSON' })
  t.same(await loadMetadefs(deps, folder), { added: ['OS::Colours', 'bare'], changed: [], skipped: [] })
  const shown = await as(alice).get(`${all}/OS::Colours`)
  t.match(shown.json, {
    owner: 'admin',
    protected: true,
    resource_type_associations: [{ name: 'OS::Glance::Image', prefix: 'hw_' }],
    properties: { red: property('Red'), é: { default: 'é' } },
    objects: [{ name: 'thing', required: ['size'], properties: { size: property('Size') } }],
    tags: [{ name: 'cold' }, { name: 'warm' }],
  })
  t.notOk('updated_at' in shown.json, 'nobody has changed it')
  t.equal((await as(alice).get(`${all}/bare`)).status, 404, 'private unless the file says otherwise')
  t.match((await as(admin).get(`${all}/bare`)).json, { visibility: 'private', protected: false })

  const single = await loadMetadefs(deps, join(folder, 'a.json'))
  t.same(single.skipped, ['OS::Colours'], 'one file can be named, too')
})

t.test('what happens to a namespace that is there', async t => {
  const { deps, as } = await startApp(t)
  const root = as(admin)
  const path = `${all}/OS::Colours`
  const folder = folderOf(t, { 'colours.json': colours })
  const start = async () => {
    await root.put(path, { namespace: 'OS::Colours' })
    await root.delete(path)
    await root.post(all, {
      namespace: 'OS::Colours',
      display_name: 'Mine',
      resource_type_associations: [{ name: 'OS::Glance::Image', prefix: 'my_' }],
      properties: { red: property('My red'), blue: property('My blue') },
      objects: [{ name: 'thing' }, { name: 'other' }],
      tags: [{ name: 'warm' }, { name: 'hot' }],
    })
  }
  const names = (list: { name: string }[]) => list.map(one => one.name).sort()
  const shown = async () => (await root.get(path)).json

  await start()
  const before = await shown()
  t.same((await loadMetadefs(deps, folder)).skipped, ['OS::Colours'])
  t.same(await shown(), before, 'skip: nothing')

  t.same((await loadMetadefs(deps, folder, { existing: 'merge' })).changed, ['OS::Colours'])
  const merged = await shown()
  t.match(merged, { display_name: 'Mine', visibility: 'private', owner: 'cloud' }, 'merge: attributes stay')
  t.match(merged.properties, {
    red: { title: 'My red' },
    blue: { title: 'My blue' },
    é: { title: 'Umlaut' },
  })
  t.equal(merged.resource_type_associations[0].prefix, 'my_')
  t.same(names(merged.objects), ['other', 'thing'])
  t.same(names(merged.tags), ['cold', 'hot', 'warm'])

  await start()
  await loadMetadefs(deps, folder, { existing: 'update' })
  const updated = await shown()
  t.match(updated, { display_name: 'Colours', visibility: 'public', owner: 'admin', protected: true })
  t.match(updated.properties, { red: { title: 'Red' }, blue: { title: 'My blue' }, é: { title: 'Umlaut' } })
  t.equal(updated.resource_type_associations[0].prefix, 'hw_')
  t.same(updated.objects.find((one: { name: string }) => one.name === 'thing').required, ['size'])
  t.same(names(updated.objects), ['other', 'thing'])

  await start()
  t.same((await loadMetadefs(deps, folder, { existing: 'replace' })).changed, ['OS::Colours'])
  const replaced = await shown()
  t.same(Object.keys(replaced.properties), ['red', 'é'])
  t.same(names(replaced.objects), ['thing'])
  t.same(names(replaced.tags), ['cold', 'warm'])
})

t.test('two that load at once load once', async t => {
  const { db } = await testDatabase(t)
  const files = Object.fromEntries(
    Array.from({ length: 10 }, (_, n) => [`${n}.json`, { ...colours, namespace: `ns${n}` }]),
  )
  const folder = folderOf(t, files)
  const both = await Promise.all([loadMetadefs({ db }, folder), loadMetadefs({ db }, folder)])
  const added = both.flatMap(one => one.added).sort()
  t.same(
    added,
    Array.from({ length: 10 }, (_, n) => `ns${n}`),
  )
  t.equal(both.flatMap(one => one.skipped).length, 10)
})

t.test('files with faults load nothing, and all faults are told', async t => {
  const { db } = await testDatabase(t)
  const folder = folderOf(t, {
    'good.json': colours,
    'twin.json': colours,
    'text.json': 'no JSON',
    'list.json': [],
    'null.json': 'null',
    'nameless.json': { display_name: 'x' },
    'slash.json': { namespace: 'a/b' },
    'odd.json': { namespace: 'odd', properties: { p: { type: 'string' } } },
    'long.json': { namespace: 'long', properties: { ['x'.repeat(81)]: property('x') } },
  })
  const err = await loadMetadefs({ db }, folder).then(
    () => t.fail('it loaded'),
    (err: unknown) => err,
  )
  t.type(err, Faults)
  const told = (err as Faults).faults
  t.equal(told.length, 8, told.join('\n'))
  for (const name of ['twin', 'text', 'list', 'null', 'nameless', 'slash', 'odd', 'long'])
    t.ok(
      told.some(fault => fault.includes(`${name}.json`)),
      name,
    )
  const rows = await db.selectFrom('metadef_namespaces').selectAll().execute()
  t.same(rows, [])
})

t.test('a place without definitions is told', async t => {
  const { db } = await testDatabase(t)
  await t.rejects(loadMetadefs({ db }, folderOf(t, { 'a.txt': 'x' })), StartFailure)
  await t.rejects(loadMetadefs({ db }, join(tmpdir(), 'no-such-folder')), StartFailure)
})
