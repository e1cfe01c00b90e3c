/** The known name that is nearest to a wrong one, as `; did you mean X?`; empty when none is near. */
export function didYouMean(wrong: string, known: Iterable<string>): string {
  let best = ''
  let least = Math.max(1, Math.floor(wrong.length / 3)) + 1
  for (const name of known) {
    const distance = editDistance(wrong.toLowerCase(), name.toLowerCase())
    if (distance < least) {
      best = name
      least = distance
    }
  }
  return best && `; did you mean ${best}?`
}

/** Letters to add, drop, replace or swap with their neighbour to get from one word to the other. */
function editDistance(from: string, to: string): number {
  const rows = [Array.from({ length: to.length + 1 }, (_, j) => j)]
  for (let i = 1; i <= from.length; i++) {
    const [row, above, twoAbove] = [[i], rows[i - 1]!, rows[i - 2]]
    for (let j = 1; j <= to.length; j++) {
      const same = from[i - 1] === to[j - 1]
      row[j] = Math.min(above[j]! + 1, row[j - 1]! + 1, above[j - 1]! + (same ? 0 : 1))
      if (twoAbove && j > 1 && from[i - 1] === to[j - 2] && from[i - 2] === to[j - 1])
        row[j] = Math.min(row[j]!, twoAbove[j - 2]! + 1)
    }
    rows.push(row)
  }
  return rows[from.length]![to.length]!
}
