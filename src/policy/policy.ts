import type { Caller } from '../auth/caller.js'

/**
 * What a rule's `%(name)s` looks at: attributes of the thing that is acted on, own keys of a plain object. A key that
 * is missing or undefined makes the check fail; null is `None`, booleans are `True` and `False`, as in oslo.policy.
 *
 * For an image: all its attributes, and `project_id` (its owner), `member_id` (the caller's project when a membership
 * is what shows it the image, else null), `image_id`, `created_by`, `owner_domain`. Write these last, over the
 * image's own properties, so that no property can stand in for them.
 */
export type Target = Readonly<Record<string, unknown>>

/** May they: rules by Glance's names, in oslo.policy's language, defaults overridden by the operator's file. */
export interface Policy {
  /**
   * Whether the rule lets the caller act on the target. A caller with a system- or domain-scoped token fails every
   * rule of an operation. Throws a plain Error for a rule that was never declared: that is a mistake in the code.
   */
  allows(caller: Caller, rule: string, target: Target): boolean
  /** Throws Forbidden with a sentence that names the rule. */
  require(caller: Caller, rule: string, target: Target): void
  /** Whether rule context_is_admin passes: what Caller.is_admin is made of. */
  isAdmin(caller: Caller): boolean
  /** Whether the rule is declared, by the defaults or by the operator. */
  has(rule: string): boolean
}
