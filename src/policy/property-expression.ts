/**
 * A section's name of the property protections: a regular expression in Python's dialect, looked for anywhere in a
 * name. What the dialects write differently is rewritten. Property names come from callers, so an expression that
 * could take for ever on some name is refused: one that repeats without bound what itself repeats without bound or
 * offers a choice, such as `(a+)+` or `(a|ab)*`.
 *
 * @returns the expression, or a sentence what is wrong with it
 */
export function compileExpression(text: string): RegExp | string {
  const flags = /^\(\?([aimsux]+)\)/.exec(text)
  if (flags?.[1]?.includes('x')) return 'flag x is not supported'
  const body = flags ? text.slice(flags[0].length) : text
  if (/\[\^?\]/.test(body)) return 'begins a set with ]; write \\] for it'
  const source = body
    .replace(/\\([\s\S])/g, (whole, letter) =>
      letter === 'A' ? '^' : letter === 'Z' ? '$(?![\\s\\S])' : whole,
    )
    .replace(/\(\?P<([A-Za-z_]\w*)>/g, '(?<$1>')
    .replace(/\(\?P=([A-Za-z_]\w*)\)/g, '\\k<$1>')
  if (repeatsRepeats(source))
    return 'repeats what itself repeats or offers a choice, which some names could make endless'
  try {
    return new RegExp(source, (flags?.[1] ?? '').replace(/[au]/g, ''))
  } catch (err) {
    return `is no regular expression: ${(err as Error).message}`
  }
}

const unbounded = /^(?:[*+]|\{\d*,\})/

function repeatsRepeats(source: string): boolean {
  /** For each open group: whether it repeats without bound, or offers a choice, somewhere inside. */
  const open: boolean[] = []
  for (let at = 0; at < source.length; at++) {
    const letter = source[at]
    if (letter === '\\') at++
    else if (letter === '[') at = endOfSet(source, at)
    else if (letter === '(') open.push(false)
    else if (letter === ')') {
      const inner = open.pop() ?? false
      const repeated = unbounded.test(source.slice(at + 1))
      if (inner && repeated) return true
      if ((inner || repeated) && open.length > 0) open[open.length - 1] = true
    } else if ((letter === '|' || unbounded.test(source.slice(at))) && open.length > 0)
      open[open.length - 1] = true
  }
  return false
}

/** Where a set that begins here ends. */
function endOfSet(source: string, start: number): number {
  let at = start + 1
  while (at < source.length && source[at] !== ']') at += source[at] === '\\' ? 2 : 1
  return at
}
