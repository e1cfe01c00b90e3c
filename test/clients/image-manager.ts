import { execFile } from 'node:child_process'
import { createHash, randomBytes } from 'node:crypto'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Teardown } from '../helpers/database.js'
import { serve, webServer } from '../helpers/web.js'
import type { Cloud } from './cloud.js'
import type { Ran } from './steps.js'

interface Listed {
  id: string
  name: string
  status: string
  updated_at: string
  [property: string]: unknown
}

const meta = {
  architecture: 'x86_64',
  hw_disk_bus: 'scsi',
  hypervisor_type: 'qemu',
  os_distro: 'debian',
  os_purpose: 'generic',
  replace_frequency: 'never',
  uuid_validity: 'last-1',
  provided_until: 'none',
}

/** Manages two small images from a web server on loopback: makes them, leaves them alone, brings one up to date. */
export async function manageImages(
  t: Teardown,
  program: string,
  folder: string,
  cloud: Cloud,
): Promise<Ran[]> {
  const files = Object.fromEntries(['a-1', 'a-2', 'b-1'].map(name => [`/${name}.raw`, randomBytes(100_000)]))
  const web = await webServer(t, (request, response) =>
    serve(files[request.url ?? ''] ?? Buffer.alloc(0))(request, response),
  )
  const image = (name: string, visibility: string, versions: string[]) => ({
    name,
    enable: true,
    format: 'raw',
    login: 'user',
    min_disk: 1,
    min_ram: 64,
    status: 'active',
    visibility,
    multi: true,
    meta,
    tags: [],
    versions: versions.map(version => ({
      version,
      url: `${web.url}/${name}-${version}.raw`,
      checksum: `sha256:${createHash('sha256').update(files[`/${name}-${version}.raw`]!).digest('hex')}`,
      build_date: new Date('2026-01-01'),
    })),
  })
  const define = (a: string[]) =>
    writeFileSync(
      join(folder, 'images.yml'),
      // YAML takes JSON for its own, but for dates
      JSON.stringify({ images: [image('a', 'public', a), image('b', 'shared', ['1'])] }).replace(
        /"(\d{4}-\d\d-\d\d)T[^"]*"/g,
        '$1',
      ),
    )
  const list = async () =>
    ((await cloud.asAdmin('GET', '/v2/images?tag=managed_by_osism&sort=name:asc')) as { images: Listed[] })
      .images

  const ran: Ran[] = []
  const step = async (command: string, judge: (images: Listed[]) => string | null) => {
    const said = await manage(program, ['--images', folder, ...command.split(' ').slice(1)], cloud.env)
    ran.push({ command, fault: said.fault ?? judge(await list()) })
    if (ran.at(-1)!.fault !== null) console.log(said.output)
  }
  const names = (images: Listed[]) => images.map(({ name, status }) => `${name} ${status}`).join(', ')
  const same = (wanted: string) => (images: Listed[]) =>
    names(images) === wanted ? null : `the images are ${names(images)} instead of ${wanted}`

  define(['1'])
  await step('openstack-image-manager --check-only', same(''))
  await step('openstack-image-manager', same('a active, b active'))
  const before = JSON.stringify(await list())
  await step('openstack-image-manager (again)', images =>
    JSON.stringify(images) === before ? null : 'the second run has changed something',
  )
  define(['1', '2'])
  await step(
    'openstack-image-manager (with a new version of one image)',
    same('a active, a (1) active, b active'),
  )
  await step(
    'openstack-image-manager --share-image b --share-target other --share-action add',
    same('a active, a (1) active, b active'),
  )
  await step(
    'openstack-image-manager --share-image b --share-target other --share-action del',
    same('a active, a (1) active, b active'),
  )
  await step(
    'openstack-image-manager --share-image b --share-target default --share-type domain',
    same('a active, a (1) active, b active'),
  )
  await step('openstack-image-manager --check-age', same('a active, a (1) active, b active'))
  await step('openstack-image-manager --dry-run --latest', same('a active, a (1) active, b active'))
  define(['2'])
  await step('openstack-image-manager --hide --use-os-hidden', same('a active, a (1) active, b active'))
  await step('openstack-image-manager --deactivate', same('a active, a (1) deactivated, b active'))
  await step('openstack-image-manager --delete --yes-i-really-know-what-i-do', same('a active, b active'))
  return ran
}

function manage(
  program: string,
  args: string[],
  env: Record<string, string>,
): Promise<{ fault: string | null; output: string }> {
  // what stands in brackets is for the reader
  const words = args
    .join(' ')
    .replace(/ \(.*\)/, '')
    .split(' ')
  return new Promise(resolve => {
    execFile(program, words, { env, timeout: 300_000 }, (err, stdout, stderr) => {
      const output = stdout + stderr
      resolve({ fault: err ? output.trim().slice(-800) || err.message : null, output })
    })
  })
}
