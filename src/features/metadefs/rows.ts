/** How many rows one statement inserts at most: PostgreSQL takes 65535 parameters. */
const BATCH = 1000

/** Runs work on the items a batch at a time, in their order. */
export async function inBatches<T>(
  items: readonly T[],
  work: (batch: readonly T[]) => Promise<void>,
): Promise<void> {
  for (let at = 0; at < items.length; at += BATCH) await work(items.slice(at, at + BATCH))
}

/** The first name that comes twice; undefined when all differ. */
export function repeated(names: readonly string[]): string | undefined {
  const seen = new Set<string>()
  return names.find(name => seen.size === seen.add(name).size)
}
