import type { Database } from '../../db/connect.js'
import type { GivenNamespace } from './bodies.js'
import { definitionOf } from './definition.js'
import { attributesOf } from './namespaces/create.js'
import { change, type Namespace } from './namespaces/repository.js'
import * as objects from './objects/repository.js'
import * as properties from './properties/repository.js'
import * as resourceTypes from './resource-types/repository.js'
import * as tags from './tags/repository.js'

/**
 * Adds to a namespace what it lacks of the given one. With `update`, its attributes and what both have become as
 * given. Nothing is removed.
 */
export async function mergeInto(
  tx: Database,
  namespace: Namespace,
  given: GivenNamespace,
  { owner, update }: { owner: string; update: boolean },
): Promise<void> {
  const { id } = namespace
  if (update) await change(tx, id, attributesOf(given, owner))

  const associations = split(
    given.resource_type_associations ?? [],
    one => one.name,
    await resourceTypes.listOf(tx, [id]),
  )
  await resourceTypes.add(tx, id, associations.lacking, { loaded: true })
  if (update) for (const [row, one] of associations.present) await resourceTypes.change(tx, row.id, one)

  const definitions = split(
    Object.entries(given.properties ?? {}),
    ([name]) => name,
    await properties.listOf(tx, id),
  )
  await properties.add(
    tx,
    id,
    Object.fromEntries(definitions.lacking.map(([name, one]) => [name, definitionOf(one)])),
    { loaded: true },
  )
  if (update) {
    for (const [row, [name, one]] of definitions.present)
      await properties.change(tx, row.id, name, definitionOf(one))
  }

  const things = split(given.objects ?? [], one => one.name, await objects.listOf(tx, id))
  await objects.add(tx, id, things.lacking, { loaded: true })
  if (update) for (const [row, one] of things.present) await objects.change(tx, row.id, one)

  const words = split(given.tags ?? [], one => one.name, await tags.listOf(tx, id, tags.newestFirst))
  await tags.add(tx, id, words.lacking, { loaded: true })
}

/** Tells what is given and not there from what is there too, with its row. */
function split<T, R extends { name: string }>(
  given: readonly T[],
  nameOf: (one: T) => string,
  rows: readonly R[],
): { lacking: T[]; present: [R, T][] } {
  const byName = new Map(rows.map(row => [row.name, row]))
  const lacking: T[] = []
  const present: [R, T][] = []
  for (const one of given) {
    const row = byName.get(nameOf(one))
    if (row) present.push([row, one])
    else lacking.push(one)
  }
  return { lacking, present }
}
