import { ALTERNATE, REGION } from './cloud.js'

/** Sections and options of a tempest.conf. */
export type Settings = Record<string, Record<string, string | number | boolean>>

/** Where things are. */
export interface Places {
  /** Of the run's own, for logs and locks. */
  folder: string
  keystone: string
  /** A raw image and a qcow2 on a web server. */
  rawImage: string
  qcow2Image: string
  /** Of the images of every format. */
  manifest: string
}

/** A tempest.conf with which as little as possible is skipped. */
export const settings = (places: Places): Settings => ({
  DEFAULT: { log_dir: places.folder, log_file: 'tempest.log' },
  oslo_concurrency: { lock_path: places.folder },
  auth: {
    use_dynamic_credentials: true,
    create_isolated_networks: false,
    admin_username: 'admin',
    admin_password: 'admin',
    admin_project_name: 'admin',
    admin_domain_name: 'Default',
  },
  identity: { uri_v3: places.keystone, auth_version: 'v3', region: REGION, v3_endpoint_type: 'public' },
  service_available: {
    glance: true,
    // there is no Nova: the tests of formats want to be told of one, and those that would use it are off below
    nova: true,
    neutron: false,
    cinder: false,
    swift: false,
    horizon: false,
  },
  enforce_scope: { glance: true },
  image: {
    region: REGION,
    alternate_image_endpoint: ALTERNATE,
    image_caching_enabled: false,
    http_image: places.rawImage,
    http_qcow2_image: places.qcow2Image,
    images_manifest_file: places.manifest,
    container_formats: 'bare,ami,ari,aki,ovf,ova,docker,compressed',
    disk_formats: 'raw,qcow2,ami,ari,aki,vhd,vmdk,vdi,iso,vhdx,ploop,gpt',
    build_timeout: 120,
  },
  'volume-feature-enabled': { enable_volume_image_dep_tests: false },
  'image-feature-enabled': {
    import_image: true,
    os_glance_reserved: true,
    manage_locations: true,
    image_conversion: true,
    image_format_enforcement: true,
    do_secure_hash: true,
    http_store_enabled: true,
    store_weight_enabled: true,
  },
})

/** The file's text. Options of `over` replace those of the same name. */
export function confText(base: Settings, over: Settings = {}): string {
  const sections = [...new Set([...Object.keys(base), ...Object.keys(over)])]
  return sections
    .map(section => {
      const options = Object.entries({ ...base[section], ...over[section] })
      return `[${section}]\n${options.map(([name, value]) => `${name} = ${value}\n`).join('')}`
    })
    .join('\n')
}
