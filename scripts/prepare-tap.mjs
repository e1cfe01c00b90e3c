// Puts tap together without its TypeScript plugin (package.json turns it off: tests run compiled, and the plugin needs
// a TypeScript older than ours). tap notices by itself that this is due, but only after it has started the tests.
import { spawnSync } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

const built = new URL('../node_modules/@tapjs/test/test-built/dist/esm/index.js', import.meta.url)
if (!existsSync(built) || readFileSync(built, 'utf8').includes('@tapjs/typescript')) {
  const cwd = fileURLToPath(new URL('..', import.meta.url))
  const { status, stdout, stderr } = spawnSync('npx', ['tap', 'build'], { cwd, encoding: 'utf8' })
  if (status !== 0) process.stderr.write(stdout + stderr)
  process.exitCode = status ?? 1
}
