import t from 'tap'
import { reachDatabase } from '../../src/db/reach.js'
import { createTestDatabase } from '../helpers/database.js'

const warned: string[] = []
const options = { log: { warn: (text: string) => void warned.push(text) } as never, waitSeconds: 0 }

t.test('a database that answers', async t => {
  const { url, drop } = await createTestDatabase({ empty: true })
  t.teardown(drop)
  await reachDatabase(url, options)
})

t.test('one that can not be used is told by its place, without the password', async t => {
  for (const [url, says] of [
    [
      'postgres://me:hunter2@127.0.0.1:1/images',
      /^The database images at 127\.0\.0\.1 port 1 can't be used: .*ECONNREFUSED/,
    ],
    [
      'postgres://me:hunter2@nowhere.invalid/images',
      /^The database images at nowhere\.invalid port 5432 can't be used/,
    ],
  ] as const) {
    const err: Error = await reachDatabase(url, options).then(
      () => t.fail('should reject'),
      err => err,
    )
    t.match(err.message, says)
    t.notMatch(err.message, 'hunter2')
  }
  t.same(warned, [])
})

t.test('one that is only just starting is waited for', async t => {
  await t.rejects(reachDatabase('postgres://me@127.0.0.1:1/images', { ...options, waitSeconds: 1 }))
  t.match(warned, [/does not answer yet/])
})
