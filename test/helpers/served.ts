import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import type { Teardown } from './database.js'

const program = fileURLToPath(new URL('../../../bin/vitrine', import.meta.url))

/** A registry as operators run it: a process of its own with its embedded database. */
export interface Served {
  url: string
  pid: number
  dataDir: string
  /** Lines of its log. */
  log: string[]
  /** Ends it with a signal and waits. */
  stop(signal?: NodeJS.Signals): Promise<void>
}

export interface ServeOptions {
  /** Folder of an earlier one to go on with; left where it is. */
  dataDir?: string
  /** Shell commands that limit the process, such as `ulimit -f 1000`. */
  limits?: string
}

/** Starts `vitrine serve` with settings, on a free port, and waits until it is ready. Stopped at the test's end. */
export async function serve(
  t: Teardown,
  settings: Record<string, string> = {},
  { dataDir, limits }: ServeOptions = {},
): Promise<Served> {
  const folder = dataDir ?? mkdtempSync(join(tmpdir(), 'vitrine-served-'))
  // tap puts hooks into NODE_OPTIONS of whatever is spawned; the server runs as it does outside of tests
  const command = ['env', '-u', 'NODE_OPTIONS', process.execPath, program, 'serve']
  const [file = '', ...args] = limits ? ['sh', '-c', `${limits}; exec "$@"`, 'sh', ...command] : command
  const child = spawn(file, args, {
    env: { PATH: process.env.PATH, VITRINE_DATA_DIR: folder, VITRINE_PORT: '0', ...settings },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const log: string[] = []
  const lines = createInterface(child.stdout)
  const exited = once(child, 'exit')
  createInterface(child.stderr).on('line', line => log.push(line))
  const stop = async (signal: NodeJS.Signals = 'SIGTERM') => {
    if (child.exitCode === null && child.signalCode === null) child.kill(signal)
    await exited
  }
  t.teardown(async () => {
    await stop()
    if (dataDir === undefined) rmSync(folder, { recursive: true, force: true })
  })
  const url = await new Promise<string>((resolve, reject) => {
    lines.on('line', line => {
      log.push(line)
      const ready = /"ready at (http[^"]+)"/.exec(line)?.[1]
      if (ready) resolve(ready)
    })
    void exited.then(() => reject(new Error(`vitrine ended before it was ready:\n${log.join('\n')}`)))
  })
  return { url, pid: child.pid ?? 0, dataDir: folder, log, stop }
}
