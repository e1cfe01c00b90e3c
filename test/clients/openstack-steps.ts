import type { Step } from './steps.js'

const id: (name: string) => [string, RegExp] = name => [name, /\| id\s+\| (\S+)/]
const active = /\| status\s+\| active/
const bare = '--disk-format raw --container-format bare'

/** Every image command of python-openstackclient, as an administrator. */
export const openstackSteps: Step[] = [
  {
    command: `image create --file <disk> --tag blue --property os_distro=debian --min-ram 256 ${bare} one`,
    says: active,
    keep: id('one'),
  },
  { command: `image create --import --file <disk> ${bare} imported`, keep: id('imported') },
  { command: 'image show imported', says: active, waits: true },
  { command: 'image list', says: /one/ },
  {
    command: 'image list --long --tag blue --property os_distro=debian --sort name:asc --limit 5',
    says: /debian|one/,
  },
  { command: 'image show one', says: active },
  { command: 'image set --name renamed --property os_version=12 --tag green --shared --hidden one' },
  { command: 'image show <one>', says: /os_version/ },
  { command: 'image unset --property os_version --tag green <one>' },
  { command: 'image set --unhidden --deactivate <one>' },
  { command: 'image set --activate <one>' },
  { command: 'image save --file <out> <one>' },
  { command: 'image add project <one> <project>', says: /pending/ },
  { command: 'image member list <one>', says: /pending/ },
  { command: 'image member get <one> <project>', says: /pending/ },
  { command: 'image set --project <project> --accept <one>' },
  { command: 'image list --member-status all --shared', says: /renamed|ID/ },
  { command: 'image remove project <one> <project>' },
  { command: 'image import info', says: /glance-direct/ },
  { command: 'image stores list', says: /slow/ },
  { command: 'image stores list --detail', says: /thin_provisioning/ },
  { command: `image create ${bare} staged`, keep: id('staged') },
  { command: 'image stage --file <disk> staged' },
  { command: 'image import --method glance-direct --store fast slow --wait staged' },
  { command: 'image show <staged>', says: active, waits: true },
  { command: `image create ${bare} web`, keep: id('web') },
  { command: 'image import --method web-download --uri <url> --all-stores --allow-failure <web>' },
  { command: 'image show <web>', says: active, waits: true },
  { command: 'image import --store slow --method copy-image <one>' },
  { command: 'image show <one>', says: /fast,slow|slow,fast/, waits: true },
  { command: `image create ${bare} far`, keep: id('far') },
  // without the interface it does not send the other two either
  {
    command:
      'image import --method glance-download --remote-region RegionOne --remote-image <one> --remote-service-interface public <far>',
  },
  { command: 'image show <far>', says: active, waits: true },
  { command: 'image task list', says: /import/, keep: ['task', /\| ([0-9a-f-]{36}) \|/] },
  { command: 'image task show <task>', says: /api_image_import|import/ },
  { command: 'cached image queue <one>' },
  { command: 'cached image list', says: /cached/, waits: true },
  { command: 'cached image delete <one>' },
  { command: 'cached image clear --cache' },
  { command: 'cached image clear --queue' },
  {
    command:
      'image metadef namespace create --display-name Colours --description Paint --public --unprotected colours',
    says: /colours/,
  },
  { command: 'image metadef namespace list', says: /colours/ },
  { command: 'image metadef namespace show colours', says: /Paint/ },
  { command: 'image metadef namespace set --description Dye --tag red colours' },
  { command: 'image metadef namespace unset --tag red colours' },
  { command: 'image metadef resource type list', says: /OS::Glance::Image/ },
  {
    command: 'image metadef resource type association create colours OS::Glance::Image',
    says: /OS::Glance::Image/,
  },
  { command: 'image metadef resource type association list colours', says: /OS::Glance::Image/ },
  { command: 'image metadef resource type association delete colours OS::Glance::Image' },
  {
    command:
      'image metadef property create --name hue --title Hue --type integer --schema \'{"minimum":0}\' colours',
    says: /hue/,
  },
  { command: 'image metadef property list colours', says: /hue/ },
  { command: 'image metadef property show colours hue', says: /minimum/ },
  { command: 'image metadef property set --title Tone colours hue' },
  { command: 'image metadef property delete colours hue' },
  { command: 'image metadef object create --namespace colours paint', says: /paint/ },
  { command: 'image metadef object list colours', says: /paint/ },
  { command: 'image metadef object show colours paint', says: /paint/ },
  { command: 'image metadef object update --name tin colours paint' },
  { command: 'image metadef object property show objects tin litres', says: /integer/ },
  { command: 'image metadef object delete colours tin' },
  { command: 'image metadef namespace delete colours' },
  { command: 'image delete <one> <imported> <staged> <web> <far>' },
  { command: 'image show <one>', fails: /No Image found|could not be found|404/i },
]
