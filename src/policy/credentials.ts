import type { Caller } from '../auth/caller.js'

/**
 * What stands on the left of a rule's colon: the values that oslo.context hands to oslo.policy, and `is_admin` and
 * `groups`, which are ours. A list passes when one of its items is the text on the right. Undefined: no such value,
 * the check fails.
 */
export const credentials: Readonly<Record<string, (caller: Caller) => unknown>> = {
  user_id: caller => caller.user_id,
  user_domain_id: caller => caller.user_domain_id,
  project_id: caller => caller.project_id,
  project_domain_id: caller => caller.project_domain_id,
  domain_id: caller => caller.domain_id,
  system_scope: caller => caller.system_scope,
  // oslo.policy's older name for it, which it sets only when there is a system scope.
  system: caller => caller.system_scope || undefined,
  roles: caller => caller.roles,
  is_admin_project: caller => caller.is_admin_project ?? true,
  service_user_id: caller => caller.service?.user_id ?? null,
  service_user_domain_id: caller => caller.service?.user_domain_id ?? null,
  service_project_id: caller => caller.service?.project_id ?? null,
  service_project_domain_id: caller => caller.service?.project_domain_id ?? null,
  service_roles: caller => caller.service_roles,
  is_admin: caller => caller.is_admin,
  groups: caller => caller.groups,
}
