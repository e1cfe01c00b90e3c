import { readdir, readFile, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { sql } from 'kysely'
import type { Database } from '../../db/connect.js'
import { Faults, HttpError, StartFailure } from '../../errors.js'
import { checkedNamespace, type GivenNamespace } from './bodies.js'
import { mergeInto } from './merge.js'
import { addWhole } from './namespaces/create.js'
import { findUnscoped, type Namespace, remove } from './namespaces/repository.js'

/**
 * What becomes of a namespace that is there already:
 * - `skip`: it stays as it is
 * - `merge`: what it lacks is added, the rest stays
 * - `update`: what it lacks is added, what the file has too is made as in the file, the rest stays
 * - `replace`: it becomes what the file says, everything else in it is deleted
 */
export type Existing = 'skip' | 'merge' | 'update' | 'replace'

/** Names of namespaces by what was done with them, in the order of the files. */
export interface Loaded {
  added: string[]
  changed: string[]
  skipped: string[]
}

/** Whose namespaces are that name no owner: no project's, as with Glance, so that only admins change them. */
const OWNER = 'admin'

/**
 * Loads metadata definitions from the .json files of a folder, or from one file, in Glance's format: one namespace a
 * file, or from such objects, as in the body of the request that creates one. All files are read and checked before anything is changed;
 * then each namespace is loaded whole or not at all. Loading twice is loading once, also by two at the same time.
 * Throws StartFailure when there are no such files, Faults with everything that is wrong in them.
 */
export async function loadMetadefs(
  { db }: { db: Database },
  from: string | readonly Record<string, unknown>[],
  options: { existing?: Existing } = {},
): Promise<Loaded> {
  const namespaces =
    typeof from === 'string' ? await readNamespaces(from) : from.map(one => checkedNamespace(one))
  const done: Loaded = { added: [], changed: [], skipped: [] }
  for (const given of namespaces) {
    const kind = await db.transaction().execute(async tx => {
      await sql`select pg_advisory_xact_lock(hashtext('vitrine metadefs load'))`.execute(tx)
      const found = await findUnscoped(tx, given.namespace, { lock: true })
      return loadOne(tx, given, found, options.existing ?? 'skip')
    })
    done[kind].push(given.namespace)
  }
  return done
}

async function loadOne(
  tx: Database,
  given: GivenNamespace,
  found: Namespace | undefined,
  existing: Existing,
): Promise<keyof Loaded> {
  if (found && existing === 'skip') return 'skipped'
  if (found && existing !== 'replace') {
    await mergeInto(tx, found, given, { owner: OWNER, update: existing === 'update' })
    return 'changed'
  }
  if (found) await remove(tx, found.id)
  await addWhole(tx, given, OWNER, { loaded: true })
  return found ? 'changed' : 'added'
}

/** The namespaces of the files, in the order of the files' names. */
async function readNamespaces(path: string): Promise<GivenNamespace[]> {
  const files = await filesOf(path)
  if (files.length === 0) throw new StartFailure(`${path} has no .json files.`)
  const faults: string[] = []
  const namespaces: GivenNamespace[] = []
  for (const file of files) {
    try {
      const given = checkedNamespace(withoutNulls(JSON.parse(await readFile(file, 'utf8'))))
      const twin = namespaces.find(one => one.namespace === given.namespace)
      if (twin) faults.push(`${file}: another file has namespace ${given.namespace} too`)
      else namespaces.push(given)
    } catch (err) {
      if (!(err instanceof HttpError || err instanceof SyntaxError)) throw err
      faults.push(`${file}: ${err.message}`)
    }
  }
  if (faults.length > 0) throw new Faults(path, faults)
  return namespaces
}

async function filesOf(path: string): Promise<string[]> {
  try {
    if ((await stat(path)).isFile()) return [path]
    const names = (await readdir(path)).filter(name => name.endsWith('.json')).sort()
    return names.map(name => join(path, name))
  } catch (err) {
    throw new StartFailure(`${path} can't be read: ${(err as Error).message}.`, { cause: err })
  }
}

/** Without the nulls that `glance-manage db_export_metadefs` writes where nothing is set. */
function withoutNulls(value: unknown): Record<string, unknown> {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    return value as Record<string, unknown> // the check has the words for it
  }
  const entries = Object.entries(value).filter(([, item]) => item !== null)
  return Object.fromEntries(
    entries.map(([key, item]) => [
      key,
      Array.isArray(item) && ['resource_type_associations', 'objects'].includes(key)
        ? item.map(withoutNulls)
        : item,
    ]),
  )
}
