import { type Actor, identities, type User, users } from './actors.js'

/** A server under test, or the real Glance, and how each actor shows who they are. */
export interface Target {
  /** scheme://host:port, no slash at the end */
  base: string
  mode: 'keystone' | 'basic'
  /** The real thing: what it does by chance is overlooked, and it is not asked for Vitrine's differences. */
  isGlance: boolean
  credentials: Record<Actor, Record<string, string>>
  /** name → id as the server shows it */
  projects: Record<string, string>
  users: Record<string, string>
  /** A web server that locations may point to (web.ts), where one was started. */
  web?: string
  /** Keystone tokens by user; empty in mode basic. */
  tokens: Partial<Record<User, string>>
}

/** Signs every actor in at a Keystone v3. */
export async function keystoneTarget(base: string, keystone: string, isGlance = false): Promise<Target> {
  const target = { ...empty(base, 'keystone'), isGlance }
  target.credentials.impostor = { 'x-auth-token': 'gAAAAABnot-a-token' }
  for (const name of users) {
    const { domain, project } = identities[name]
    const reply = await fetch(`${keystone}/auth/tokens`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ auth: passwordAuth(name, domain, project) }),
    })
    const token = reply.headers.get('x-subject-token')
    if (reply.status !== 201 || !token) throw new Error(`Keystone does not know ${name}: ${reply.status}`)
    const body = (await reply.json()) as { token: { user: { id: string }; project: { id: string } } }
    target.credentials[name] = { 'x-auth-token': token }
    target.tokens[name] = token
    target.users[name] = body.token.user.id
    target.projects[project] = body.token.project.id
  }
  return target
}

/** For a server with a users file (see users-file.ts): HTTP basic, ids are the names. */
export function basicTarget(base: string): Target {
  const target = empty(base, 'basic')
  // Not a wrong password: those are counted, and answered with 429 soon.
  target.credentials.impostor = { 'x-auth-token': 'gAAAAABnot-a-token' }
  for (const name of users) {
    target.credentials[name] = basic(name, name)
    target.users[name] = name
    target.projects[identities[name].project] = identities[name].project
  }
  return target
}

function empty(base: string, mode: Target['mode']): Target {
  const credentials = Object.fromEntries([...users, 'nobody', 'impostor'].map(name => [name, {}]))
  return {
    base: base.replace(/\/$/, ''),
    mode,
    isGlance: false,
    credentials: credentials as Target['credentials'],
    projects: {},
    users: {},
    tokens: {},
  }
}

function basic(user: string, password: string): Record<string, string> {
  return { authorization: `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}` }
}

function passwordAuth(name: string, domain: string, project: string): object {
  const where = domain === 'default' ? { id: 'default' } : { name: domain }
  return {
    identity: { methods: ['password'], password: { user: { name, password: name, domain: where } } },
    scope: { project: { name: project, domain: where } },
  }
}
