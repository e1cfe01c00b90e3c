import { type Static, Type } from '@sinclair/typebox'

/**
 * Every setting: its type, its default and a sentence. The name in vitrine.yaml is the key, the name in the
 * environment is VITRINE_ and the key in capitals. `x-kind` tells read.ts how a value is written, `x-secret` and
 * `x-secret-urls` that it is masked where settings are shown (the latter: only the passwords in its URLs).
 */

const text = (description: string, more: object = {}) =>
  Type.Union([Type.String(), Type.Null()], { description, default: null, ...more })
const secret = (description: string, more: object = {}) => text(description, { 'x-secret': true, ...more })
const list = (description: string, initial: string[] | null, more: object = {}) =>
  Type.Array(Type.String(), { description, default: initial ?? [], 'x-kind': 'list', ...more })
const flag = (description: string, initial: boolean) =>
  Type.Boolean({ description, default: initial, 'x-kind': 'flag' })
const seconds = (description: string, initial: number) =>
  Type.Integer({ description, default: initial, minimum: 0, 'x-kind': 'integer' })
const perImage = (what: string, initial: number) =>
  Type.Integer({
    description: `${what} that an image may have; -1 for any number.`,
    default: initial,
    minimum: -1,
    'x-kind': 'integer',
  })

export const Settings = Type.Object(
  {
    host: Type.String({
      default: '127.0.0.1',
      description: "Address to listen on; plain HTTP, TLS is a proxy's work.",
    }),
    port: Type.Integer({
      default: 9292,
      minimum: 0,
      maximum: 65535,
      'x-kind': 'integer',
      description: 'TCP port to listen on.',
    }),
    public_url: text('Base of absolute links; from the request when unset.', { 'x-kind': 'url' }),
    trusted_proxies: list('CIDRs of proxies whose Forwarded and X-Forwarded-* headers count.', [], {
      'x-kind': 'cidrs',
    }),
    data_dir: Type.String({
      default: './data',
      description: 'Embedded database, default store, staging, cache.',
    }),
    database_url: secret('postgres://… of a PostgreSQL ≥ 14; the embedded one when unset.', {
      'x-kind': 'postgres',
      'x-secret-urls': true,
    }),
    secret_key: secret(
      'Encrypts what must be kept and not shown; made once under the data directory when unset; required with an external database.',
    ),
    stores: list(
      'Stores as name=URL; file:/path, s3://KEY:SECRET@host:port/bucket/prefix?tls=false&region=…&public=…, http:. The default is local=file:DATA_DIR/images.',
      null,
      { 'x-kind': 'stores', 'x-secret-urls': true },
    ),
    default_store: text('Store that takes uploads which name none; the first when unset.'),
    auth: Type.Union([Type.Literal('none'), Type.Literal('basic'), Type.Literal('keystone')], {
      default: 'none',
      description: 'Who is calling: none (loopback only), basic (users file) or keystone.',
    }),
    users_file: text('Users of auth mode basic (YAML).'),
    keystone_url: text('Keystone v3 endpoint, such as http://127.0.0.1:5000/v3.', { 'x-kind': 'url' }),
    keystone_username: text('Service account that validates tokens.'),
    keystone_password: secret('Password of the service account.'),
    keystone_project: text('Project of the service account.'),
    keystone_user_domain: Type.String({
      default: 'default',
      description: 'Domain id of the service account.',
    }),
    keystone_project_domain: Type.String({
      default: 'default',
      description: "Domain id of the service account's project.",
    }),
    keystone_region: text('Region whose registered limits and catalogue entries count.'),
    keystone_ca_file: text('CA certificates (PEM) for Keystone over TLS.'),
    token_cache_seconds: seconds('How long a validated token is believed.', 300),
    group_cache_seconds: seconds("How long a caller's groups are believed.", 60),
    policy_file: text("oslo.policy YAML that overrides rules by Glance's names."),
    property_protection_file: text("Glance's property protections."),
    limit_image_size_total: Type.Union([Type.Integer(), Type.Null()], {
      default: null,
      'x-kind': 'integer',
      description: 'MiB of images a project may hold.',
    }),
    limit_image_count_total: Type.Union([Type.Integer(), Type.Null()], {
      default: null,
      'x-kind': 'integer',
      description: 'Images a project may hold.',
    }),
    limit_image_count_uploading: Type.Union([Type.Integer(), Type.Null()], {
      default: null,
      'x-kind': 'integer',
      description: 'Uploads and imports a project may run at once.',
    }),
    limit_image_stage_total: Type.Union([Type.Integer(), Type.Null()], {
      default: null,
      'x-kind': 'integer',
      description: 'MiB a project may have staged.',
    }),
    image_tag_quota: perImage('Tags', 128),
    image_property_quota: perImage('Additional properties', 128),
    image_member_quota: perImage('Members', 128),
    image_location_quota: perImage('Locations', 10),
    disk_formats: list('Disk formats that images may have.', [
      'ami',
      'ari',
      'aki',
      'vhd',
      'vhdx',
      'vmdk',
      'raw',
      'qcow2',
      'vdi',
      'iso',
      'ploop',
    ]),
    container_formats: list('Container formats that images may have.', [
      'ami',
      'ari',
      'aki',
      'bare',
      'ovf',
      'ova',
      'docker',
      'compressed',
    ]),
    import_methods: list('Enabled import methods.', [
      'glance-direct',
      'web-download',
      'copy-image',
      'glance-download',
    ]),
    import_allowed_schemes: list('URL schemes an import may use.', ['http', 'https', 'ftp']),
    import_disallowed_schemes: list(
      'URL schemes an import may not use; ignored when allowed ones are named.',
      [],
    ),
    import_allowed_hosts: list('Hosts an import may reach.', []),
    import_disallowed_hosts: list('Hosts an import may not reach; ignored when allowed ones are named.', []),
    import_allowed_ports: list('Ports an import may reach; with ftp that of the control connection.', [
      '80',
      '443',
      '21',
    ]),
    import_disallowed_ports: list('Ports an import may not reach; ignored when allowed ones are named.', []),
    import_allowed_addresses: list(
      'CIDRs that an import may reach although they are refused by default.',
      [],
      { 'x-kind': 'cidrs' },
    ),
    import_disallowed_addresses: list('CIDRs that an import may not reach.', [], { 'x-kind': 'cidrs' }),
    import_convert_to: text('Disk format that imports are converted to: raw, qcow2 or vmdk.'),
    import_decompress: flag('Whether imports are decompressed.', false),
    import_inject: list('Properties that imports get, as name=value.', []),
    import_tasks: Type.Integer({
      default: 16,
      minimum: 1,
      maximum: 256,
      'x-kind': 'integer',
      description: 'Imports and other tasks that one server runs at once.',
    }),
    import_tasks_per_project: Type.Integer({
      default: 4,
      minimum: 1,
      'x-kind': 'integer',
      description: 'Tasks of one project that run at once, on all servers together; further ones wait.',
    }),
    show_multiple_locations: flag('Whether images show their locations.', false),
    show_image_direct_url: flag('Whether images show direct_url.', false),
    do_secure_hash: flag('Whether bytes of added locations are hashed.', true),
    cache_dir: text('Folder of the image cache; off when unset.'),
    cache_max_size: Type.Integer({
      default: 10 * 2 ** 30,
      minimum: 0,
      'x-kind': 'bytes',
      description: 'Bytes the image cache may hold.',
    }),
    recycle_bin: Type.Integer({
      default: 7 * 86400,
      minimum: 0,
      // a hundred years: dates end somewhere
      maximum: 36_500 * 86400,
      'x-kind': 'duration',
      description: 'Seconds for which deleted images can be restored (s, m, h, d; off).',
    }),
    recycle_bin_max_size: Type.Integer({
      default: 2 ** 40,
      minimum: 0,
      'x-kind': 'bytes',
      description: 'Bytes of a project that the bin keeps.',
    }),
    strict_properties: flag('Whether unknown values of the operating system facts are refused.', false),
    cors_origins: list(
      'Origins of web pages that may call from the browser, such as https://horizon.example; * for all.',
      [],
    ),
    max_image_size: Type.Integer({
      default: 2 ** 40,
      minimum: 1,
      'x-kind': 'bytes',
      description: 'Bytes that one image may have.',
    }),
    processes: Type.Integer({
      default: 1,
      minimum: 1,
      maximum: 256,
      'x-kind': 'integer',
      description: 'Serving processes on this machine.',
    }),
    database_connections: Type.Integer({
      default: 16,
      minimum: 2,
      maximum: 1000,
      'x-kind': 'integer',
      description: 'Database connections of one serving process at most.',
    }),
    healthcheck_disable_file: text(
      'File whose presence makes /healthcheck 503, to take a server out of a load balancer.',
    ),
    drain_seconds: seconds('How long running transfers may go on once a stop was asked for.', 300),
    log_level: Type.Union(
      ['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'].map(level => Type.Literal(level)),
      { default: 'info', description: 'Least level of log lines.' },
    ),
  },
  { additionalProperties: false },
)

/** All settings after defaults, file and environment; frozen. */
export type Config = Readonly<Static<typeof Settings>>
