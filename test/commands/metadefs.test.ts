/** `vitrine metadefs load`, beside a running server and without one. */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { facts } from '../../src/images/facts.js'
import { systems } from '../../src/images/systems.js'
import { runVitrine, startServer, temporaryFolder } from '../helpers/server-process.js'

t.setTimeout(300_000)

t.test('definitions are loaded into the embedded database, with and without a server', async t => {
  const folder = temporaryFolder(t)
  const env = { VITRINE_DATA_DIR: join(folder, 'data') }
  const write = (name: string, content: object) =>
    writeFileSync(join(folder, name), JSON.stringify({ namespace: 'OS::Colours', ...content }))
  write('colours.json', { display_name: 'Colours', tags: [{ name: 'warm' }] })

  const alone = await runVitrine(['metadefs', 'load', folder], { env })
  t.match(alone, { code: 0, output: 'added 1: OS::Colours\n' }, 'the database is made when there is none')

  const server = await startServer(t, { env })
  const shown = async () => (await fetch(`${server.url}/v2/metadefs/namespaces/OS::Colours`)).json()
  t.match(await shown(), { display_name: 'Colours', owner: 'admin', tags: [{ name: 'warm' }] })
  write('colours.json', { display_name: 'Changed', tags: [{ name: 'cold' }] })
  t.match(await runVitrine(['metadefs', 'load', folder], { env }), {
    code: 0,
    output: 'skipped 1: OS::Colours\n',
  })
  t.match(await runVitrine(['metadefs', 'load', '--merge', folder], { env }), {
    code: 0,
    output: 'changed 1: OS::Colours\n',
  })
  t.match(await shown(), { display_name: 'Colours', tags: [{ name: 'cold' }, { name: 'warm' }] })
  await runVitrine(['metadefs', 'load', folder, '--replace'], { env })
  t.same(((await shown()) as { tags: unknown }).tags, [{ name: 'cold' }])

  writeFileSync(join(folder, 'bad.json'), '{')
  const bad = await runVitrine(['metadefs', 'load', folder], { env })
  t.equal(bad.code, 1)
  t.match(bad.output, /^vitrine: .*:\n {2}- .*bad\.json: /)
  t.notMatch(bad.output, '    at ', 'no stack')
})

t.test('what can not be meant is told', async t => {
  for (const [args, code, says] of [
    [['metadefs'], 2, /load is missing/],
    [['metadefs', 'laod', 'x'], 2, /laod is not load/],
    [['metadefs', 'load', 'x', '--mrege'], 2, /unknown flag --mrege; did you mean --merge\?/],
    [['metadefs', 'load', 'x', '--merge', '--replace'], 1, /--merge and --replace can't be combined/],
  ] as const) {
    const done = await runVitrine(args)
    t.equal(done.code, code, args.join(' '))
    t.match(done.output, says)
  }
})

t.test('without a folder, definitions of guests are loaded: the values of strict properties', async t => {
  const env = { VITRINE_DATA_DIR: join(temporaryFolder(t), 'data') }
  const loaded = await runVitrine(['metadefs', 'load'], { env })
  t.match(loaded, { code: 0, output: 'added 2: Vitrine::Guest, Vitrine::Systems\n' })
  const server = await startServer(t, { env })
  const shown = async (name: string) =>
    (await (await fetch(`${server.url}/v2/metadefs/namespaces/${name}`)).json()) as {
      properties: Record<string, { enum?: string[] }>
      objects: { name: string; properties: Record<string, { enum: string[] }> }[]
    }
  const { properties } = await shown('Vitrine::Guest')
  for (const [name, { values }] of Object.entries(facts)) t.same(properties[name]?.enum, values, name)
  const { objects } = await shown('Vitrine::Systems')
  const versions = objects.map(({ name, properties }) => [name, properties.os_version?.enum])
  t.same(
    Object.fromEntries(versions),
    Object.fromEntries(Object.entries(systems).map(([name, system]) => [name, system.versions])),
  )
})
