import type { RuleDefault } from '../../policy/defaults.js'

const ownerOrAdmin = 'rule:context_is_admin or (role:member and project_id:%(owner)s)'

/** `link_user_id` is the maker's user id; there is none when all links of an image are meant. */
export const policies: Readonly<Record<string, RuleDefault>> = {
  create_link: {
    check: 'rule:download_image',
    description:
      "Make a link by which anybody downloads an image's data; a link gives no more than its maker may download.",
  },
  create_direct_link: {
    check: 'rule:context_is_admin',
    description: "Make a link to an image's data in the object store itself, which nobody can revoke.",
  },
  get_links: {
    check: `${ownerOrAdmin} or user_id:%(link_user_id)s`,
    description: 'List the links of an image: all of them, else those of which link_user_id is the caller.',
  },
  delete_link: {
    check: `${ownerOrAdmin} or user_id:%(link_user_id)s`,
    description: 'Revoke a link of an image.',
  },
}
