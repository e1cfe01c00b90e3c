/** Who calls in the recorded exchanges: the same people at a real Keystone and in a users file of Vitrine's. */

export interface Identity {
  /** Domain by name; `default` is also its id. */
  domain: 'default' | 'east'
  project: string
  roles: readonly string[]
  groups: readonly string[]
}

/** Users by name; each one's password is the name. Keystone adds what a role implies (admin: member and reader). */
export const identities = {
  admin: { domain: 'default', project: 'admin', roles: ['admin', 'member', 'reader'], groups: [] },
  alice: { domain: 'default', project: 'demo', roles: ['member', 'reader'], groups: ['builders'] },
  carol: { domain: 'default', project: 'demo', roles: ['member', 'reader'], groups: [] },
  reader: { domain: 'default', project: 'demo', roles: ['reader'], groups: [] },
  bob: { domain: 'default', project: 'other', roles: ['member', 'reader'], groups: ['builders'] },
  nova: {
    domain: 'default',
    project: 'service',
    roles: ['admin', 'service', 'member', 'reader'],
    groups: [],
  },
  svc: { domain: 'default', project: 'service', roles: ['service'], groups: [] },
  dora: { domain: 'east', project: 'far', roles: ['member', 'reader'], groups: [] },
} as const satisfies Record<string, Identity>

export type User = keyof typeof identities

/** `nobody` sends no credentials at all, `impostor` sends some that are not valid. */
export type Actor = User | 'nobody' | 'impostor'

export const users = Object.keys(identities) as User[]
