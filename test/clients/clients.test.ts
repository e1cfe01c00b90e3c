import { execFile } from 'node:child_process'
import { createHash, randomBytes } from 'node:crypto'
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { hash } from '@node-rs/argon2'
import t, { type Test } from 'tap'
import { noOwnKeystone, ownKeystone } from '../helpers/keystone.js'
import { serve } from '../helpers/served.js'

/** The command lines and the SDK that OpenStack's users have, unchanged, in each auth mode. */

const bin = fileURLToPath(new URL('../../../.cache/clients/bin', import.meta.url))
const script = fileURLToPath(new URL('../../../test/clients/sdk.py', import.meta.url))
const missing = existsSync(join(bin, 'openstack'))
  ? false
  : 'scripts/get-clients has not installed the clients of OpenStack'
if (missing && process.env.VITRINE_TEST_REQUIRE_CLIENTS) throw new Error(missing)

// each of some sixty commands starts a Python of its own
t.setTimeout(600_000)
const patience = { timeout: 400_000 }

const folder = mkdtempSync(join(tmpdir(), 'vitrine-clients-'))
t.teardown(() => rmSync(folder, { recursive: true, force: true }))
const file = join(folder, 'disk.raw')
const bytes = randomBytes(5_000_000)
writeFileSync(file, bytes)
const sha512 = createHash('sha512').update(bytes).digest('hex')

const run = promisify(execFile)

/** Runs a client's program with nothing in its environment but what is given. */
async function program(
  name: string,
  args: readonly string[],
  env: Record<string, string> = {},
): Promise<string> {
  const { stdout } = await run(join(bin, name), args, {
    env: { PATH: process.env.PATH, HOME: folder, PYTHONWARNINGS: 'ignore', LANG: 'C.UTF-8', ...env },
    timeout: 120_000,
  })
  return stdout
}

/** openstack image create, list, show, set, unset, save, delete, add and remove project, and what stands around them. */
async function openstackCommands(
  t: Test,
  auth: readonly string[],
  env: Record<string, string> = {},
): Promise<void> {
  const openstack = (...args: string[]) => program('openstack', [...auth, 'image', ...args], env)
  const json = async (...args: string[]) => JSON.parse(await openstack(...args, '-f', 'json'))
  const made = await json(
    'create',
    ...['--disk-format', 'raw', '--container-format', 'bare', '--file', file],
    ...['--property', 'hw_disk_bus=scsi', '--tag', 'blue', '--min-ram', '256', 'from-cli'],
  )
  t.match(made, {
    name: 'from-cli',
    status: 'active',
    size: bytes.length,
    properties: { os_hash_value: sha512 },
  })
  t.strictSame(
    (await json('list', '--name', 'from-cli')).map((row: { ID: string }) => row.ID),
    [made.id],
  )
  await openstack('set', '--name', 'renamed', '--property', 'os_distro=debian', '--tag', 'green', made.id)
  const shown = await json('show', 'renamed')
  t.match(shown, { name: 'renamed', properties: { os_distro: 'debian', hw_disk_bus: 'scsi' } })
  t.strictSame(shown.tags.sort(), ['blue', 'green'])
  await openstack('unset', '--property', 'os_distro', '--tag', 'green', 'renamed')
  t.notMatch(await json('show', 'renamed'), { properties: { os_distro: 'debian' } })
  const saved = join(folder, 'saved.raw')
  await openstack('save', '--file', saved, 'renamed')
  t.equal(createHash('sha512').update(readFileSync(saved)).digest('hex'), sha512, 'the bytes that were sent')
  await openstack('set', '--protected', 'renamed')
  await t.rejects(openstack('delete', 'renamed'), /403/)
  await openstack('set', '--unprotected', 'renamed')
  await openstack('set', '--deactivate', 'renamed')
  await openstack('set', '--activate', 'renamed')
  await openstack('delete', 'renamed')
  t.strictSame(await json('list', '--name', 'renamed'), [])
  await t.rejects(openstack('show', 'renamed'), /No Image found|could not be found|404/i)
}

