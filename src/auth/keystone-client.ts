import { readFileSync } from 'node:fs'
import http, { type IncomingHttpHeaders } from 'node:http'
import https from 'node:https'
import type { Logger } from 'pino'
import type { Config } from '../config/schema.js'
import { Faults, Unavailable } from '../errors.js'
import { withDeadline } from './deadline.js'
import { singleFlight } from './gate.js'

/** What Keystone answered: any status below 500 other than 429. */
export interface KeystoneAnswer {
  readonly status: number
  readonly headers: IncomingHttpHeaders
  /** The JSON body; null when there is none or it is no JSON. */
  readonly body: unknown
}

/** Keystone's v3 API. What fails on the way, a 5xx and a 429 are Unavailable. No token is ever logged. */
export interface KeystoneClient {
  /** The API's address, ending in /v3. */
  readonly url: string
  /** Asks in the name of whoever the headers name. `path` begins with a slash, below the address. */
  request(
    method: string,
    path: string,
    headers?: Record<string, string>,
    body?: object,
    signal?: AbortSignal,
  ): Promise<KeystoneAnswer>
  /** Asks as the service account; its token is renewed before it ends, and once when Keystone refuses it. */
  asService(method: string, path: string, headers?: Record<string, string>): Promise<KeystoneAnswer>
  /** Resolves when Keystone answers and takes the service account. */
  check(signal: AbortSignal): Promise<void>
  close(): void
}

export type KeystoneSettings = Pick<
  Config,
  | 'keystone_url'
  | 'keystone_username'
  | 'keystone_password'
  | 'keystone_project'
  | 'keystone_user_domain'
  | 'keystone_project_domain'
  | 'keystone_ca_file'
>

interface ServiceToken {
  readonly token: string
  /** Milliseconds since the epoch, by our clock. */
  readonly renewAt: number
  readonly endsAt: number
}

const maxBody = 4 * 2 ** 20

/** How long Keystone is left alone after it refused the service account: it locks accounts that fail too often. */
const pause = 10_000

/**
 * @param timeoutMs how long one answer may take, from dialling to its last byte
 * @throws Faults when settings are missing or the CA file can't be read
 */
export function openKeystoneClient(
  settings: KeystoneSettings,
  log: Logger,
  { timeoutMs = 5000 } = {},
): KeystoneClient {
  const { url, account, ca } = readSettings(settings)
  const base = new URL(url)
  const transport = base.protocol === 'https:' ? https : http
  const agent = new transport.Agent({
    keepAlive: true,
    maxSockets: 32,
    timeout: 60_000,
    ...(ca ? { ca } : {}),
  })
  const once = singleFlight<string>()
  let current: ServiceToken | null = null
  let refusedUntil = 0

  async function request(
    method: string,
    path: string,
    headers: Record<string, string> = {},
    body?: object,
    signal?: AbortSignal,
  ): Promise<KeystoneAnswer> {
    const payload = body === undefined ? null : Buffer.from(JSON.stringify(body))
    const options: http.RequestOptions = {
      method,
      agent,
      headers: {
        accept: 'application/json',
        'user-agent': 'vitrine',
        ...(payload ? { 'content-type': 'application/json', 'content-length': payload.length } : {}),
        ...headers,
      },
    }
    let answer: KeystoneAnswer
    try {
      answer = await withDeadline(timeoutMs, signal, signal =>
        send(transport, `${url}${path}`, { ...options, signal }, payload),
      )
    } catch (err) {
      const reason = reasonOf(err)
      log.warn({ reason, method, path: path.split('?', 1)[0] }, 'Keystone does not answer')
      throw unavailable('Keystone does not answer', err)
    }
    if (answer.status >= 500 || answer.status === 429) {
      log.warn({ status: answer.status, method, path: path.split('?', 1)[0] }, 'Keystone fails')
      throw unavailable(`Keystone answers with status ${answer.status}`)
    }
    return answer
  }

  async function signIn(): Promise<string> {
    if (Date.now() < refusedUntil) throw unavailable("Keystone refuses Vitrine's service account")
    const { status, headers, body } = await request('POST', '/auth/tokens?nocatalog', {}, account)
    const token = headers['x-subject-token']
    if (status !== 201 || typeof token !== 'string') {
      refusedUntil = Date.now() + pause
      log.error(
        { status },
        "Keystone refuses Vitrine's service account; check keystone_username and its companions",
      )
      throw unavailable("Keystone refuses Vitrine's service account")
    }
    const { issued_at, expires_at } =
      (body as { token?: { issued_at?: string; expires_at?: string } } | null)?.token ?? {}
    // The lifetime is counted by our clock from now, so that clocks which differ do no harm.
    const lifetime = Date.parse(expires_at ?? '') - Date.parse(issued_at ?? '')
    const sound = lifetime > 0 ? lifetime : 60_000
    current = { token, renewAt: Date.now() + sound * 0.8, endsAt: Date.now() + sound }
    return token
  }

  async function serviceToken(): Promise<string> {
    const held = current
    if (held && Date.now() < held.renewAt) return held.token
    try {
      return await once('sign in', signIn)
    } catch (err) {
      if (!held || Date.now() >= held.endsAt) throw err
      current = { ...held, renewAt: Date.now() + pause }
      return held.token
    }
  }

  return {
    url,
    request,
    async asService(method, path, headers = {}) {
      const token = await serviceToken()
      const answer = await request(method, path, { ...headers, 'x-auth-token': token })
      if (answer.status !== 401) return answer
      // Revoked, or Keystone's keys changed. Another request may have renewed it meanwhile.
      if (current?.token === token) current = null
      const again = await request(method, path, { ...headers, 'x-auth-token': await serviceToken() })
      if (again.status === 401) throw unavailable("Keystone refuses the token of Vitrine's service account")
      return again
    },
    async check(signal) {
      await serviceToken()
      await request('GET', '', {}, undefined, signal)
    },
    close: () => agent.destroy(),
  }
}

