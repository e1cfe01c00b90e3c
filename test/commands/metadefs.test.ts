/** `vitrine metadefs load`, beside a running server and without one. */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { runVitrine, startServer, temporaryFolder } from '../helpers/server-process.js'

t.setTimeout(120_000)

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
    [['metadefs', 'load'], 2, /DIR is missing/],
    [['metadefs', 'laod', 'x'], 2, /laod is not load/],
    [['metadefs', 'load', 'x', '--mrege'], 2, /unknown flag --mrege; did you mean --merge\?/],
    [['metadefs', 'load', 'x', '--merge', '--replace'], 1, /--merge and --replace can't be combined/],
  ] as const) {
    const done = await runVitrine(args)
    t.equal(done.code, code, args.join(' '))
    t.match(done.output, says)
  }
})
