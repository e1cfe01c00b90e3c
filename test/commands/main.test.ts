import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { verify } from '@node-rs/argon2'
import t from 'tap'
import { runVitrine } from '../helpers/server-process.js'

t.test('a command or flag that does not exist is exit 2 with help', async t => {
  for (const [args, says] of [
    [[], /a command is missing/],
    [['sevre'], /unknown command sevre; did you mean serve\?/],
    [['--what'], /unknown flag --what/],
    [['serve', '--port'], /unknown flag --port\n\nUsage: vitrine serve/],
    [['migrate', 'now'], /now is one argument too many/],
    [['toString'], /unknown command toString/],
  ] as const) {
    const { code, output } = await runVitrine(args)
    t.equal(code, 2, args.join(' '))
    t.match(output, says)
    t.match(output, 'Usage: vitrine')
  }
})

t.test('help and version', async t => {
  const { version } = JSON.parse(readFileSync(new URL('../../../package.json', import.meta.url), 'utf8'))
  t.same(await runVitrine(['--version']), { code: 0, output: `${version}\n` })
  t.match(await runVitrine(['--help']), { code: 0, output: /serve .*\n.*check-config .*\n.*migrate/ })
  t.match(await runVitrine(['migrate', '--help']), { code: 0, output: /^Usage: vitrine migrate\n/ })
})

t.test('check-config prints the effective settings without secrets', async t => {
  const cwd = t.testdir({ 'vitrine.yaml': 'log_level: debug\nkeystone_password: hunter2\n' })
  const { code, output } = await runVitrine(['check-config'], {
    cwd,
    env: { VITRINE_PORT: '1234', VITRINE_STORES: 'a=s3://K:hunter2@host/bucket' },
  })
  t.equal(code, 0, output)
  t.match(output, /^port: 1234$/m)
  t.match(output, /^log_level: debug$/m)
  t.match(output, /^ {2}- a=s3:\/\/K:\*\*\*@host\/bucket$/m)
  t.match(output, /^keystone_password: "\*\*\*"$/m)
  t.notMatch(output, 'hunter2')
  t.match(output, `data_dir: ${join(cwd, 'data')}`)
})

t.test('check-config tells all faults, exit 1, and makes nothing', async t => {
  const cwd = t.testdir({})
  writeFileSync(join(cwd, 'vitrine.yaml'), 'prot: 1\n')
  const { code, output } = await runVitrine(['check-config'], { cwd, env: { VITRINE_HOST: '0.0.0.0' } })
  t.equal(code, 1)
  t.match(output, /prot in .*did you mean port\?/)
  t.match(output, /VITRINE_HOST 0\.0\.0\.0 is not a loopback address/)
  t.notMatch(output, '    at ', 'no stack')
})

t.test('check-config tells the faults of all files that the settings name', async t => {
  const cwd = t.testdir({
    'policies.yaml': '"get_image": "role:reader and"\n"add_imgae": "@"\n',
    'protections.conf': '[^secret_\ncreate = admin\n',
    'users.yaml': 'users: []\n',
  })
  const settings = {
    VITRINE_POLICY_FILE: 'policies.yaml',
    VITRINE_PROPERTY_PROTECTION_FILE: 'protections.conf',
    VITRINE_AUTH: 'basic',
    VITRINE_USERS_FILE: 'users.yaml',
  }
  const { code, output } = await runVitrine(['check-config'], { cwd, env: settings })
  t.equal(code, 1)
  for (const file of ['policies.yaml', 'protections.conf', 'users.yaml']) t.match(output, file)
  t.match(output, /get_image: /)
  t.notMatch(output, '    at ', 'no stack')
  const fit = await runVitrine(['check-config'], { cwd })
  t.equal(fit.code, 0, fit.output)
})

t.test('hash-password reads a password and prints a hash that fits it', async t => {
  const { code, output } = await runVitrine(['hash-password'], { stdin: 'correct horse\n' })
  t.equal(code, 0)
  t.match(output, /^\$argon2id\$.*\n$/)
  t.ok(await verify(output.trim(), 'correct horse'))
  t.match(await runVitrine(['hash-password'], { stdin: '\n' }), { code: 1, output: /The password is empty/ })
})