function readSettings(settings: KeystoneSettings): { url: string; account: object; ca: Buffer | null } {
  const faults: string[] = []
  for (const name of ['keystone_url', 'keystone_username', 'keystone_password', 'keystone_project'] as const)
    if (!settings[name]) faults.push(`${name}: auth mode keystone needs it`)
  const given = settings.keystone_url?.replace(/\/+$/, '') ?? ''
  if (settings.keystone_url && !/^https?:\/\/[^/?#@]+(\/[^?#]*)?$/.test(given))
    faults.push('keystone_url: must be an http or https URL without user, query or fragment')
  let ca: Buffer | null = null
  if (settings.keystone_ca_file) {
    try {
      ca = readFileSync(settings.keystone_ca_file)
    } catch (err) {
      faults.push(`keystone_ca_file: can't be read: ${(err as Error).message}`)
    }
  }
  if (faults.length > 0) throw new Faults('settings', faults)
  const user = { name: settings.keystone_username, domain: { id: settings.keystone_user_domain } }
  const project = { name: settings.keystone_project, domain: { id: settings.keystone_project_domain } }
  const password = { user: { ...user, password: settings.keystone_password } }
  return {
    url: given.endsWith('/v3') ? given : `${given}/v3`,
    account: { auth: { identity: { methods: ['password'], password }, scope: { project } } },
    ca,
  }
}

async function send(
  transport: typeof http | typeof https,
  url: string,
  options: http.RequestOptions,
  payload: Buffer | null,
): Promise<KeystoneAnswer> {
  try {
    return await exchange(transport, url, options, payload)
  } catch (err) {
    // A kept connection that Keystone closed just now; nothing of ours was lost.
    if (!(err as { reused?: boolean }).reused) throw err
    return exchange(transport, url, options, payload)
  }
}

function exchange(
  transport: typeof http | typeof https,
  url: string,
  options: http.RequestOptions,
  payload: Buffer | null,
): Promise<KeystoneAnswer> {
  return new Promise((resolve, reject) => {
    const request = transport.request(url, options, response => {
      const chunks: Buffer[] = []
      let length = 0
      response.on('data', (chunk: Buffer) => {
        length += chunk.length
        if (length > maxBody) response.destroy(new Error(`the answer is longer than ${maxBody} bytes`))
        else chunks.push(chunk)
      })
      response.on('error', reject)
      response.on('end', () =>
        resolve({
          status: response.statusCode!,
          headers: response.headers,
          body: parse(Buffer.concat(chunks).toString('utf8')),
        }),
      )
    })
    request.on('error', (err: NodeJS.ErrnoException) => {
      const reused = request.reusedSocket && (err.code === 'ECONNRESET' || err.code === 'EPIPE')
      // AbortError says nothing; its reason does.
      const cause = options.signal?.aborted ? options.signal.reason : err
      reject(reused ? Object.assign(err, { reused }) : cause)
    })
    request.end(payload ?? undefined)
  })
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return null
  }
}

const reasonOf = (err: unknown): string => {
  const { code, message } = err as NodeJS.ErrnoException
  return typeof code === 'string' ? code : message
}

const unavailable = (what: string, cause?: unknown) =>
  new Unavailable(`${what}, so nobody can be identified now; try again later.`, {
    cause,
    headers: { 'Retry-After': '5' },
  })
