import { sql } from 'kysely'
import type pg from 'pg'
import t from 'tap'
import { openDatabase, openPool } from '../../src/db/connect.js'
import { migrate } from '../../src/db/migrate.js'
import { createTestDatabase, testDatabase } from '../helpers/database.js'

t.test('replicas that start at once migrate once', async t => {
  const { url, drop } = await createTestDatabase({ empty: true })
  t.teardown(drop)
  const done = await Promise.all([migrate(url), migrate(url), migrate(url), migrate(url)])
  t.equal(done.filter(names => names.length > 0).length, 1, 'one of them does the work')
  t.same(await migrate(url), [], 'and nothing is left to do')
})

t.test('a database that a newer release has migrated is left as it is', async t => {
  const { url, db } = await testDatabase(t)
  await sql`insert into kysely_migration values ('9999_later', now()::text)`.execute(db)
  t.same(await migrate(url), [])
})

t.test('a database without one of our migrations but with an unknown one is refused', async t => {
  const { url, db } = await testDatabase(t)
  await sql`update kysely_migration set name = '0000_other' where name like '0001%'`.execute(db)
  await t.rejects(migrate(url), { message: /database could not be migrated/ })
})

t.test('a database that does not answer is told with its reason', async t => {
  await t.rejects(migrate('postgres://nobody@127.0.0.1:1/none'), { message: /ECONNREFUSED/ })
})

t.test('every instant keeps whole milliseconds', async t => {
  const { url, drop } = await createTestDatabase()
  t.teardown(drop)
  const pool: pg.Pool = openPool(url)
  const db = openDatabase(pool)
  t.teardown(() => db.destroy())
  const { rows } = await sql<{ column: string }>`
    select table_name || '.' || column_name as column from information_schema.columns
    where table_schema = 'public' and data_type like 'timestamp%' and datetime_precision <> 3`.execute(db)
  t.same(rows, [], 'a page marker must survive the way through JavaScript')
})
