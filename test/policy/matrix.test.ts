import t from 'tap'
import { type Caller, nobody } from '../../src/auth/caller.js'
import { glanceRules } from '../../src/policy/defaults.js'
import { openPolicy } from '../../src/policy/enforcer.js'
import type { Target } from '../../src/policy/policy.js'

/**
 * Who may do what with an image that the caller can see, as far as rules alone decide: every set of roles, relation
 * to the image, visibility and rule. What is allowed is said here a second time, in words of its own.
 */

const roleSets: Record<string, readonly string[]> = {
  admin: ['admin', 'member', 'reader'],
  'admin alone': ['admin'],
  member: ['member', 'reader'],
  'member alone': ['member'],
  reader: ['reader'],
  service: ['service'],
  'service admin': ['service', 'admin'],
  nothing: [],
}

const relations = {
  owner: { project_id: 'own', member_id: null },
  recipient: { project_id: 'other', member_id: 'own' },
  stranger: { project_id: 'other', member_id: null },
  'nobody owns it': { project_id: null, member_id: null },
}

const visibilities = ['private', 'shared', 'community', 'public'] as const

interface Case {
  admin: boolean
  member: boolean
  reader: boolean
  service: boolean
  owner: boolean
  recipient: boolean
  /** Anybody who came upon the image may know of it. */
  open: boolean
}

const knows = (c: Case) => c.owner || c.recipient || c.open
const ownerMember = (c: Case) => c.admin || (c.member && c.owner)
const nobodyButAdmin = (c: Case) => c.admin
const serviceOrAdmin = (c: Case) => c.admin || c.service

const expected: Record<string, (c: Case) => boolean> = {
  get_image: c => c.admin || (c.reader && knows(c)),
  download_image: c => c.admin || (c.member && knows(c)),
  download_from_store: c => c.admin || (c.member && knows(c)),
  get_image_location: c => c.admin || (c.reader && c.owner),
  get_images: c => c.admin || (c.reader && c.owner),
  get_member: c => c.admin || (c.reader && (c.owner || c.recipient)),
  get_members: c => c.admin || (c.reader && (c.owner || c.recipient)),
  modify_member: c => c.admin || (c.member && c.recipient),
  add_image: ownerMember,
  add_image_location: c => c.admin || c.service || (c.member && c.owner),
  fetch_image_location: serviceOrAdmin,
  stores_info_detail: serviceOrAdmin,
  delete_image_location: nobodyButAdmin,
  publicize_image: nobodyButAdmin,
  copy_image: nobodyButAdmin,
  tasks_api_access: nobodyButAdmin,
}
for (const rule of [
  'modify_image',
  'delete_image',
  'upload_image',
  'set_image_location',
  'deactivate',
  'reactivate',
  'communitize_image',
  'add_member',
  'delete_member',
])
  expected[rule] = ownerMember
for (const rule of Object.keys(glanceRules)) {
  if (/^(cache_|list_cached_nodes|manage_image_cache)/.test(rule)) expected[rule] = nobodyButAdmin
  if (/^(add|modify|delete|remove)_metadef_/.test(rule)) expected[rule] = nobodyButAdmin
  if (/^(get_metadef_|list_metadef_)/.test(rule)) expected[rule] = c => c.admin || (c.reader && c.owner)
}

const internal = /^(get_task|get_tasks|add_task|modify_task)$/

t.test('every rule of an operation is in the table', async t => {
  const operations = Object.keys(glanceRules).filter(
    name => !glanceRules[name]!.helper && !internal.test(name),
  )
  t.same(Object.keys(expected).sort(), operations.sort())
})

t.test('roles × relation × visibility × rule', async t => {
  const policy = openPolicy(null, glanceRules)
  let checked = 0
  for (const [roleSet, roles] of Object.entries(roleSets))
    for (const [relation, place] of Object.entries(relations))
      for (const visibility of visibilities)
        for (const [rule, allowed] of Object.entries(expected)) {
          const caller: Caller = { ...nobody, user_id: 'u', project_id: 'own', roles }
          const target: Target = { ...place, owner: place.project_id, visibility, image_id: 'i' }
          const c: Case = {
            admin: roles.includes('admin'),
            member: roles.includes('member'),
            reader: roles.includes('reader'),
            service: roles.includes('service'),
            owner: relation === 'owner',
            recipient: relation === 'recipient',
            open: visibility !== 'private',
          }
          // A public namespace is for every reader; the list of namespaces is asked for with the own project.
          const namespace = /^(get|list)_metadef_(?!namespaces)/.test(rule)
          const wanted = allowed(c) || (namespace && c.reader && visibility === 'public')
          if (policy.allows(caller, rule, target) !== wanted)
            t.fail(
              `${roleSet}, ${relation}, ${visibility}: ${rule} should be ${wanted ? 'allowed' : 'denied'}`,
            )
          checked++
        }
  t.ok(checked > 7000, `${checked} combinations`)
})

t.test('an image is made for the own project only, but for admins', async t => {
  const policy = openPolicy(null, glanceRules)
  const member: Caller = { ...nobody, project_id: 'own', roles: ['member', 'reader'] }
  t.ok(policy.allows(member, 'add_image', { project_id: 'own', owner: 'own' }))
  t.notOk(policy.allows(member, 'add_image', { project_id: 'other', owner: 'other' }))
  t.notOk(policy.allows(member, 'add_image', { project_id: 'own', owner: 'other' }))
  t.ok(policy.allows({ ...member, roles: ['admin'] }, 'add_image', { project_id: 'other', owner: 'other' }))
})
