import path from 'node:path'
import { BadRequest, Gone } from '../errors.js'
import type { Rules } from '../fetch/guard.js'
import { type FileSettings, fileKind } from './file.js'
import { type HttpSettings, httpKind } from './http.js'
import type { Closable, CommonSettings, StoreKind, Surroundings } from './kind.js'
import { type S3Settings, s3Kind } from './s3.js'
import type { ReadOnlyStore, Store } from './store.js'
import { isWritable, type StoreHooks, watched } from './watched.js'

export type { ReadOnlyStore, Store } from './store.js'

/** The settings of each kind. A new kind is one line here and one below. */
interface Kinds {
  file: FileSettings
  s3: S3Settings
  http: HttpSettings
}

const kinds: { [K in keyof Kinds]: StoreKind<Kinds[K]> } = {
  file: fileKind,
  s3: s3Kind,
  http: httpKind,
}

/** One store of the operator's; what its kind needs (for S3 with secrets, which no printing shows) is in `settings`. */
export type StoreSettings = CommonSettings & { settings: Kinds[keyof Kinds] }

/** The named stores of one process. */
export interface Stores {
  /** In the operator's order. */
  names: string[]
  /** Takes the uploads that name no store. */
  defaultName: string
  /** Whether there are two or more, which is when Glance's API shows its multi-store side. */
  multi: boolean
  /** Throws BadRequest when there is no such store. */
  settings(name: string): StoreSettings
  /** What services are told of a store, under Glance's names. Throws BadRequest when there is no such store. */
  properties(name: string): Record<string, unknown>
  /** A store to write to. Throws BadRequest when it is unknown, and as Glance Gone when it is read-only. */
  get(name: string): Store
  /** A store to read from. Throws BadRequest when it is unknown. */
  readable(name: string): ReadOnlyStore
  all(): ReadOnlyStore[]
  /** Resolves when every store can be used; throws Unavailable for the first that can't. */
  check(signal?: AbortSignal): Promise<void>
  /** Frees connections; transfers under way may fail. */
  close(): Promise<void>
}

/**
 * Reads VITRINE_STORES, each text `name=URL`; none at all is `local`, files under the data directory. Throws one Error
 * with a line for every fault, none of them showing a URL, for it may hold a secret.
 */
export function parseStores(texts: readonly string[], dataDir: string): StoreSettings[] {
  const given = texts.length > 0 ? texts : [`local=file:${encodeURI(path.resolve(dataDir, 'images'))}`]
  const faults: string[] = []
  const stores: StoreSettings[] = []
  for (const [i, text] of given.entries()) {
    const [, name, url] = /^([^=]*)=(.*)$/s.exec(text.trim()) ?? []
    if (name === undefined || url === undefined || !/^[A-Za-z0-9][A-Za-z0-9._-]{0,254}$/.test(name)) {
      faults.push(
        `store ${i + 1} is not name=URL with a name of letters, digits, dots, dashes and underscores`,
      )
      continue
    }
    try {
      const store = parseStore(name, url)
      const twin = stores.find(other => other.name === name || other.url === store.url)
      if (twin?.name === name) throw new Error('is there twice')
      if (twin) throw new Error(`is at the same place as ${twin.name}`)
      stores.push(store)
    } catch (err) {
      faults.push(`store ${name} ${(err as Error).message}`)
    }
  }
  if (faults.length > 0) throw new Error(faults.join('\n'))
  return stores
}

function parseStore(name: string, url: string): StoreSettings {
  if (name.startsWith('os_glance_')) throw new Error('has a name that Glance reserves (os_glance_…)')
  const query = url.indexOf('?')
  const place = query < 0 ? url : url.slice(0, query)
  const parameters = new URLSearchParams(query < 0 ? '' : url.slice(query + 1))
  const scheme = /^([a-z0-9]+):/.exec(place)?.[1]
  if (scheme === undefined || !Object.hasOwn(kinds, scheme)) {
    throw new Error(`needs a URL of one of the kinds ${Object.keys(kinds).join(', ')}`)
  }
  const description = parameters.get('description')
  const weight = parameters.get('weight') ?? '0'
  parameters.delete('description')
  parameters.delete('weight')
  if (!/^-?\d{1,9}$/.test(weight)) throw new Error('has a weight that is not a whole number')
  const kind = scheme as keyof Kinds
  const parsed = kinds[kind].parse(place, parameters)
  return { name, kind, url: parsed.url, description, weight: Number(weight), settings: parsed.settings }
}

const kindOf = ({ kind }: StoreSettings) => kinds[kind] as StoreKind<Kinds[keyof Kinds]>

/**
 * Opens the stores. The default one is the first unless named; it must be one that can be written to. Nothing is asked
 * of a remote store yet: `check` tells whether it answers. A store of kind http needs the rules of places that may be
 * reached.
 */
export async function openStores(
  settings: readonly StoreSettings[],
  defaultName: string | null,
  { hooks, rules }: { hooks?: StoreHooks; rules?: Rules } = {},
): Promise<Stores> {
  const stores = new Map<
    string,
    { settings: StoreSettings; store: ReadOnlyStore; close: Closable['close'] }
  >()
  for (const one of settings) {
    if (one.kind === 'http' && !rules) throw new Error(`The store ${one.name} needs rules`)
    const store = await kindOf(one).open(one.name, one.settings, { rules } as Surroundings)
    stores.set(one.name, { settings: one, store: watched<ReadOnlyStore>(store, hooks), close: store.close })
  }
  const first = defaultName ?? settings[0]?.name
  const found = first === undefined ? undefined : stores.get(first)
  if (first === undefined || !found) throw new Error(`The default store ${first} is not among the stores`)
  if (!isWritable(found.store)) throw new Error(`The default store ${first} can't be written to`)

  const named = (name: string) => {
    const entry = stores.get(name)
    if (!entry) throw new BadRequest(`There is no store ${JSON.stringify(name.slice(0, 255))}`)
    return entry
  }
  return {
    names: [...stores.keys()],
    defaultName: first,
    multi: stores.size > 1,
    settings: name => named(name).settings,
    properties(name) {
      const { settings } = named(name)
      return kindOf(settings).properties(settings.settings)
    },
    get(name) {
      const { store } = named(name)
      if (!isWritable(store)) throw new Gone(`The store ${name} can only be read`)
      return store
    },
    readable: name => named(name).store,
    all: () => [...stores.values()].map(entry => entry.store),
    async check(signal) {
      await Promise.all([...stores.values()].map(entry => entry.store.check(signal)))
    },
    async close() {
      await Promise.all([...stores.values()].map(entry => entry.close?.()))
    },
  }
}
