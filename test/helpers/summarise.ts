/**
 * Tells what a run of tap came to: `node summarise.js RUN.tap [STEPS THAT FAILED BEFORE]`. Failures in full, what was
 * skipped, the slowest files, and the sums as the last line. Exit code 1 when anything failed.
 */
import { existsSync, readFileSync } from 'node:fs'
import { readTap, sumLine } from './tap-results.js'

const [, , file = '', ...steps] = process.argv
const found = readTap(existsSync(file) ? readFileSync(file, 'utf8') : '')
const say = (text: string) => process.stdout.write(`${text}\n`)

for (const failure of found.failures) say(`\nFAILED ${failure}`)
if (found.skips.length > 0) say(`\nskipped:\n  ${found.skips.join('\n  ')}`)
const slow = found.files
  .slice(0, 5)
  .map(({ name, seconds }) => `  ${seconds.toFixed(1).padStart(6)} s  ${name}`)
say(`\nslowest of ${found.files.length} test files:\n${slow.join('\n')}\n`)
for (const step of steps) say(`FAILED ${step} (see above)`)
const sums = { ...found, failed: found.failed + steps.length }
say(sumLine(sums))
process.exitCode = sums.failed > 0 ? 1 : 0
