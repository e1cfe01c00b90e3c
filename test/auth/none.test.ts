import t from 'tap'
import { openNone } from '../../src/auth/none.js'
import { Forbidden } from '../../src/errors.js'
import { glanceRules } from '../../src/policy/defaults.js'
import { openPolicy } from '../../src/policy/enforcer.js'

const policy = openPolicy(null, glanceRules)
const auth = openNone({ cors_origins: ['https://horizon.example'] }, policy.isAdmin)
const from = (headers: Record<string, string>) => auth.authenticate({ headers, ip: '127.0.0.1' })

t.test('everybody on this machine is the admin of project default', async t => {
  const caller = await from({ host: 'localhost:9292' })
  t.match(caller, {
    user_id: 'admin',
    project_id: 'default',
    user_domain_id: 'default',
    roles: ['admin', 'member', 'reader'],
    is_admin: true,
    system_scope: null,
    token: null,
  })
  for (const rule of Object.keys(glanceRules)) t.ok(policy.allows(caller, rule, {}), rule)
})

t.test('only a loopback Host is answered', async t => {
  for (const host of ['localhost', 'LOCALHOST:1', '127.0.0.1:9292', '127.255.0.9', '[::1]', '[::1]:9292'])
    await t.resolves(from({ host }), host)
  for (const host of [
    'rebind.example',
    'localhost.example',
    '127.0.0.1.example',
    '127.0.0.256',
    '127.0.0',
    '128.0.0.1',
    '0.0.0.0',
    '192.168.0.1:9292',
    '[::2]',
    '::1',
    '[::ffff:7f00:1]',
    'localhost@evil.example',
    'evil.example#localhost',
    'localhost:',
    'localhost:80:80',
    ' localhost',
    '',
  ])
    await t.rejects(from({ host }), Forbidden, host)
  await t.rejects(from({}), Forbidden, 'no Host')
})

t.test('no page of a foreign origin is answered', async t => {
  const host = '127.0.0.1:9292'
  for (const origin of ['http://127.0.0.1:9292', 'HTTP://127.0.0.1:9292', 'https://horizon.example'])
    await t.resolves(from({ host, origin }), origin)
  for (const origin of [
    'null',
    'http://evil.example',
    'http://localhost:8000',
    'http://127.0.0.1',
    'file://',
    '',
  ])
    await t.rejects(from({ host, origin }), Forbidden, origin)
})

t.test('identity headers from the wire change nothing', async t => {
  const caller = await from({
    host: 'localhost',
    'x-roles': 'nobody',
    'x-project-id': 'stolen',
    'x-user-id': 'mallory',
    'x-identity-status': 'Confirmed',
  })
  t.equal(caller.project_id, 'default')
  t.equal(caller.user_id, 'admin')
})
