import { hash } from '@node-rs/argon2'
import { stringify } from 'yaml'
import { identities, users } from './actors.js'

/** The text of a users file with everybody of actors.ts; each one's password is the name, as in Keystone. */
export async function usersFile(): Promise<string> {
  const entries = users.map(async name => {
    const { domain, project, roles, groups } = identities[name]
    // As cheap as may be: these passwords are known, and every test hashes them.
    const password_hash = await hash(name, { memoryCost: 64, timeCost: 1 })
    return { name, password_hash, project, domain, roles: [...roles], groups: [...groups] }
  })
  return stringify({ users: await Promise.all(entries) })
}
