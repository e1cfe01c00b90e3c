import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { loadConfig } from '../../src/config/load.js'
import { masked, maskUrl } from '../../src/config/mask.js'
import { Faults } from '../../src/errors.js'

/** Faults of these settings, [] when there are none. `yaml` is what vitrine.yaml holds. */
function faultsOf(env: Record<string, string>, yaml = ''): readonly string[] {
  try {
    load(env, yaml)
    return []
  } catch (err) {
    if (err instanceof Faults) return err.faults
    throw err
  }
}

const folder = t.testdir()
function load(env: Record<string, string>, yaml = '') {
  const file = join(folder, 'vitrine.yaml')
  writeFileSync(file, yaml)
  return loadConfig({ VITRINE_CONFIG: file, ...env })
}

t.test('the environment wins over the file, the file over the defaults', async t => {
  const config = load({ VITRINE_PORT: '9300' }, 'port: 9400\nlog_level: warn\ndisk_formats: [raw, qcow2]\n')
  t.equal(config.port, 9300)
  t.equal(config.log_level, 'warn')
  t.same(config.disk_formats, ['raw', 'qcow2'])
  t.equal(config.host, '127.0.0.1')
})

t.test('the result is frozen, lists too', async t => {
  const config = load({})
  t.ok(Object.isFrozen(config) && Object.isFrozen(config.disk_formats))
})

t.test('numbers have units, lists have commas, an empty value is an empty list', async t => {
  const config = load(
    {
      VITRINE_MAX_IMAGE_SIZE: '10 GiB',
      VITRINE_CACHE_MAX_SIZE: '500MB',
      VITRINE_RECYCLE_BIN: '12h',
      VITRINE_TRUSTED_PROXIES: '10.0.0.0/8, 192.168.1.1 ,::1',
      VITRINE_IMPORT_METHODS: '',
      VITRINE_STRICT_PROPERTIES: 'Yes',
      VITRINE_KEYSTONE_REGION: '',
      VITRINE_LIMIT_IMAGE_COUNT_TOTAL: '5',
      VITRINE_PUBLIC_URL: 'https://images.example/',
    },
    'keystone_password: 0123\nrecycle_bin_max_size: 1.5TiB\nimport_allowed_ports: [80, 8080]\n',
  )
  t.match(config, {
    max_image_size: 10 * 2 ** 30,
    cache_max_size: 500_000_000,
    recycle_bin: 43_200,
    recycle_bin_max_size: 1.5 * 2 ** 40,
    trusted_proxies: ['10.0.0.0/8', '192.168.1.1/32', '::1/128'],
    import_methods: [],
    import_allowed_ports: ['80', '8080'],
    strict_properties: true,
    keystone_region: null,
    keystone_password: '0123',
    limit_image_count_total: 5,
    public_url: 'https://images.example',
  })
  t.equal(load({ VITRINE_RECYCLE_BIN: 'off' }).recycle_bin, 0)
})

t.test('every fault is told at once, in words of the setting, and no secret with it', async t => {
  const faults = faultsOf(
    {
      VITRINE_PROT: '9292',
      VITRINE_PORT: '99999',
      VITRINE_HOST: '0.0.0.0',
      VITRINE_LOG_LEVEL: 'inof',
      VITRINE_MAX_IMAGE_SIZE: 'plenty',
      VITRINE_RECYCLE_BIN: '3 weeks',
      VITRINE_TRUSTED_PROXIES: '10.0.0.0/33',
      VITRINE_DATABASE_URL: 'mysql://root:hunter2@db/x',
      VITRINE_DEFAULT_STORE: 'locla',
      VITRINE_IMPORT_METHODS: 'web-downlaod',
      VITRINE_SHOW_IMAGE_DIRECT_URL: 'maybe',
      VITRINE_POLICY_FILE: '/nowhere/policy.yaml',
      VITRINE_PUBLIC_URL: 'images.example',
    },
    'prot: 1\nstores:\n  fast: file:/x\n',
  )
  for (const expected of [
    /^VITRINE_PROT is not a setting; did you mean VITRINE_PORT\?$/,
    /^VITRINE_PORT has to be 65535 or less, not 99999$/,
    /^VITRINE_HOST 0\.0\.0\.0 is not a loopback address/,
    /^VITRINE_LOG_LEVEL has to be one of .*; did you mean info\?$/,
    /^VITRINE_MAX_IMAGE_SIZE has to be a size/,
    /^VITRINE_RECYCLE_BIN has to be a number with s, m, h or d/,
    /^VITRINE_TRUSTED_PROXIES has to be a list of addresses or CIDRs/,
    /^VITRINE_DATABASE_URL has to be a URL such as/,
    /^VITRINE_IMPORT_METHODS has an unknown method .*did you mean web-download\?$/,
    /^VITRINE_SHOW_IMAGE_DIRECT_URL has to be true or false$/,
    /^VITRINE_POLICY_FILE names \/nowhere\/policy.yaml, which does not exist$/,
    /^VITRINE_PUBLIC_URL has to be a URL that begins/,
    /^prot in .*vitrine\.yaml is not a setting; did you mean port\?$/,
    /^stores in .*vitrine\.yaml has to be a list$/,
  ])
    t.ok(
      faults.some(fault => expected.test(fault)),
      String(expected),
    )
  t.notMatch(faults.join(), 'hunter2')
})

