/** What a request says its bytes hash to. */
import t from 'tap'
import { expectedChecksums } from '../../src/http/checksum-headers.js'

const hex256 = 'ab'.repeat(32)
const hex512 = 'cd'.repeat(64)
const base64 = (hex: string) => Buffer.from(hex, 'hex').toString('base64')
const own = (value: string) => expectedChecksums({ 'x-openstack-image-hash': value })
const standard = (value: string) => expectedChecksums({ 'repr-digest': value })

t.test('one digest in the own header', async t => {
  t.equal(expectedChecksums({}), undefined)
  t.strictSame(own(`sha256:${hex256}`), { sha256: hex256 })
  t.strictSame(own(`SHA512:${hex512.toUpperCase()}`), { sha512: hex512 })
  for (const bad of [
    '',
    'sha256:',
    hex256,
    `md5:${'a'.repeat(32)}`,
    `sha256:${hex512}`,
    `sha256:${hex256}, sha256:${hex256}`,
    `sha256: ${hex256}`,
    `sha256:${'g'.repeat(64)}`,
    `constructor:${hex256}`,
  ]) {
    t.throws(() => own(bad), { message: /X-OpenStack-Image-Hash must be/ }, bad)
  }
})

t.test('Repr-Digest as the standard has it, other algorithms passed over', async t => {
  const a = `sha-256=:${base64(hex256)}:`
  const b = `sha-512=:${base64(hex512)}:`
  t.strictSame(standard(a), { sha256: hex256 })
  t.strictSame(standard(` ${a},\t${b} `), { sha256: hex256, sha512: hex512 })
  t.strictSame(standard(`md5=:${base64('00'.repeat(16))}:, ${a}`), { sha256: hex256 })
  t.strictSame(standard(`unixsum=:MA==:`), {}, 'nothing known')
  t.strictSame(standard(`*new.one-2_=::;x=1;y;z="a\\"b, c" , ${b};q=?1`), { sha512: hex512 }, 'parameters')
  t.strictSame(standard(`sha-256=:${base64('00'.repeat(32))}:, ${a}`), { sha256: hex256 }, 'the last counts')
  t.strictSame(standard(a.replace(/=+:$/, ':')), { sha256: hex256 }, 'padding may be missing')
  for (const bad of [
    '',
    ',',
    `${a},`,
    `${a} ${b}`,
    `${a},,${b}`,
    `sha-256=${base64(hex256)}`,
    'sha-256',
    'sha-256=:AAAA:',
    `SHA-256=:${base64(hex256)}:`,
    `sha-256=:${base64(hex512)}:`,
    'sha-256=:not base64!:',
    'sha-256="text"',
    'md5=1',
    'md5=(:AAAA:)',
    `${a};`,
    `a${' '.repeat(16_000)}b`,
    `a=::${';x=1'.repeat(4000)}"`,
  ]) {
    t.throws(() => standard(bad), { message: /Repr-Digest must be/ }, bad)
  }
})

t.test('both headers must agree', async t => {
  const both = (hash: string, digest: string) =>
    expectedChecksums({ 'x-openstack-image-hash': hash, 'repr-digest': digest })
  t.strictSame(both(`sha256:${hex256}`, `sha-512=:${base64(hex512)}:`), { sha256: hex256, sha512: hex512 })
  t.strictSame(both(`sha256:${hex256}`, `sha-256=:${base64(hex256)}:`), { sha256: hex256 })
  t.throws(() => both(`sha256:${hex256}`, `sha-256=:${base64('00'.repeat(32))}:`), { message: /different/ })
})
