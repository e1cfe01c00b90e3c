import type { Caller } from '../../auth/caller.js'
import { NotFound } from '../../errors.js'
import type { Policy, Target } from '../../policy/policy.js'
import type { Namespace } from './namespaces/repository.js'

/** What rules see of a namespace, and of everything in it. */
export const targetOf = (namespace: Pick<Namespace, 'owner' | 'visibility'>): Target => ({
  project_id: namespace.owner,
  visibility: namespace.visibility,
})

/** What rules see where no namespace is meant yet: the caller's own project. */
export const ownProject = (caller: Caller): Target => ({ project_id: caller.project_id })

/**
 * Throws unless the rule lets the caller act: Forbidden when the caller may see the namespace, NotFound when not, so
 * that nobody learns of one by being refused.
 */
export function demand(policy: Policy, caller: Caller, rule: string, target: Target): void {
  if (policy.allows(caller, rule, target)) return
  if (rule === 'get_metadef_namespace' || !policy.allows(caller, 'get_metadef_namespace', target)) {
    throw new NotFound('The resource could not be found.')
  }
  policy.require(caller, rule, target)
}
