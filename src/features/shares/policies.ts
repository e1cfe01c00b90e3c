import type { RuleDefault } from '../../policy/defaults.js'

const admin = 'rule:context_is_admin'
const owner = 'project_id:%(project_id)s'

export const policies: Record<string, RuleDefault> = {
  add_group_share: {
    check: `${admin} or (role:manager and ${owner}) or (role:member and ${owner} and True:%(in_group)s)`,
    description: 'Share an image with a user group; `in_group` tells whether the caller belongs to it.',
  },
  add_domain_share: { check: admin, description: 'Share an image with all projects of a domain.' },
  get_shares: {
    check: 'rule:modify_image',
    description: 'List the groups and domains an image is shared with.',
  },
  delete_share: { check: 'rule:modify_image', description: 'End sharing an image with a group or a domain.' },
}
