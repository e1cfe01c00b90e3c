/** What the bytes of an image are: every known format looks at them while they pass. */
import { gpt } from './gpt.js'
import type { Fault, Format, Inspection } from './inspector.js'
import { iso } from './iso.js'
import { theOne } from './judge.js'
import { luks } from './luks.js'
import { qcow2 } from './qcow2.js'
import { qed } from './qed.js'
import { type Runner, run } from './run.js'
import { vdi } from './vdi.js'
import { vhd } from './vhd.js'
import { vhdx } from './vhdx.js'
import { vmdk } from './vmdk.js'

export type { Facts, Fault, Inspection } from './inspector.js'
export { judge, judgeEarly } from './judge.js'

const FORMATS: Format[] = [qcow2, vhd, vhdx, vmdk, vdi, qed, iso, gpt, luks]

/** Starts an inspection of one image. Costs next to nothing per byte once the headers have passed. */
export function inspect(): Inspection {
  const runners = FORMATS.map(run)
  let active = runners
  let size = 0

  const matched = () => runners.filter(({ finding }) => finding.matched)
  const detected = (): string[] | null => {
    if (active.some(({ finding }) => !finding.matched)) return null
    const names = matched().map(({ name }) => name)
    return names.length > 0 ? names : ['raw']
  }

  return {
    eat(chunk) {
      for (const runner of active) runner.eat(chunk, size)
      if (active.some(runner => runner.done())) active = active.filter(runner => !runner.done())
      size += chunk.length
    },
    detected,
    fault() {
      // A partition table counts for nothing in an ISO, which shows only later.
      const names = detected()
      const one = names && theOne(names)
      const counts = ({ format }: Fault) =>
        names === null ? format !== 'gpt' : one === null || format === one
      return matched().flatMap(faults).find(counts) ?? null
    },
    finish() {
      for (const runner of active) runner.end(size)
      active = []
      const found = matched()
      if (found.length === 0) return { detected: ['raw'], format: 'raw', virtual_size: size, faults: [] }
      const names = found.map(({ name }) => name)
      const format = theOne(names)
      const virtual_size = found.find(({ name }) => name === format)?.finding.virtual_size ?? null
      return { detected: names, format, virtual_size, faults: found.flatMap(faults) }
    },
  }
}

const faults = ({ name, finding }: Runner): Fault[] =>
  finding.faults.map(fault => ({ format: name, ...fault }))
