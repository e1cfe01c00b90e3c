import type { Caller } from '../auth/caller.js'

/** What a rule's `%(name)s` and literal checks look at: attributes of the thing that is acted on. */
export type Target = Readonly<Record<string, unknown>>

/** May they: rules by Glance's names, in oslo.policy's language, defaults overridden by the operator's file. */
export interface Policy {
  /** Whether the rule lets the caller act on the target. An unknown rule falls to rule `default`. */
  allows(caller: Caller, rule: string, target: Target): boolean
  /** Throws Forbidden with a sentence that names the rule. */
  require(caller: Caller, rule: string, target: Target): void
}
