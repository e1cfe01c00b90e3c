import { execFile } from 'node:child_process'
import { dirname, join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { promisify } from 'node:util'

/** One command of a client, as it is typed: `<name>` stands for something that is known by then. */
export interface Step {
  command: string
  /** What it has to print. */
  says?: RegExp
  /** It has to fail, with this. */
  fails?: RegExp
  /** Keeps what the pattern's group matches under a name, for later commands. */
  keep?: [name: string, pattern: RegExp]
  /** How it went when it went as expected, where that is more than ok. */
  note?: string
  /** Asked again until it says so: what it asks for takes a while. */
  waits?: boolean
}

/** What became of a step: null when all was well. */
export interface Ran {
  command: string
  fault: string | null
  note?: string
}

interface Program {
  /** It has a Python beside it. */
  file: string
  env: Record<string, string>
}

/** Gives a program a terminal: for the clients, whatever else they find as standard input is the bytes of an image. */
const inTerminal = `import os, pty, sys
mine, its = pty.openpty()
os.set_inheritable(mine, True)
os.dup2(its, 0)
os.execv(sys.argv[1], sys.argv[1:])`

const run = promisify(execFile)
const PATIENCE = 60_000

/** Words of a command line; single quotes hold one together. */
const words = (command: string): string[] =>
  [...command.matchAll(/'([^']*)'|(\S+)/g)].map(([, quoted, plain]) => quoted ?? plain ?? '')

const known = (text: string, names: ReadonlyMap<string, string>): string =>
  text.replace(/<([\w-]+)>/g, (all, name: string) => names.get(name) ?? all)

async function once({ file, env }: Program, args: string[]): Promise<{ ok: boolean; text: string }> {
  try {
    const python = join(dirname(file), 'python')
    const { stdout, stderr } = await run(python, ['-c', inTerminal, file, ...args], { env, timeout: 120_000 })
    return { ok: true, text: stdout + stderr }
  } catch (err) {
    const { stdout = '', stderr = '', message } = err as { stdout?: string; stderr?: string; message: string }
    return { ok: false, text: stdout + stderr || message }
  }
}

/** Runs the steps of a program in order, and goes on after one that fails. */
export async function runSteps(
  program: Program,
  steps: readonly Step[],
  names: Map<string, string>,
): Promise<Ran[]> {
  const ran: Ran[] = []
  for (const step of steps) {
    const args = words(step.command).map(word => known(word, names))
    const until = Date.now() + PATIENCE
    let fault = await attempt(program, step, args, names)
    // a machine that is busy with all this makes Keystone late now and then, of which clients are told
    while (fault !== null && (step.waits || /Keystone does not answer/.test(fault)) && Date.now() < until) {
      await sleep(500)
      fault = await attempt(program, step, args, names)
    }
    console.log(`${fault === null ? 'ok  ' : 'FAIL'} ${step.command}${fault === null ? '' : `\n${fault}`}`)
    const note = step.note ?? (step.fails && 'refused, as it should be')
    ran.push({ command: step.command, fault, ...(note !== undefined && { note }) })
  }
  return ran
}

async function attempt(
  program: Program,
  { says, fails, keep }: Step,
  args: string[],
  names: Map<string, string>,
): Promise<string | null> {
  const { ok, text } = await once(program, args)
  if (fails) return !ok && fails.test(text) ? null : `should fail with ${fails}: ${text}`
  if (!ok) return text.trim().slice(-500)
  if (says && !says.test(text)) return `does not say ${says}: ${text.slice(-1500)}`
  if (keep) {
    const [, value] = keep[1].exec(text) ?? []
    if (value === undefined) return `there is no ${keep[0]} in: ${text.slice(-1500)}`
    names.set(keep[0], value)
  }
  return null
}
