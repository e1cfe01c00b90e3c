/** The groups of a caller that have to be asked for. */
export interface GroupSource {
  /** What is known without asking; null when nobody has asked of late. */
  readonly known: readonly string[] | null
  /** Throws Unavailable when who would know does not answer. */
  ask(): Promise<readonly string[]>
}

/** Who is calling: what an auth mode learns about a request, and what policies look at. */
export interface Caller {
  /** Keystone user id; null for nobody (an anonymous route). */
  user_id: string | null
  /** Display name of the user, for logs. */
  user_name: string | null
  /** The project of the token: the owner of what the caller makes. Null for domain or system scope. */
  project_id: string | null
  /** Domain of the user. */
  user_domain_id: string | null
  /** Domain of the project. */
  project_domain_id: string | null
  /** Domain the token is scoped to, when it has no project. */
  domain_id: string | null
  /** 'all' for a system-scoped token; such a caller fails every project-scoped rule (oslo.policy enforce_scope). */
  system_scope: string | null
  /** Role names, lower-cased as Glance does. */
  roles: readonly string[]
  /** Role names of a valid X-Service-Token, in their own case; they never add to `roles`. */
  service_roles: readonly string[]
  /** Whether rule context_is_admin passes: row visibility's "admin sees all", apart from policy rules. */
  is_admin: boolean
  /** Groups the caller belongs to, when the mode knows them at once (federated tokens, users file). */
  groups: readonly string[]
  /** Where the rest of the groups can be learnt, when the mode does not know them at once; not for policy rules. */
  group_source?: GroupSource
  /** Set when the groups, and roles that come by them, are the token's: Keystone itself does not know of them. */
  federated?: true
  /** The caller's own token, for calls to Keystone made in their name; never logged. */
  token: string | null
  /** Who sent a valid X-Service-Token, when one came. */
  service?: {
    readonly user_id: string | null
    readonly user_domain_id: string | null
    readonly project_id: string | null
    readonly project_domain_id: string | null
  }
  /** False only when Keystone names an admin project and the token is not of it; true when unset. */
  is_admin_project?: boolean
}

/** A caller that is nobody: for routes that need no authentication. */
export const nobody: Caller = Object.freeze({
  user_id: null,
  user_name: null,
  project_id: null,
  user_domain_id: null,
  project_domain_id: null,
  domain_id: null,
  system_scope: null,
  roles: [],
  service_roles: [],
  is_admin: false,
  groups: [],
  token: null,
})

/** The groups a caller belongs to, as far as they are known by now: see askGroups. */
export const knownGroups = (caller: Caller): readonly string[] =>
  caller.group_source ? (caller.group_source.known ?? []) : caller.groups

/** The groups a caller belongs to, asked for if need be; from then on `knownGroups` has them. Throws Unavailable. */
export const askGroups = async (caller: Caller): Promise<readonly string[]> =>
  caller.group_source ? caller.group_source.ask() : caller.groups

/** What is left of a caller that was kept: roles and groups that were given since do not count, lost ones are gone. */
export function stillHeld(kept: Caller, now: Pick<Caller, 'roles' | 'groups'>): Caller {
  return {
    ...kept,
    roles: kept.roles.filter(role => now.roles.includes(role)),
    groups: kept.groups.filter(group => now.groups.includes(group)),
  }
}
