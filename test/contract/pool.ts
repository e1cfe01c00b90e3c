/** Maps over items, a few at a time, and keeps their order. */
export async function mapFew<T, R>(
  items: readonly T[],
  few: number,
  map: (item: T) => Promise<R>,
): Promise<R[]> {
  const results: R[] = new Array(items.length)
  let next = 0
  const worker = async () => {
    while (next < items.length) {
      const index = next++
      results[index] = await map(items[index] as T)
    }
  }
  await Promise.all(Array.from({ length: few }, worker))
  return results
}
