import type { RuleDefault } from '../policy/defaults.js'

/** Who knows of which versions: rules of the image record that Glance lacks. */
export const policies: Readonly<Record<string, RuleDefault>> = {
  get_versions: {
    check: 'rule:add_image',
    description:
      'See all versions of the images of a project, and their history; asked about the project alone. Who fails it sees the one in production.',
  },
  get_superseded_version: {
    check: 'rule:context_is_admin or role:service or service_roles:service',
    description: 'See, by id, a version that was in production before, as when a server is rebuilt.',
  },
}
