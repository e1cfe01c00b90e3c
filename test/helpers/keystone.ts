import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import {
  appendFileSync,
  closeSync,
  cpSync,
  existsSync,
  mkdtempSync,
  openSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { type AddressInfo, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import type { Teardown } from './database.js'

export type Person = 'admin' | 'alice' | 'carol' | 'reader' | 'bob' | 'nova' | 'svc' | 'dora'

/** Who lives in the tests' Keystone; passwords are the names. `nova` is the service account, too. */
const people = JSON.parse(
  readFileSync(new URL('../../../scripts/keystone-people.json', import.meta.url), 'utf8'),
) as Record<Person, { domain: string; project: string; roles: string[]; groups: string[] }>

/** What a token is for: the person's project unless said otherwise. */
export type Scope = 'project' | 'system' | 'unscoped' | { domain_id: string }

/** A running Keystone with the people above. */
export interface TestKeystone {
  /** Ends in /v3. */
  readonly url: string
  /** A fresh token. */
  token(person: Person, scope?: Scope): Promise<string>
  /** Asks the API as admin: throws unless the status is a success; returns the JSON body. */
  asAdmin(method: string, path: string, body?: object): Promise<Record<string, unknown>>
  /** Ends a token at once. */
  revoke(token: string): Promise<void>
}

/** A Keystone of the test's own, which may be stopped and broken. */
export interface OwnKeystone extends TestKeystone {
  readonly pid: number
  /** Folder with keystone.conf and keystone.db. */
  readonly dir: string
  /** Starts it again on the same port, with the same data. */
  start(): Promise<void>
  stop(signal?: NodeJS.Signals): Promise<void>
}

const home =
  process.env.VITRINE_TEST_KEYSTONE_HOME ??
  fileURLToPath(new URL('../../../.cache/keystone', import.meta.url))

const sharedUrl = process.env.VITRINE_TEST_KEYSTONE_URL

/**
 * Keystone reads the command line when it is imported, so the port is taken from it before. One thread: with more,
 * SQLite tells some requests that it is locked. When standard input ends, the test is gone, killed perhaps: then
 * Keystone goes, too, with its folder.
 */
const serve = `
import os, shutil, sys, threading, waitress
port = sys.argv.pop()

def follow():
    sys.stdin.buffer.read()
    shutil.rmtree(os.getcwd(), ignore_errors=True)
    os._exit(0)

threading.Thread(target=follow, daemon=True).start()
from keystone.wsgi.api import application
waitress.serve(application, host="127.0.0.1", port=int(port), threads=1)
`

/** Why a test that needs any Keystone is skipped; false when it need not be. For tap's `skip`. */
export const noKeystone: string | false =
  sharedUrl || existsSync(join(home, 'ready.txt'))
    ? false
    : 'no Keystone: run scripts/get-keystone, or set VITRINE_TEST_KEYSTONE_URL'

/** The same for tests that stop or break it, which a shared one forbids. */
export const noOwnKeystone: string | false = existsSync(join(home, 'ready.txt'))
  ? false
  : 'no Keystone of its own to break: run scripts/get-keystone'

/** The Keystone of VITRINE_TEST_KEYSTONE_URL, with the people above in it; else one of the test's own. */
export async function testKeystone(t: Teardown): Promise<TestKeystone> {
  return sharedUrl ? attach(sharedUrl.replace(/\/+$/, '')) : ownKeystone(t)
}

/**
 * A Keystone of the test's own on a free port of 127.0.0.1, stopped and removed at the test's end.
 *
 * @param tokenSeconds how long its tokens last
 */
export async function ownKeystone(t: Teardown, { tokenSeconds = 3600 } = {}): Promise<OwnKeystone> {
  const dir = mkdtempSync(join(tmpdir(), 'vitrine-keystone-'))
  cpSync(join(home, 'template'), dir, { recursive: true })
  const file = join(dir, 'keystone.conf')
  // wherever the template was made: in a folder that was copied it names the one that it was copied from
  writeFileSync(file, readFileSync(file, 'utf8').replaceAll(/\/[^/\s]\S*\/template(?=\/)/g, dir))
  appendFileSync(file, `[token]\nexpiration = ${tokenSeconds}\n`)
  const port = await freePort()
  const url = `http://127.0.0.1:${port}/v3`
  let child: ChildProcess | undefined

  async function start(): Promise<void> {
    const log = openSync(join(dir, 'server.log'), 'a')
    child = spawn(join(home, 'venv/bin/python'), ['-c', serve, String(port)], {
      cwd: dir,
      stdio: ['pipe', log, log],
      env: {
        ...process.env,
        OS_KEYSTONE_CONFIG_DIR: dir,
        OS_KEYSTONE_CONFIG_FILES: file,
        PYTHONWARNINGS: 'ignore',
      },
    })
    closeSync(log)
    for (let i = 0; i < 600; i++) {
      if (child.exitCode !== null) break
      if (
        await fetch(url).then(
          res => res.ok,
          () => false,
        )
      )
        return
      await sleep(50)
    }
    throw new Error(`Keystone did not start:\n${readFileSync(join(dir, 'server.log'), 'utf8').slice(-2000)}`)
  }

  async function stop(signal: NodeJS.Signals = 'SIGTERM'): Promise<void> {
    if (!child || child.exitCode !== null || child.signalCode !== null) return
    const gone = once(child, 'exit')
    child.kill(signal)
    // A stopped process takes no other signal.
    if (signal !== 'SIGKILL') child.kill('SIGCONT')
    const late = setTimeout(() => child?.kill('SIGKILL'), 5000)
    await gone
    clearTimeout(late)
  }

  t.teardown(async () => {
    await stop()
    rmSync(dir, { recursive: true })
  })
  await start()
  return {
    ...attach(url),
    dir,
    start,
    stop,
    get pid() {
      return child!.pid!
    },
  }
}

function attach(url: string): TestKeystone {
  let admin: Promise<string> | undefined
  const send = (method: string, path: string, headers: Record<string, string>, body?: object) =>
    fetch(`${url}${path}`, {
      method,
      headers: { 'content-type': 'application/json', ...headers },
      ...(body ? { body: JSON.stringify(body) } : {}),
    })

  async function token(person: Person, scope: Scope = 'project'): Promise<string> {
    const { domain, project } = people[person]
    const named = domain === 'default' ? { id: domain } : { name: domain }
    const user = { name: person, password: person, domain: named }
    const scopes = {
      project: { project: { name: project, domain: named } },
      system: { system: { all: true } },
      unscoped: 'unscoped',
    }
    const wanted = typeof scope === 'string' ? scopes[scope] : { domain: { id: scope.domain_id } }
    const auth = { identity: { methods: ['password'], password: { user } }, scope: wanted }
    const res = await send('POST', '/auth/tokens?nocatalog', {}, { auth })
    const made = res.headers.get('x-subject-token')
    if (!res.ok || !made) throw new Error(`no token of ${person}: ${res.status} ${await res.text()}`)
    return made
  }

  async function asAdmin(method: string, path: string, body?: object): Promise<Record<string, unknown>> {
    admin ??= token('admin')
    let res = await send(method, path, { 'x-auth-token': await admin }, body)
    if (res.status === 401) {
      admin = token('admin')
      res = await send(method, path, { 'x-auth-token': await admin }, body)
    }
    const text = await res.text()
    if (!res.ok) throw new Error(`${method} ${path}: ${res.status} ${text}`)
    return text === '' ? {} : JSON.parse(text)
  }

  return {
    url,
    token,
    asAdmin,
    async revoke(revoked) {
      await send('DELETE', '/auth/tokens', {
        'x-auth-token': await token('admin'),
        'x-subject-token': revoked,
      })
    },
  }
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  server.close()
  await once(server, 'close')
  return port
}
