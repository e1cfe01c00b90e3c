import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { type Caller, nobody } from '../../src/auth/caller.js'
import { imageTarget } from '../../src/images/access.js'
import { findUnscoped } from '../../src/images/repository.js'
import { glanceRules } from '../../src/policy/defaults.js'
import { openPolicy } from '../../src/policy/enforcer.js'
import { admin, alice, bob, startApp } from '../helpers/app.js'

t.test('rules of the operator can look at every attribute of an image', async t => {
  const server = await startApp(t)
  const { id } = await server.as(alice).createActive(Buffer.from('some bytes'), {
    name: 'a name',
    min_disk: 3,
    min_ram: 512,
    tags: ['b', 'a'],
    os_type: 'linux',
    // no property stands in for what rules rely on
    project_id: 'beta',
    created_by: 'bob',
  })
  const image = await findUnscoped(server.deps.db, id, { project: 'alpha' })
  if (!image) throw new Error('the image is gone')
  const seconds = (date: Date) => `${date.toISOString().slice(0, 19)}Z`
  const expected: Record<string, string> = {
    id,
    image_id: id,
    name: 'a name',
    status: 'active',
    visibility: 'shared',
    protected: 'False',
    os_hidden: 'False',
    disk_format: 'raw',
    container_format: 'bare',
    min_disk: '3',
    min_ram: '512',
    size: '10',
    virtual_size: '10',
    checksum: image.checksum!,
    os_hash_algo: 'sha512',
    os_hash_value: image.os_hash_value!,
    created_at: seconds(image.created_at),
    updated_at: seconds(image.updated_at),
    tags: "['a', 'b']",
    owner: 'alpha',
    project_id: 'alpha',
    tenant: 'alpha',
    member_id: 'None',
    created_by: 'alice',
    owner_domain: 'default',
    os_type: 'linux',
  }
  const file = join(t.testdir(), 'policy.json')
  const rules = Object.keys(expected).map(name => [`is_${name}`, `role:%(${name})s`])
  writeFileSync(file, JSON.stringify(Object.fromEntries(rules)))
  const policy = openPolicy(file, glanceRules)
  const caller = (role: string): Caller => ({ ...nobody, project_id: 'alpha', roles: [role] })
  for (const [name, value] of Object.entries(expected)) {
    t.ok(policy.allows(caller(value), `is_${name}`, imageTarget(caller(value), image)), name)
    t.notOk(policy.allows(caller('other'), `is_${name}`, imageTarget(caller('other'), image)), name)
  }
})

t.test('a rule on the size decides who may download', async t => {
  const file = join(t.testdir(), 'policy.yaml')
  writeFileSync(file, "download_image: \"role:admin or '4':%(size)s and '0':%(min_disk)s\"\n")
  const server = await startApp(t, { policy_file: file })
  const member = server.as(alice)
  const small = await member.createActive(Buffer.from('four'), { visibility: 'community' })
  const large = await member.createActive(Buffer.from('larger'), { visibility: 'community' })
  const needy = await member.createActive(Buffer.from('four'), { visibility: 'community', min_disk: 1 })
  t.equal((await server.as(bob).download(small.id)).status, 200)
  for (const { id } of [large, needy]) {
    t.equal((await member.download(id)).status, 403)
    t.equal((await server.as(admin).download(id)).status, 200)
  }
})
