import type { Caller } from '../auth/caller.js'

/**
 * What a rule's `%(name)s` looks at: attributes of the thing that is acted on, own keys of a plain object. A key that
 * is missing or undefined makes the check fail; null is `None`, booleans are `True` and `False`, as in oslo.policy.
 *
 * For an image: all its attributes, and `project_id` (its owner), `member_id` (the caller's project when a membership
 * is what shows it the image, else null), `image_id`, `created_by`, `owner_domain`. Its own properties go under
 * `additional`, so that none can stand in for these, and so that nothing is copied for each image of a list.
 */
export type Target = Readonly<Record<string, unknown>> & {
  /** Attributes that are looked at where the target has none of that name. */
  readonly [additional]?: Readonly<Record<string, unknown>>
}

/** Where a target keeps what has any name. */
export const additional = Symbol('additional')

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
