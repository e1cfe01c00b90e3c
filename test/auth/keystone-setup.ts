import { spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { type AddressInfo, connect, createServer } from 'node:net'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import tls from 'node:tls'
import pino from 'pino'
import type { Test } from 'tap'
import { type KeystoneOptions, openKeystone } from '../../src/auth/keystone.js'
import { HttpError } from '../../src/errors.js'
import { glanceRules } from '../../src/policy/defaults.js'
import { openPolicy } from '../../src/policy/enforcer.js'
import type { TestKeystone } from '../helpers/keystone.js'

export const policy = openPolicy(null, glanceRules)

interface Setup extends KeystoneOptions {
  url?: string
  username?: string
  password?: string
  caFile?: string
  cacheSeconds?: number
  groupSeconds?: number
}

/** Opens the mode against a Keystone, with the service account nova; keeps what it logs. */
export function open(t: Test, keystone: TestKeystone, setup: Setup = {}) {
  const logged: string[] = []
  const log = pino({ level: 'trace' }, { write: (line: string) => void logged.push(line) })
  const auth = openKeystone(
    {
      keystone_url: setup.url ?? keystone.url,
      keystone_username: setup.username ?? 'nova',
      keystone_password: setup.password ?? 'nova',
      keystone_project: 'service',
      keystone_user_domain: 'default',
      keystone_project_domain: 'default',
      keystone_ca_file: setup.caFile ?? null,
      token_cache_seconds: setup.cacheSeconds ?? 300,
      group_cache_seconds: setup.groupSeconds ?? 60,
    },
    log,
    policy.isAdmin,
    setup,
  )
  t.teardown(() => auth.close())
  const as = (headers: Record<string, string>) => auth.authenticate({ headers, ip: '127.0.0.1' })
  return { auth, as, logged }
}

/** The failure that work ends in. */
export const failure = async (work: Promise<unknown>): Promise<HttpError> => {
  const err = await work.then(
    () => null,
    (err: unknown) => err,
  )
  if (err instanceof HttpError) return err
  throw err ?? new Error('it did not fail')
}

/** A TCP relay to Keystone that counts requests and can hold answers back. */
export async function relay(t: Test, target: string) {
  const { port } = new URL(target)
  const state = { requests: 0, delayMs: 0 }
  const server = createServer(socket => {
    const upstream = connect(Number(port), '127.0.0.1')
    socket.on('data', chunk => {
      // One request is one chunk here: they are short, and none is sent before the last was answered.
      state.requests++
      upstream.write(chunk)
    })
    socket.on('end', () => upstream.end())
    upstream.on('data', async chunk => {
      await sleep(state.delayMs)
      socket.write(chunk)
    })
    upstream.on('end', async () => {
      await sleep(state.delayMs + 5)
      socket.end()
    })
    for (const one of [socket, upstream])
      one.on('error', () => {
        socket.destroy()
        upstream.destroy()
      })
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.teardown(() => server.close())
  return Object.assign(state, { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/v3` })
}

/** Why a test that needs a certificate is skipped. */
export const noOpenssl: string | false = spawnSync('openssl', ['version']).status === 0 ? false : 'no openssl'

/** Keystone over TLS, for the name localhost, with a certificate that signs itself. */
export async function tlsRelay(t: Test, target: string): Promise<{ port: number; ca: string }> {
  const dir = t.testdir()
  const [key, ca] = [join(dir, 'key.pem'), join(dir, 'ca.pem')]
  const subject = ['-subj', '/CN=localhost', '-addext', 'subjectAltName=DNS:localhost']
  const made = spawnSync('openssl', [
    'req',
    '-x509',
    '-newkey',
    'rsa:2048',
    '-nodes',
    '-keyout',
    key,
    '-out',
    ca,
    ...subject,
  ])
  if (made.status !== 0) throw new Error(made.stderr.toString())
  const server = tls.createServer({ key: readFileSync(key), cert: readFileSync(ca) }, socket => {
    const upstream = connect(Number(new URL(target).port), '127.0.0.1')
    socket.pipe(upstream).pipe(socket)
    for (const one of [socket, upstream]) one.on('error', () => {})
  })
  server.listen(0, 'localhost')
  await once(server, 'listening')
  t.teardown(() => server.close())
  return { port: (server.address() as AddressInfo).port, ca }
}
