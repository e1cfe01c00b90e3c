import { sql } from 'kysely'
import t from 'tap'
import { prepared } from '../../src/db/prepared.js'
import { testDatabase } from '../helpers/database.js'

t.test('bigints are read as numbers, times as dates, json as values', async t => {
  const { db } = await testDatabase(t)
  const { rows } = await sql`
    select 9007199254740991::bigint as n, array[1, null, 3]::bigint[] as list, '{"a": [1]}'::jsonb as json,
           '2026-01-02T03:04:05.678Z'::timestamptz as at, null::bigint as none`.execute(db)
  t.same(rows, [
    {
      n: 9007199254740991,
      list: [1, null, 3],
      json: { a: [1] },
      at: new Date('2026-01-02T03:04:05.678Z'),
      none: null,
    },
  ])
})

t.test(
  'a prepared statement is planned once for each connection and takes its parameters by name',
  async t => {
    const { db, pool } = await testDatabase(t)
    await db
      .insertInto('images')
      .values([
        { id: 'a', name: 'one', size: 10 },
        { id: 'b', name: 'two', size: 20 },
      ])
      .execute()
    const larger = prepared('test_larger', (db, p: { size: number; owner: string | null }) =>
      db
        .selectFrom('images')
        .select(['id', 'size'])
        .where('size', '>', p.size)
        .where(eb => eb.or([eb('owner', '=', p.owner), eb('owner', 'is', null)]))
        .orderBy('id')
        .limit(5),
    )
    t.same(await larger(pool, { size: 15, owner: null }), [{ id: 'b', size: 20 }])
    t.same(
      (await larger(pool, { size: 5, owner: 'x' })).map(row => row.id),
      ['a', 'b'],
    )
    const client = await pool.connect()
    try {
      await larger(client, { size: 5, owner: 'x' })
      await larger(client, { size: 6, owner: 'y' })
      const { rows } = await client.query(
        "select name from pg_prepared_statements where name = 'test_larger'",
      )
      t.equal(rows.length, 1)
    } finally {
      client.release()
    }
  },
)

t.test('a connection that breaks inside a transaction fails it, and the pool goes on', async t => {
  const { db } = await testDatabase(t)
  await t.rejects(
    db.transaction().execute(async tx => {
      const { rows } = await sql<{ pid: number }>`select pg_backend_pid() as pid`.execute(tx)
      await sql`select pg_terminate_backend(${rows[0]!.pid})`.execute(db)
      await sql`select 1`.execute(tx)
    }),
  )
  const { rows } = await sql`select 1 as n`.execute(db)
  t.same(rows, [{ n: 1 }])
})
