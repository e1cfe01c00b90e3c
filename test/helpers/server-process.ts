import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { chmodSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Teardown } from './database.js'

export const vitrine = fileURLToPath(new URL('../../../bin/vitrine', import.meta.url))

/** Settings and the account of a process. Nothing of the surrounding VITRINE_ variables is passed on. */
export interface ProcessOptions {
  env?: Record<string, string>
  cwd?: string
  uid?: number
  stdin?: string
}

const cleanEnvironment = () =>
  Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith('VITRINE_')))

function start(
  args: readonly string[],
  options: ProcessOptions,
): { child: ChildProcess; output: () => string } {
  // tap puts hooks into NODE_OPTIONS of whatever is spawned; the server runs as it does outside of tests.
  const child = spawn('env', ['-u', 'NODE_OPTIONS', process.execPath, vitrine, ...args], {
    env: { ...cleanEnvironment(), ...options.env },
    cwd: options.cwd ?? '/',
    uid: options.uid,
    gid: options.uid,
  })
  let output = ''
  for (const stream of [child.stdout, child.stderr])
    stream!.setEncoding('utf8').on('data', text => {
      output += text
    })
  child.stdin!.on('error', () => {}).end(options.stdin ?? '')
  return { child, output: () => output }
}

/** Runs a command of bin/vitrine to its end. */
export async function runVitrine(
  args: readonly string[],
  options: ProcessOptions = {},
): Promise<{ code: number | null; output: string }> {
  const { child, output } = start(args, options)
  const [code] = await once(child, 'close')
  return { code, output: output() }
}

export interface ServerProcess {
  url: string
  pid: number
  output: () => string
  /** Sends a signal, SIGTERM unless another is named, and gives the exit code (null after a kill). */
  stop(signal?: NodeJS.Signals): Promise<number | null>
  exited: Promise<number | null>
}

/** Starts `bin/vitrine serve` on a free port; rejects with what it printed when it ends instead of becoming ready. */
export async function startServer(t: Teardown, options: ProcessOptions): Promise<ServerProcess> {
  const { child, output } = start(['serve'], {
    ...options,
    env: { VITRINE_PORT: '0', ...options.env },
  })
  const exited = once(child, 'close').then(([code]) => code as number | null)
  let gone = false
  void exited.then(() => {
    gone = true
  })
  t.teardown(async () => {
    child.kill('SIGTERM')
    await exited
  })
  for (;;) {
    const [, url] = /"msg":"ready at ([^"]+)"/.exec(output()) ?? []
    if (url)
      return {
        url,
        pid: child.pid!,
        output,
        async stop(signal = 'SIGTERM') {
          child.kill(signal)
          return exited
        },
        exited,
      }
    if (gone) throw new Error(output())
    await Promise.race([once(child.stdout!, 'data'), exited])
  }
}

/** A folder for a data directory; what a database left elsewhere goes with it. */
export function temporaryFolder(t: Teardown): string {
  const folder = mkdtempSync(join(tmpdir(), 'vitrine-serve-'))
  chmodSync(folder, 0o755)
  t.teardown(() => rmSync(folder, { recursive: true, force: true }))
  return folder
}

/** Makes an image record and gives its id. */
export async function createImage({ url }: ServerProcess, name: string): Promise<string> {
  const response = await fetch(`${url}/v2/images`, { method: 'POST', body: JSON.stringify({ name }) })
  const { id } = (await response.json()) as { id: string }
  return id
}

/** Status of a GET. */
export const statusOf = async ({ url }: ServerProcess, path: string) => (await fetch(url + path)).status

/** Waits until something has become true. */
export async function until(condition: () => Promise<boolean>): Promise<void> {
  while (!(await condition())) await new Promise(resolve => setTimeout(resolve, 25))
}