/** glance image-*, member-* and the schema that it reads first. */
async function glanceCommands(
  t: Test,
  auth: readonly string[],
  env: Record<string, string> = {},
): Promise<void> {
  const glance = (...args: string[]) => program('glance', [...auth, ...args], env)
  const created = await glance(
    ...['image-create', '--name', 'from-glance', '--disk-format', 'raw', '--container-format', 'bare'],
    ...['--file', file, '--property', 'os_version=12'],
  )
  const id = /\| id\s+\| (\S+)/.exec(created)?.[1] ?? ''
  t.match(created, /\| status\s+\| active/)
  t.match(created, createHash('md5').update(bytes).digest('hex'))
  t.match(await glance('image-list'), id)
  t.match(await glance('image-show', id), /os_version\s+\| 12/)
  await glance(
    'image-update',
    id,
    '--name',
    'other',
    '--property',
    'os_distro=debian',
    '--remove-property',
    'os_version',
  )
  const shown = await glance('image-show', id)
  t.match(shown, /os_distro\s+\| debian/)
  t.notMatch(shown, /os_version/)
  await glance('image-tag-update', id, 'blue')
  await glance('image-tag-delete', id, 'blue')
  const saved = join(folder, 'glance.raw')
  await glance('image-download', '--file', saved, id)
  t.equal(createHash('sha512').update(readFileSync(saved)).digest('hex'), sha512)
  t.match(await glance('member-create', id, 'friend'), /friend\s+\| pending/)
  t.match(await glance('member-list', '--image-id', id), /friend/)
  await glance('member-delete', id, 'friend')
  await glance('image-deactivate', id)
  await glance('image-reactivate', id)
  t.match(await glance('import-info'), /web-download/)
  await glance('image-delete', id)
  await t.rejects(glance('image-show', id), /404|No image/i)
}

const sdk = (connection: object, env: Record<string, string> = {}) =>
  program('python', [script, JSON.stringify(connection), file], env)

t.test('with no identity at all', { skip: missing, ...patience }, async t => {
  const { url } = await serve(t)
  await openstackCommands(t, ['--os-auth-type', 'none', '--os-endpoint', url])
  await glanceCommands(t, ['--os-auth-token', 'any', '--os-image-url', url])
  await sdk({ auth_type: 'none', auth: { endpoint: url }, image_endpoint_override: url })
})

t.test('with a users file', { skip: missing, ...patience }, async t => {
  const users = join(folder, 'users.yaml')
  const password_hash = await hash('correct horse', { memoryCost: 1024, timeCost: 1 })
  const user = { name: 'alice', password_hash, project: 'demo', roles: ['member', 'reader'] }
  writeFileSync(users, JSON.stringify({ users: [user] }))
  const { url } = await serve(t, { VITRINE_AUTH: 'basic', VITRINE_USERS_FILE: users })
  // this plugin of keystoneauth asks for no versions: the endpoint has to name one
  const endpoint = `${url}/v2`
  const login = ['--os-username', 'alice', '--os-password', 'correct horse']
  await openstackCommands(t, ['--os-auth-type', 'http_basic', '--os-endpoint', endpoint, ...login])
  await sdk({
    auth_type: 'http_basic',
    auth: { endpoint: url, username: 'alice', password: 'correct horse' },
    image_endpoint_override: url,
  })
})

t.test('with Keystone and its catalogue', { skip: missing || noOwnKeystone, ...patience }, async t => {
  const keystone = await ownKeystone(t)
  const { url } = await serve(t, {
    VITRINE_AUTH: 'keystone',
    VITRINE_KEYSTONE_URL: keystone.url,
    VITRINE_KEYSTONE_USERNAME: 'nova',
    VITRINE_KEYSTONE_PASSWORD: 'nova',
    VITRINE_KEYSTONE_PROJECT: 'service',
  })
  const { service } = (await keystone.asAdmin('POST', '/services', {
    service: { name: 'vitrine', type: 'image' },
  })) as { service: { id: string } }
  for (const face of ['public', 'internal', 'admin']) {
    await keystone.asAdmin('POST', '/endpoints', {
      endpoint: { service_id: service.id, interface: face, url, region_id: 'RegionOne' },
    })
  }
  const env = {
    OS_AUTH_URL: keystone.url,
    OS_USERNAME: 'alice',
    OS_PASSWORD: 'alice',
    OS_PROJECT_NAME: 'demo',
    OS_USER_DOMAIN_ID: 'default',
    OS_PROJECT_DOMAIN_ID: 'default',
    OS_IDENTITY_API_VERSION: '3',
    OS_REGION_NAME: 'RegionOne',
  }
  await openstackCommands(t, [], env)
  await glanceCommands(t, [], env)
  await sdk({}, env)
})
