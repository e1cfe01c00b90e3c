import type { RuleDefault } from '../../policy/defaults.js'

/** A service by its own token, or one that sends its token beside the user's. */
const service = 'rule:service_api or service_roles:service'

export const policies: Record<string, RuleDefault> = {
  add_consumer: {
    check: `${service} or (role:member and project_id:%(project_id)s)`,
    description: 'Register a consumer of an image.',
  },
  get_consumers: {
    check: `${service} or rule:get_image`,
    description: "List the consumers of an image: the caller's project's, all of them for an admin.",
  },
  delete_consumer: {
    check: `${service} or (role:member and (user_id:%(consumer_created_by)s or project_id:%(consumer_project_id)s))`,
    description:
      'Remove a consumer, or register it again; `consumer_created_by` and `consumer_project_id` are the user and the project that registered it.',
  },
}