t.test('settings that do not go together are refused', async t => {
  const table: [Record<string, string>, RegExp[]][] = [
    [{ VITRINE_AUTH: 'basic' }, [/^VITRINE_USERS_FILE is required with VITRINE_AUTH=basic$/]],
    [
      { VITRINE_AUTH: 'keystone', VITRINE_KEYSTONE_USERNAME: 'glance' },
      [/^VITRINE_KEYSTONE_URL is required/, /^VITRINE_KEYSTONE_PASSWORD is/, /^VITRINE_KEYSTONE_PROJECT is/],
    ],
    [
      { VITRINE_DATABASE_URL: 'postgres://u:p@db/x' },
      [/^VITRINE_SECRET_KEY is required with VITRINE_DATABASE_URL/],
    ],
    [{ VITRINE_DEFAULT_STORE: 'locla' }, [/^VITRINE_DEFAULT_STORE names locla.*did you mean local\?$/]],
    [{ VITRINE_STORES: 'fast=nfs://x' }, [/^VITRINE_STORES: store fast/]],
    [{ VITRINE_IMPORT_CONVERT_TO: 'vdi' }, [/^VITRINE_IMPORT_CONVERT_TO has to be one of raw, qcow2, vmdk$/]],
    [{ VITRINE_CORS_ORIGINS: 'https://a.example/path' }, [/^VITRINE_CORS_ORIGINS has/]],
    [{ VITRINE_CORS_ORIGINS: '*' }, [/^VITRINE_CORS_ORIGINS has \*: .* would be admin/]],
  ]
  for (const [env, expected] of table) {
    const faults = faultsOf(env)
    t.equal(faults.length, expected.length, JSON.stringify(env))
    for (const [i, pattern] of expected.entries()) t.match(faults[i], pattern)
  }
})

t.test('auth none listens on every spelling of loopback, and on nothing else', async t => {
  for (const host of ['127.0.0.1', '127.1.2.3', '::1', 'localhost', '::ffff:127.0.0.1'])
    t.same(faultsOf({ VITRINE_HOST: host }), [], host)
  for (const host of ['0.0.0.0', '::', '10.0.0.1', 'images.example', '::ffff:10.0.0.1', '127.0.0.1.example'])
    t.match(faultsOf({ VITRINE_HOST: host })[0], /not a loopback address/, host)
})

t.test('a secret can come from a file, from one place only', async t => {
  const key = join(folder, 'key')
  writeFileSync(key, 's3cret \n')
  t.equal(load({ VITRINE_SECRET_KEY_FILE: key }).secret_key, 's3cret ')
  t.equal(load({}, `secret_key_file: ${key}`).secret_key, 's3cret ')
  t.equal(load({ VITRINE_SECRET_KEY: 'other' }, `secret_key_file: ${key}`).secret_key, 'other')
  writeFileSync(join(folder, 'stores'), 'a=file:/a,b=file:/b\n')
  t.same(load({ VITRINE_STORES_FILE: join(folder, 'stores') }).stores, ['a=file:/a', 'b=file:/b'])
  t.match(faultsOf({ VITRINE_SECRET_KEY_FILE: key, VITRINE_SECRET_KEY: 'x' }), [/both set: keep one/])
  t.match(faultsOf({ VITRINE_SECRET_KEY_FILE: `${key}.none` }), [/can't be read: there is no such file/])
  t.match(faultsOf({ VITRINE_HOST_FILE: key }), [/VITRINE_HOST_FILE is not a setting/])
})

t.test('a file that is not there or not YAML is told without its text', async t => {
  mkdirSync(join(folder, 'sub'), { recursive: true })
  t.match(faultsOf({ VITRINE_CONFIG: join(folder, 'none.yaml') }), [
    /none\.yaml can't be read: there is no such file/,
  ])
  const faults = faultsOf({}, 'port: 1\nkeystone_password: "hunter2\n')
  t.match(faults, [/vitrine\.yaml is not YAML: line \d/])
  t.notMatch(faults.join(), 'hunter2')
  t.match(faultsOf({}, '- port'), [/has to be a mapping/])
  t.same(faultsOf({}, '# nothing\n'), [])
})

t.test('what Kubernetes adds for a service of our name is no setting', async t => {
  const env = { VITRINE_SERVICE_HOST: '10.0.0.1', VITRINE_PORT_9292_TCP_ADDR: '10.0.0.1' }
  t.same(faultsOf(env), [])
  t.match(faultsOf({ ...env, VITRINE_PORT: 'tcp://10.0.0.1:9292' }), [/enableServiceLinks/])
})

t.test('secrets are masked where settings are shown, passwords in URLs too', async t => {
  const config = load({
    VITRINE_DATABASE_URL:
      'postgres://vitrine:p@ss/w:rd@db.example/vitrine?sslpassword=hunter2&application_name=x',
    VITRINE_SECRET_KEY: 'hunter2',
    VITRINE_KEYSTONE_PASSWORD: 'hunter2',
    VITRINE_STORES: 'cold=s3://KEY:hunter2@s3.example/bucket?tls=false,local=file:/images',
  })
  const shown = JSON.stringify(masked(config))
  t.notMatch(shown, /hunter2|p@ss|w:rd/)
  t.match(shown, /postgres:\/\/vitrine:\*\*\*@db\.example/)
  t.match(shown, /application_name=x/)
  t.match(shown, /cold=s3:\/\/KEY:\*\*\*@s3\.example\/bucket\?tls=false/)
  t.equal(maskUrl('http://127.0.0.1:9292/a:b'), 'http://127.0.0.1:9292/a:b')
})
