/**
 * Rule text → tree, in oslo.policy's language: `role:member and project_id:%(owner)s`, `rule:x`, `@`, `!`,
 * and/or/not with parentheses, and the old form, a list of lists (outer joined by or, inner by and).
 *
 * Words are split at white space and keep parentheses that are not at their ends, as oslo.policy does; `not` binds
 * tighter than `and`, `and` tighter than `or`. What oslo.policy takes for "never" with a line in its log (text that
 * it can't parse) or for an error at each request (a broken `%`, a broken literal) is a RuleFault here: an operator
 * should hear of it at start.
 */

/** Text with places that the target fills in: `%(name)s`. */
export type Template = readonly (string | { readonly key: string })[]

/** A parsed rule. */
export type Check =
  | { readonly is: 'always' | 'never' }
  | { readonly is: 'not'; readonly check: Check }
  | { readonly is: 'and' | 'or'; readonly checks: readonly Check[] }
  | { readonly is: 'rule'; readonly name: string }
  | { readonly is: 'role'; readonly role: Template }
  /** A credential of the caller, by name, that must be (or, for a list, contain) the filled-in text. */
  | { readonly is: 'credential'; readonly name: string; readonly value: Template }
  /** A constant, already as Python's str() writes it, that must be the filled-in text. */
  | { readonly is: 'literal'; readonly literal: string; readonly value: Template }

/** What is wrong with a rule's text: one sentence. */
export class RuleFault extends Error {}

/** Parses a rule: text, or oslo.policy's old list of lists. Throws RuleFault. */
export function parseRule(rule: unknown): Check {
  if (typeof rule === 'string') return parseText(rule)
  if (Array.isArray(rule)) return parseList(rule)
  throw new RuleFault(
    `a rule is text or a list, not ${rule === null ? 'nothing (write "" or "@")' : typeof rule}`,
  )
}

type Token =
  | { readonly is: '(' | ')' | 'and' | 'or' | 'not' }
  | { readonly is: 'check'; readonly check: Check }

function parseText(text: string): Check {
  if (text === '') return { is: 'always' }
  const tokens = [...tokenize(text)]
  let at = 0
  const either = (): Check => joined('or', both)
  const both = (): Check => joined('and', single)

  function joined(word: 'and' | 'or', next: () => Check): Check {
    const checks = [next()]
    while (tokens[at]?.is === word) {
      at++
      checks.push(next())
    }
    return checks.length === 1 ? checks[0]! : { is: word, checks }
  }

  function single(): Check {
    const token = tokens[at++]
    if (token === undefined) throw new RuleFault('it ends where a check should stand')
    if (token.is === 'check') return token.check
    if (token.is === 'not') return { is: 'not', check: single() }
    if (token.is !== '(') throw new RuleFault(`"${token.is}" stands where a check should stand`)
    const inner = either()
    if (tokens[at++]?.is !== ')') throw new RuleFault('a parenthesis is not closed')
    return inner
  }

  const whole = either()
  const rest = tokens[at]
  if (rest?.is === ')') throw new RuleFault('a parenthesis is closed that was not opened')
  if (rest) throw new RuleFault('two checks need "and" or "or" between them')
  return whole
}

function* tokenize(text: string): Generator<Token> {
  for (const word of text.split(/\s+/)) {
    const opened = word.replace(/^\(+/, '')
    for (let i = word.length - opened.length; i > 0; i--) yield { is: '(' }
    const clean = opened.replace(/\)+$/, '')
    if (clean !== '') {
      const lower = clean.toLowerCase()
      if (lower === 'and' || lower === 'or' || lower === 'not') yield { is: lower }
      else if (/^(".*"|'.*')$/s.test(opened) && opened.length > 1)
        throw new RuleFault(`${opened} is a quoted text, not a check`)
      else yield { is: 'check', check: parseCheck(clean) }
    }
    for (let i = opened.length - clean.length; i > 0; i--) yield { is: ')' }
  }
}

function parseList(list: readonly unknown[]): Check {
  if (list.length === 0) return { is: 'always' }
  const checks: Check[] = []
  for (const inner of list) {
    const words = typeof inner === 'string' ? [inner] : inner
    if (!Array.isArray(words) || !words.every(word => typeof word === 'string'))
      throw new RuleFault('a list rule holds checks and lists of checks only')
    if (words.length === 0 || inner === '') continue
    const parsed = words.map(parseCheck)
    checks.push(parsed.length === 1 ? parsed[0]! : { is: 'and', checks: parsed })
  }
  if (checks.length === 0) return { is: 'never' }
  return checks.length === 1 ? checks[0]! : { is: 'or', checks }
}

function parseCheck(word: string): Check {
  if (word === '@') return { is: 'always' }
  if (word === '!') return { is: 'never' }
  const colon = word.indexOf(':')
  if (colon < 0) throw new RuleFault(`"${word}" is no check: it has no colon`)
  const kind = word.slice(0, colon)
  const match = word.slice(colon + 1)
  if (kind === 'rule') return { is: 'rule', name: match }
  if (kind === 'role') return { is: 'role', role: parseTemplate(match) }
  if (kind === 'http' || kind === 'https')
    throw new RuleFault(`"${word}": checks that ask another server are not supported`)
  const literal = parseLiteral(kind)
  const value = parseTemplate(match)
  return literal === null ? { is: 'credential', name: kind, value } : { is: 'literal', literal, value }
}

/** Python's %-formatting with a mapping, of which `%(name)s` and `%%` make sense in a rule. */
function parseTemplate(text: string): Template {
  const parts: (string | { key: string })[] = []
  let plain = ''
  for (const part of text.matchAll(/%%|%\(([^()]*)\)s|[^%]+|%/g)) {
    if (part[0] === '%') throw new RuleFault(`"${text}" has a % that is neither %(name)s nor %%`)
    if (part[1] === undefined) plain += part[0] === '%%' ? '%' : part[0]
    else {
      if (plain !== '') parts.push(plain)
      plain = ''
      parts.push({ key: part[1] })
    }
  }
  if (plain !== '' || parts.length === 0) parts.push(plain)
  return parts
}

const escapes: Record<string, string> = { '\\': '\\', "'": "'", '"': '"', n: '\n', r: '\r', t: '\t' }

/** The str() of a Python literal on the left of a colon; null when it is a name. */
function parseLiteral(text: string): string | null {
  if (text === 'True' || text === 'False' || text === 'None') return text
  if (/^[A-Za-z_]/.test(text)) return null
  const quoted = /^(?:'((?:[^'\\]|\\.)*)'|"((?:[^"\\]|\\.)*)")$/s.exec(text)
  if (quoted)
    return (quoted[1] ?? quoted[2])!.replace(/\\(.)/gs, (whole, letter: string) => {
      const meant = escapes[letter]
      if (meant === undefined) throw new RuleFault(`${text} has an unknown escape ${whole}`)
      return meant
    })
  const number = /^-?(?:0+|[1-9]\d*)(\.\d+)?$/.exec(text)
  if (number?.[1] === undefined && number) return BigInt(text).toString()
  if (number) return Number.isInteger(Number(text)) ? `${Number(text)}.0` : String(Number(text))
  throw new RuleFault(
    `"${text}" is neither a credential's name nor a quoted text, number, True, False or None`,
  )
}
