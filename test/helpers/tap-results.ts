/** What a run of tap came to, from its TAP output (version 14, subtests indented by four spaces). */
export interface TapResults {
  passed: number
  failed: number
  /** Tests marked SKIP or TODO. */
  skipped: number
  /** A text for each failure: where, and all that the test said of it. */
  failures: string[]
  /** Test files with their seconds, the slowest first. */
  files: { name: string; seconds: number }[]
  /** What was skipped and why. */
  skips: string[]
}

interface Line {
  level: number
  ok: boolean
  name: string
  directive: 'skip' | 'todo' | undefined
  reason: string
  seconds: number
}

const result =
  /^((?: {4})*)(not ok|ok)\b(?: \d+)?(?: - (.*?))?(?: # (?:(SKIP|TODO)\b ?(.*)|time=([\d.]+)ms))?$/

function readLine(text: string): Line | undefined {
  const match = result.exec(text)
  if (!match) return undefined
  const [, indent = '', verdict, name = '', directive, reason = '', ms = '0'] = match
  return {
    level: indent.length / 4,
    ok: verdict === 'ok',
    name,
    directive: directive?.toLowerCase() as Line['directive'],
    reason,
    seconds: Number(ms) / 1000,
  }
}

/**
 * Counts the assertions. A subtest is no assertion, but one that failed although nothing in it did (a crash, a
 * timeout, a wrong plan, a file that can't be loaded) is a failure, and so are a test file without any test and a run
 * without any. The sums that tap itself ends with must be the same; where they differ, or are missing because tap
 * did not finish, that is one more failure.
 */
export function readTap(text: string): TapResults {
  const found: TapResults = { passed: 0, failed: 0, skipped: 0, failures: [], files: [], skips: [] }
  /** Per level: results, and failures, since the last result on the level above. */
  const open: { results: number; failures: number }[] = []
  const names: string[] = []
  const lines = text.split('\n')
  let todo = 0

  for (let n = 0; n < lines.length; n++) {
    const started = /^((?: {4})*)# Subtest: (.*)$/.exec(lines[n]!)
    if (started) {
      const level = started[1]!.length / 4
      names.length = level
      names[level] = started[2]!
    }
    const line = readLine(lines[n]!)
    if (!line) continue
    const { level } = line
    const diagnosis = readDiagnosis(lines, n + 1)
    n += diagnosis.length
    const inner = open[level + 1] ?? { results: 0, failures: 0 }
    open.length = level + 1
    for (let above = 0; above <= level; above++) open[above] ??= { results: 0, failures: 0 }
    const here = open[level]!
    here.results++
    here.failures += inner.failures
    const empty =
      level === 0 && line.directive === 'skip' && inner.results === 0 && /no tests/.test(line.reason)
    const isSummary = inner.results > 0
    const where = [...names.slice(0, level), line.name].join(' > ')
    if (level === 0) found.files.push({ name: line.name, seconds: line.seconds })

    if (line.directive && !empty) {
      found.skipped++
      if (line.directive === 'todo') todo++
      found.skips.push(`${where}: ${line.reason || line.directive}`)
    } else if (!line.ok || empty) {
      if (isSummary && inner.failures > 0) continue
      here.failures++
      found.failed++
      found.failures.push([where, ...(empty ? ['no test ran in it'] : diagnosis)].join('\n'))
    } else if (!isSummary) found.passed++
  }

  const fail = (sentence: string) => {
    found.failed++
    found.failures.push(sentence)
  }
  const sums = lines.findLast(line => /^# \{ total: /.test(line))
  if (found.passed + found.failed === 0) fail('No test ran.')
  if (sums === undefined) fail('tap did not come to its end.')
  else if (found.failed === 0) {
    const [passed, skipped] = [sumOf(sums, 'pass'), sumOf(sums, 'skip') + todo]
    if (passed !== found.passed || skipped !== found.skipped)
      fail(`tap counts ${passed} passed and ${skipped} skipped, not ${found.passed} and ${found.skipped}.`)
  }
  found.files.sort((a, b) => b.seconds - a.seconds)
  return found
}

const sumOf = (sums: string, name: string) => Number(new RegExp(`\\b${name}: (\\d+)`).exec(sums)?.[1] ?? 0)

/** The YAML block that follows a result, with its marks; its text may look like results. */
function readDiagnosis(lines: readonly string[], from: number): string[] {
  const indent = /^( +)---$/.exec(lines[from] ?? '')?.[1]
  if (indent === undefined) return []
  const end = lines.indexOf(`${indent}...`, from)
  return end < 0 ? [] : lines.slice(from, end + 1)
}

/** The line that a run ends with. */
export function sumLine({
  passed,
  failed,
  skipped,
}: Pick<TapResults, 'passed' | 'failed' | 'skipped'>): string {
  return `${passed} passed, ${failed} failed${skipped > 0 ? `, ${skipped} skipped` : ''}`
}
