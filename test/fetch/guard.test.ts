import t from 'tap'
import { loadConfig } from '../../src/config/load.js'
import { checkUri, maskUri, mayReach } from '../../src/fetch/guard.js'

const rules = { ...loadConfig({}) }
const passes = (uri: unknown, more: Partial<typeof rules> = {}) => {
  try {
    checkUri({ ...rules, ...more }, uri)
    return true
  } catch {
    return false
  }
}

t.test('schemes, hosts and ports are filtered by Glance’s rules', async t => {
  for (const uri of [
    'http://example.org/a',
    'https://example.org',
    'http://example.org:80/',
    'http://10.1.2.3/x',
  ]) {
    t.ok(passes(uri), uri)
  }
  for (const uri of [
    'file:///etc/passwd',
    'gopher://example.org/',
    'http://example.org:22/',
    'http:///x',
    'nonsense',
    '',
    5,
    null,
    'http://exa mple.org/',
    'http://example.org/\n',
  ]) {
    t.notOk(passes(uri), String(uri))
  }
  t.ok(passes('  http://example.org/ '), 'blanks round it, as Glance takes them')
  t.notOk(passes('http://example.org/', { import_disallowed_hosts: ['example.org'] }))
  t.notOk(
    passes('http://example.org./', { import_disallowed_hosts: ['example.org'] }),
    'a dot at the end changes nothing',
  )
  t.ok(
    passes('http://example.org/', {
      import_allowed_hosts: ['example.org'],
      import_disallowed_hosts: ['example.org'],
    }),
    'what is allowed makes what is not allowed meaningless',
  )
  t.notOk(
    passes('http://example.org/', { import_allowed_ports: [], import_disallowed_ports: ['80'] }),
    'implicit port',
  )
})

t.test('addresses of this machine and its link are refused in every spelling', async t => {
  for (const host of [
    '127.0.0.1',
    '127.1',
    '2130706433',
    '0x7f000001',
    '0177.0.0.1',
    '0',
    '0.0.0.0',
    '169.254.169.254',
    '224.0.0.1',
    '[::1]',
    '[::]',
    '[::ffff:127.0.0.1]',
    '[::ffff:7f00:1]',
    '[::127.0.0.1]',
    '[64:ff9b::7f00:1]',
    '[2002:7f00:1::]',
    '[fe80::1]',
    '[ff02::1]',
  ]) {
    t.notOk(passes(`http://${host}/`), host)
  }
  t.notOk(passes('http://134744072/'), 'a disguised address is refused wherever it leads')
  t.ok(mayReach({ ...rules, import_allowed_addresses: ['127.0.0.0/8'] }, '127.0.0.1'))
  t.notOk(mayReach({ ...rules, import_disallowed_addresses: ['10.0.0.0/8'] }, '10.1.2.3'))
  t.notOk(mayReach({ ...rules, import_disallowed_addresses: ['10.0.0.0/8'] }, '::ffff:10.1.2.3'))
})

t.test('a password in a URI is masked', async t => {
  const sent = 'http://user:secret@example.org/x'
  t.equal(maskUri(new URL(sent), sent), 'http://user:***@example.org/x')
  t.equal(maskUri(new URL('http://example.org'), 'http://example.org'), 'http://example.org')
  const token = 'http://t0ken@example.org/x'
  t.equal(maskUri(new URL(token), token), 'http://***@example.org/x', 'a token in place of a name, too')
  t.notOk(passes('http://a%zz:pw@example.org/'), 'a name that can not be decoded is refused')
})

t.test('secrets in the query of a URI are masked, and nothing else of it', async t => {
  const masked = (sent: string) => maskUri(new URL(sent), sent)
  t.equal(
    masked('https://s3.example/b/k?X-Amz-Date=20240101T000000Z&X-Amz-Signature=abc&X-Amz-Credential=id'),
    'https://s3.example/b/k?X-Amz-Date=20240101T000000Z&X-Amz-Signature=***&X-Amz-Credential=***',
  )
  t.equal(masked('https://x.example/?sv=1&sig=a%2Fb'), 'https://x.example/?sv=1&sig=***')
  t.equal(masked('https://u:p@x.example/?temp_url_sig=1'), 'https://u:***@x.example/?temp_url_sig=***')
  t.equal(masked('https://x.example/a?design=1&page=2'), 'https://x.example/a?design=1&page=2')
  t.equal(masked('ftp://bob:secret@x.example/a'), 'ftp://bob:***@x.example/a')
  t.equal(masked('ftp://bob@x.example/a'), 'ftp://bob@x.example/a')
})

t.test('an ftp URL that would end a line of the protocol, or names no file, is refused', async t => {
  for (const good of ['ftp://x.example/a', 'ftp://b%40b:p%2F@x.example/a%20b', 'ftp://x.example/a;type=i']) {
    t.ok(passes(good), good)
  }
  for (const bad of [
    'ftp://x.example/a%0d%0aDELE%20b',
    'ftp://x.example/a%0a',
    'ftp://x.example/a%00',
    'ftp://a%0d:pw@x.example/a',
    'ftp://a:pw%0aQUIT@x.example/a',
    'ftp://x.example/%ff',
    'ftp://x.example',
    'ftp://x.example/',
    'ftp://x.example/folder/',
    'ftp://x.example/a;type=a',
    'ftp://x.example/a;type=d',
    'ftp://x.example:22/a',
    'ftp://127.0.0.1/a',
    'ftp://2130706433/a',
  ]) {
    t.notOk(passes(bad), bad)
  }
})
