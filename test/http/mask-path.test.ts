import { randomBytes, randomUUID } from 'node:crypto'
import t from 'tap'
import { maskPath } from '../../src/http/mask-path.js'

t.test('the secret of a link is masked, however its path is written', async t => {
  const secret = randomBytes(32).toString('base64url')
  for (const path of [
    `/v2/links/${secret}`,
    `/v2.9/links/${secret}`,
    `//v2//links//${secret}`,
    `/links/${secret}`,
    `/v2/Links/${secret}`,
    `/v2/%6cinks/${secret}`,
    `/v2/links/${secret}/`,
    `/v2/links/${secret}/file`,
    `/v2/links/${secret.slice(0, -1)}`,
    `/v2/links/${secret}x`,
    `/v2/links/%${secret.charCodeAt(0).toString(16)}${secret.slice(1)}`,
    `/v2/link/${secret}`,
    `/v2/images/${secret}`,
    `/prefix/v2/links/${secret}`,
    `'/v2/links/${secret}%zz' is not a valid url component`,
  ]) {
    const masked = maskPath(path)
    t.notMatch(masked, secret.slice(1, -1), path)
    t.match(masked, '/***')
  }
})

t.test('all else stays as it is', async t => {
  const id = randomUUID()
  for (const path of [
    '/',
    '',
    '/v2/images',
    `/v2/images/${id}/links`,
    `/v2/images/${id}/links/${randomUUID()}`,
  ])
    t.equal(maskPath(path), path)
})
