import { readFileSync } from 'node:fs'
import { type Static, Type } from '@sinclair/typebox'
import { Value } from '@sinclair/typebox/value'
import { parseDocument } from 'yaml'
import { Faults } from '../errors.js'
import { type Caller, nobody } from './caller.js'
import { type PasswordHash, readHash } from './passwords.js'

const Name = Type.String({ minLength: 1, maxLength: 255, pattern: '^[^\\u0000-\\u001f\\u007f]+$' })
const Id = Type.String({ minLength: 1, maxLength: 255, pattern: '^[!-~]+$' })

/** One user of auth mode `basic`. */
const User = Type.Object(
  {
    name: Type.String({
      ...Name,
      pattern: '^[^:\\u0000-\\u001f\\u007f]+$',
      description: 'What the user signs in with.',
    }),
    id: Type.Optional(Type.String({ ...Id, description: 'User id; the name when absent.' })),
    password_hash: Type.String({
      description: 'argon2id, argon2i, bcrypt or scrypt; see `bin/vitrine hash-password`.',
    }),
    project: Type.String({ ...Name, description: "The user's project." }),
    project_id: Type.Optional(
      Type.String({ ...Id, description: "Project id; the project's name when absent." }),
    ),
    domain: Type.Optional(
      Type.String({ ...Name, description: 'Domain of user and project; `default` when absent.' }),
    ),
    domain_id: Type.Optional(
      Type.String({ ...Id, description: "Domain id; the domain's name when absent." }),
    ),
    roles: Type.Array(Name, { description: 'admin, member, reader, service and the like.' }),
    groups: Type.Optional(Type.Array(Id, { description: 'Ids of the groups the user belongs to.' })),
  },
  { additionalProperties: false },
)

const UsersFile = Type.Object({ users: Type.Array(User, { minItems: 1 }) }, { additionalProperties: false })

/** A user as the mode works with it. */
export interface User {
  readonly caller: Caller
  readonly hash: PasswordHash
}

/**
 * Roles that others bring with them, as in a freshly bootstrapped Keystone: an admin is a manager, a manager a
 * member, a member a reader. Glance's rules test each role by its name, so a member that is no reader could write
 * images and not see them.
 */
const implied: Readonly<Record<string, string>> = { admin: 'manager', manager: 'member', member: 'reader' }

/** Reads the users file (YAML): users by name. Throws Faults with everything that is wrong in it. */
export function readUsers(file: string, isAdmin: (caller: Caller) => boolean): Map<string, User> {
  let text: string
  try {
    text = readFileSync(file, 'utf8')
  } catch (err) {
    throw new Faults(file, [`can't be read: ${(err as Error).message}`])
  }
  const document = parseDocument(text)
  // The first line says what and where; the rest would quote the file.
  if (document.errors.length > 0)
    throw new Faults(
      file,
      document.errors.map(error => error.message.split('\n')[0]!),
    )
  const content: unknown = document.toJS({ maxAliasCount: 100 })
  const faults = [...Value.Errors(UsersFile, content)].map(error => `${error.path || '/'}: ${error.message}`)
  if (faults.length > 0) throw new Faults(file, [...new Set(faults)])
  return collect(file, (content as Static<typeof UsersFile>).users, isAdmin)
}

function collect(
  file: string,
  entries: readonly Static<typeof User>[],
  isAdmin: (caller: Caller) => boolean,
): Map<string, User> {
  const faults: string[] = []
  const users = new Map<string, User>()
  const ids = new Set<string>()
  for (const entry of entries) {
    const hash = readHash(entry.password_hash)
    const caller = callerOf(entry)
    if (typeof hash === 'string') faults.push(`${entry.name}: password_hash ${hash}`)
    if (users.has(entry.name)) faults.push(`${entry.name}: is there twice`)
    else if (ids.has(caller.user_id!))
      faults.push(`${entry.name}: id ${caller.user_id} is another user's, too`)
    if (!/^[!-~]+$/.test(caller.user_id! + caller.project_id! + caller.user_domain_id!))
      faults.push(`${entry.name}: a name with spaces or letters beyond ASCII needs an id beside it`)
    ids.add(caller.user_id!)
    if (typeof hash !== 'string')
      users.set(entry.name, { hash, caller: Object.freeze({ ...caller, is_admin: isAdmin(caller) }) })
  }
  if (faults.length > 0) throw new Faults(file, faults)
  return users
}

function callerOf(entry: Static<typeof User>): Caller {
  const domain = entry.domain_id ?? entry.domain ?? 'default'
  const roles = new Set<string>()
  for (const role of entry.roles)
    for (let name: string | undefined = role.toLowerCase(); name && !roles.has(name); name = implied[name])
      roles.add(name)
  return {
    ...nobody,
    user_id: entry.id ?? entry.name,
    user_name: entry.name,
    project_id: entry.project_id ?? entry.project,
    user_domain_id: domain,
    project_domain_id: domain,
    roles: Object.freeze([...roles]),
    groups: Object.freeze(entry.groups ?? []),
  }
}
