/**
 * Every command of OpenStack's clients that concerns images, against Vitrine and a real Keystone; see docs/clients.md.
 *
 *   npm run test:clients                 all of them; exits with 1 when something fails
 *   npm run test:clients -- glance       those of one client: glance, openstack, sdk, gophercloud or image-manager
 *   UPDATE_DOCS=1 npm run test:clients   writes docs/clients.md, too
 */
import { execFile } from 'node:child_process'
import { randomBytes, randomUUID } from 'node:crypto'
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { serve as serveBytes, webServer } from '../helpers/web.js'
import { startCloud } from './cloud.js'
import { glanceElsewhere, glanceSteps } from './glance-steps.js'
import { manageImages } from './image-manager.js'
import { openstackSteps } from './openstack-steps.js'
import { type Client, page } from './report.js'
import { type Ran, runSteps, type Step } from './steps.js'

const root = fileURLToPath(new URL('../../..', import.meta.url))
const bin = join(root, '.cache/clients/bin')
const run = promisify(execFile)

/** What is to be undone, last first. */
const undo: (() => unknown)[] = []
const t = { teardown: (fn: () => unknown) => void undo.push(fn) }

const folder = mkdtempSync(join(tmpdir(), 'vitrine-clients-'))
t.teardown(() => rmSync(folder, { recursive: true, force: true }))

/** Commands of a client that no step runs. */
const forgotten = (commands: readonly string[], steps: readonly Step[]): Ran[] =>
  commands
    .filter(name => !steps.some(({ command }) => command === name || command.startsWith(`${name} `)))
    .map(command => ({ command, fault: 'It is not run.' }))

/** Lines of JSON: a name, and null or what went wrong; one that was told more than once is told once. */
function lines(output: string): Ran[] {
  const ran = new Map<string, string | null>()
  for (const line of output.split('\n').filter(line => line.startsWith('['))) {
    const [command, fault] = JSON.parse(line) as [string, string | null]
    ran.set(command, ran.get(command) ?? fault)
  }
  return [...ran].map(([command, fault]) => ({ command, fault }))
}

async function main(wanted: string): Promise<boolean> {
  const disk = join(folder, 'disk.raw')
  const bytes = randomBytes(2_500_000)
  writeFileSync(disk, bytes)
  const web = await webServer(t, serveBytes(bytes))
  const cloud = await startCloud(t, folder)
  const { env } = cloud
  const names = new Map([
    ['disk', disk],
    ['out', join(folder, 'out.raw')],
    ['uuid', randomUUID()],
    ['url', `${web.url}/image.raw`],
    ['url2', `${web.url}/other.raw`],
    ['project', cloud.project],
    ['namespace', join(folder, 'namespace.json')],
  ])
  const tin = { name: 'tin', properties: { litres: { title: 'Litres', type: 'integer' } } }
  writeFileSync(join(folder, 'namespace.json'), JSON.stringify({ namespace: 'shapes', objects: [tin] }))

  const clients: Record<string, () => Promise<Client>> = {
    async glance() {
      const program = { file: join(bin, 'glance'), env }
      const { stdout } = await run(program.file, ['help'], { env })
      const commands = [...stdout.matchAll(/^ {4}([a-z][a-z-]+)/gm)].map(([, name]) => name!)
      const ran = await runSteps(program, glanceSteps, new Map(names))
      const asked = commands.filter(name => !glanceElsewhere.includes(name))
      return {
        title: 'glance',
        package: 'python-glanceclient',
        ran: [...ran, ...forgotten(asked, glanceSteps)],
      }
    },
    async openstack() {
      const program = { file: join(bin, 'openstack'), env }
      const list =
        "from importlib.metadata import entry_points as e\nfor x in e(group='openstack.image.v2'): print(x.name.replace('_', ' '))"
      const { stdout } = await run(join(bin, 'python'), ['-c', list], { env })
      const commands = stdout.trim().split('\n')
      await cloud.asAdmin('POST', '/v2/metadefs/namespaces', { namespace: 'objects', objects: [tin] })
      const ran = await runSteps(program, openstackSteps, new Map(names))
      return {
        title: 'openstack',
        package: 'python-openstackclient',
        ran: [...ran, ...forgotten(commands, openstackSteps)],
      }
    },
    async sdk() {
      const script = join(root, 'test/clients/sdk-all.py')
      const args = [script, disk, names.get('url')!, cloud.project]
      const { stdout } = await run(join(bin, 'python'), args, { env })
      return { title: 'openstacksdk', package: 'openstacksdk', ran: lines(stdout) }
    },
    async gophercloud() {
      const cwd = join(root, 'test/clients/gophercloud')
      const program = join(folder, 'gophercloud')
      const go = await run('go', ['build', '-o', program, '.'], { cwd }).catch((err: Error) => err)
      const version = /gophercloud\/v2 v(\S+)/.exec(readFileSync(join(cwd, 'go.mod'), 'utf8'))?.[1] ?? ''
      const client = { title: 'gophercloud', package: 'gophercloud', version }
      if (go instanceof Error) return { ...client, ran: [], skipped: `It could not be built: ${go.message}` }
      // of domains it reads this variable alone
      const environment = { ...env, OS_DOMAIN_ID: 'default' }
      const { stdout } = await run(program, [disk, names.get('url')!, cloud.project], { env: environment })
      return { ...client, ran: lines(stdout) }
    },
    async 'image-manager'() {
      const program = join(root, '.cache/image-manager/bin/openstack-image-manager')
      const client = { title: 'openstack-image-manager', package: 'openstack-image-manager' }
      if (!existsSync(program))
        return { ...client, ran: [], skipped: 'scripts/get-image-manager has not installed it.' }
      const images = join(folder, 'images')
      mkdirSync(images)
      return { ...client, ran: await manageImages(t, program, images, cloud) }
    },
  }

  const done: Client[] = []
  for (const [name, work] of Object.entries(clients)) {
    if (wanted && wanted !== name) continue
    console.log(`\n${name}`)
    const client = await work()
    done.push(client)
    for (const { command, fault } of client.ran.filter(({ fault }) => fault !== null))
      console.log(`FAIL ${command}: ${fault}`)
    console.log(
      client.skipped ?? `${client.ran.filter(({ fault }) => fault === null).length} of ${client.ran.length}`,
    )
  }
  await cloud.versions(done)
  if (process.env.UPDATE_DOCS && !wanted) writeFileSync(join(root, 'docs/clients.md'), page(done))
  for (const line of cloud.log().filter(line => /"level":[56]0/.test(line))) console.log(`vitrine: ${line}`)
  return done.every(({ ran, skipped }) => skipped === undefined && ran.every(({ fault }) => fault === null))
}

try {
  process.exitCode = (await main(process.argv[2] ?? '')) ? 0 : 1
} finally {
  for (const fn of undo.toReversed()) await fn()
}
