import type { Caller } from '../../auth/caller.js'
import type { Database } from '../../db/connect.js'
import type { Deps } from '../../deps.js'
import { Forbidden } from '../../errors.js'
import { demand, targetOf } from './access.js'
import { find, type Namespace } from './namespaces/repository.js'

/** The namespace, if the caller sees it and all the rules let the caller read. */
export async function readable(
  deps: Deps,
  caller: Caller,
  name: string,
  ...rules: string[]
): Promise<Namespace> {
  const namespace = await find(deps.db, caller, name)
  for (const rule of rules) demand(deps.policy, caller, rule, targetOf(namespace))
  return namespace
}

/**
 * Does work in one transaction on a namespace that the caller sees and may act on by all the rules. Changes of one
 * namespace and of what is in it wait for each other, so none meets a half of another's.
 */
export async function change<T>(
  deps: Deps,
  caller: Caller,
  name: string,
  rules: readonly string[],
  work: (tx: Database, namespace: Namespace) => Promise<T>,
): Promise<T> {
  return deps.db.transaction().execute(async tx => {
    const namespace = await find(tx, caller, name, { lock: true })
    for (const rule of rules) demand(deps.policy, caller, rule, targetOf(namespace))
    return work(tx, namespace)
  })
}

/** Refuses to delete what a protected namespace holds, and the namespace itself. */
export function refuseProtected(namespace: Namespace): void {
  if (namespace.protected) {
    throw new Forbidden(`Namespace ${namespace.namespace} is protected: nothing of it can be deleted.`)
  }
}
