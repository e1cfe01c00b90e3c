/** What the container runs: its entrypoint and its health check. Docker itself is not needed for that. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import t from 'tap'

// Each start takes a second of a core, and cores are shared.
t.setTimeout(240_000)

const root = new URL('../../', import.meta.url)
const path = (name: string) => fileURLToPath(new URL(name, root))

/** Runs a program as the container does: tap puts hooks into NODE_OPTIONS of whatever is spawned, `env` takes them out. */
function run(program: string, args: readonly string[], env: Record<string, string>) {
  const clean = Object.entries(process.env).filter(([name]) => !name.startsWith('VITRINE_'))
  const child = spawn('env', ['-u', 'NODE_OPTIONS', program, ...args], {
    env: { ...Object.fromEntries(clean), ...env },
    cwd: '/',
  })
  let output = ''
  for (const stream of [child.stdout, child.stderr])
    stream.setEncoding('utf8').on('data', text => {
      output += text
    })
  return { child, output: () => output, exit: once(child, 'close').then(([code]) => code as number | null) }
}

async function serve(t: { teardown(fn: () => unknown): void }, env: Record<string, string>) {
  const { child, output, exit } = run(path('docker/entrypoint'), ['serve'], env)
  t.teardown(async () => {
    child.kill('SIGTERM')
    await exit
  })
  let code: number | null | undefined
  void exit.then(ended => {
    code = ended
  })
  const ready = () => /"msg":"ready at ([^"]+)"/.exec(output())?.[1]
  while (!ready()) {
    if (code !== undefined) throw new Error(`it ended with ${code}: ${output()}`)
    await sleep(50)
  }
  const url = ready()!
  const stop = async () => {
    child.kill('SIGTERM')
    return exit
  }
  return { url, output, stop }
}

const images = async (url: string, password: string) =>
  (
    await fetch(`${url}/v2/images`, {
      headers: { authorization: `Basic ${Buffer.from(`admin:${password}`).toString('base64')}` },
    })
  ).status

t.test('the entrypoint makes an admin once, prints the password once and keeps only its hash', async t => {
  const data = mkdtempSync(join(tmpdir(), 'vitrine-docker-'))
  t.teardown(() => rmSync(data, { recursive: true, force: true }))
  const env = { VITRINE_AUTH: 'basic', VITRINE_HOST: '0.0.0.0', VITRINE_PORT: '0', VITRINE_DATA_DIR: data }

  const first = await serve(t, env)
  const [, password = ''] = /user admin with the password (\S+)/.exec(first.output()) ?? []
  t.match(password, /^[\w-]{24}$/)
  t.equal(first.output().split(password).length, 2, 'it is printed once')
  const users = readFileSync(join(data, 'users.yaml'), 'utf8')
  t.notMatch(users, password)
  t.match(users, '$argon2id$')
  t.equal(statSync(join(data, 'users.yaml')).mode & 0o777, 0o600)
  t.equal(await images(first.url, password), 200)
  t.equal(await images(first.url, 'wrong'), 401)

  const port = new URL(first.url).port
  const healthy = run(process.execPath, [path('docker/healthcheck.mjs')], { VITRINE_PORT: port })
  t.equal(await healthy.exit, 0)
  t.equal(await first.stop(), 0)
  const gone = run(process.execPath, [path('docker/healthcheck.mjs')], { VITRINE_PORT: port })
  t.equal(await gone.exit, 1)

  const again = await serve(t, env)
  t.notMatch(again.output(), 'with the password')
  t.equal(readFileSync(join(data, 'users.yaml'), 'utf8'), users)
  t.equal(await images(again.url, password), 200)
})

t.test('other commands and a users file of the operator make no admin', async t => {
  const data = mkdtempSync(join(tmpdir(), 'vitrine-docker-'))
  t.teardown(() => rmSync(data, { recursive: true, force: true }))
  const env = { VITRINE_AUTH: 'basic', VITRINE_DATA_DIR: data }
  const help = run(path('docker/entrypoint'), ['--help'], env)
  t.equal(await help.exit, 0)
  const own = run(path('docker/entrypoint'), ['serve'], {
    ...env,
    VITRINE_USERS_FILE: join(data, 'mine.yaml'),
  })
  t.equal(await own.exit, 1, 'there is no such file')
  for (const { output } of [help, own]) t.notMatch(output(), 'with the password')
})

t.test('docker/make-secrets makes what docker-compose.yml names, and keeps it', async t => {
  const compose = readFileSync(path('docker-compose.yml'), 'utf8')
  const named = [...compose.matchAll(/\.\/secrets\/(\w+)/g)].map(([, name]) => name).sort()
  const script = readFileSync(path('docker/make-secrets'), 'utf8')
  const made = [...script.matchAll(/^keep (\w+)/gm)].map(([, name]) => name).sort()
  t.same(made, named)
})
