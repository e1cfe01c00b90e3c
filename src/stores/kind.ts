import type { Rules } from '../fetch/guard.js'
import type { ReadOnlyStore, Store } from './store.js'

/** What all stores have in common in the operator's settings. */
export interface CommonSettings {
  /** The operator's name of the store, Glance's store id. */
  name: string
  kind: 'file' | 's3' | 'http'
  /** Where it is, without any secret. */
  url: string
  description: string | null
  /** Glance's weight: of several copies of an image the one in the heaviest store is read first. */
  weight: number
}

/**
 * One kind of store. `parse` reads its part of a store's URL (the common parameters are already taken off) and throws
 * an Error with one sentence; `open` connects nothing that could hang.
 */
export interface StoreKind<S> {
  parse(text: string, parameters: URLSearchParams): { url: string; settings: S }
  open(name: string, settings: S, surroundings: Surroundings): Promise<(Store | ReadOnlyStore) & Closable>
  /** What Glance's API tells services of a store of this kind, under Glance's names; nothing secret. */
  properties(settings: S): Record<string, unknown>
}

/** What a store is given besides its own settings. */
export interface Surroundings {
  /** Which places may be reached where it is not the operator who says where. */
  rules: Rules
}

/** What a store with connections of its own also has. */
export interface Closable {
  close?(): Promise<void>
}

/** Faults in what is left of a URL's parameters when a kind has taken its own. */
export function refuseUnknown(parameters: URLSearchParams, known: readonly string[]): void {
  for (const name of parameters.keys()) {
    if (!known.includes(name)) throw new Error(`has an unknown parameter ${name}`)
    if (parameters.getAll(name).length > 1) throw new Error(`has the parameter ${name} twice`)
  }
}
