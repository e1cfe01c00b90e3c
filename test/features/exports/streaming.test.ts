import { once } from 'node:events'
import { type IncomingMessage, request } from 'node:http'
import { pipeline } from 'node:stream/promises'
import { sql } from 'kysely'
import t from 'tap'
import { nobody } from '../../../src/auth/caller.js'
import type { Database } from '../../../src/db/connect.js'
import { openExport } from '../../../src/features/exports/export.js'
import { MAX_ROWS } from '../../../src/features/exports/sheet.js'
import { admin, alice, startApp, type TestApp } from '../../helpers/app.js'
import { readCsv, readWorkbook } from '../../helpers/spreadsheets.js'

t.setTimeout(240_000)

const path = '/v2/exports/images'

/** So many images of project alpha, each with a property of so many characters. */
async function fill(db: Database, count: number, characters: number): Promise<void> {
  await sql`insert into images (id, name, owner, visibility)
    select 'image-' || n, 'image ' || n, 'alpha', 'shared' from generate_series(1, ${count}::int) n`.execute(
    db,
  )
  await sql`insert into image_properties (image_id, name, value)
    select 'image-' || n, 'os_version', repeat(chr(97 + n % 26), ${characters}::int)
    from generate_series(1, ${count}::int) n`.execute(db)
}

/** Makes each property 6400 characters that compress badly: thousands are more than sockets' buffers take in. */
const randomise = (db: Database) =>
  sql`update image_properties set value =
    (select string_agg(md5(image_id || m), '') from generate_series(1, 200) m)`.execute(db)

/** Begins an export and gives the answer when its headers are there; nothing of its body is read. */
async function begin(server: TestApp, format: string): Promise<IncomingMessage> {
  const { headers } = server.as(alice)
  const sent = request({ port: server.port, path: `${path}?format=${format}`, headers, agent: false })
  sent.on('error', () => undefined).end()
  const [incoming] = (await once(sent, 'response')) as [IncomingMessage]
  return incoming
}

/** Resolves when the log has so many answers of this kind that were cut or not. */
async function answered(server: TestApp, cut: boolean, count: number): Promise<void> {
  const found = () =>
    server.logs.filter(line => line.url === path && line.status === 200 && Boolean(line.cut) === cut).length
  while (found() < count) await new Promise(resolve => setTimeout(resolve, 20))
}

/** Resolves when nobody holds a connection to the database. */
async function allIdle({ deps: { pool } }: TestApp): Promise<void> {
  while (pool.idleCount < pool.totalCount) await new Promise(resolve => setTimeout(resolve, 5))
}

for (const format of ['csv', 'xlsx'])
  t.test(`${format}: clients that take nothing hold no connection to the database`, async t => {
    const server = await startApp(t, { database_connections: 2 })
    await fill(server.deps.db, 5000, 10)
    await randomise(server.deps.db)
    const stalled = await Promise.all(Array.from({ length: 5 }, () => begin(server, format)))
    let pages = 0
    server.deps.pool.on('acquire', () => void pages++)
    // each statement that follows would wait for a connection in vain if one were kept
    for (let n = 0; n < 20; n++) t.equal((await server.as(alice).get('/v2/images?limit=1')).status, 200)
    await allIdle(server)
    // two for each list and each page; five exports that were read to their end would take 200
    t.ok(pages < 150, `${pages} statements: the clients' pages are not read ahead`)

    const [gone, ...others] = stalled as [IncomingMessage, ...IncomingMessage[]]
    gone.destroy()
    await answered(server, true, 1)
    await allIdle(server)

    // those that wake up get all of it
    for (const incoming of others) {
      const chunks: Buffer[] = []
      for await (const chunk of incoming) chunks.push(chunk as Buffer)
      const bytes = Buffer.concat(chunks)
      const rows = format === 'csv' ? readCsv(bytes.toString('utf8')) : await readWorkbook(bytes)
      t.equal(rows.length, 5001)
      t.equal(new Set(rows.map(row => row[1])).size, 5001)
    }
    await answered(server, false, 4)
  })

t.test('rows that go away between pages stop nothing', async t => {
  const server = await startApp(t)
  await fill(server.deps.db, 700, 5)
  const caller = { ...nobody, ...alice, user_id: 'alice', project_id: 'alpha', roles: ['reader'] }
  const pages = await openExport(server.deps, caller, new URLSearchParams('sort=name:asc'))
  const seen: string[] = []
  for await (const rows of pages) {
    seen.push(...rows.map(([, id]) => id!))
    // the last one, which the next page begins after, among them
    await server.deps.db
      .deleteFrom('images')
      .where(
        'id',
        'in',
        rows.map(([, id]) => id!),
      )
      .execute()
  }
  t.equal(seen.length, 700)
  t.equal(new Set(seen).size, 700)
})

for (const format of ['csv', 'xlsx'])
  t.test(`${format}: a database that goes away cuts the answer, which is not taken for whole`, async t => {
    const server = await startApp(t)
    await fill(server.deps.db, 3000, 10)
    await randomise(server.deps.db)
    const incoming = await begin(server, format)
    await server.dropDatabase()
    await t.rejects(
      pipeline(incoming, async source => {
        for await (const _ of source);
      }),
      { code: 'ECONNRESET' },
    )
    await answered(server, true, 1)
    t.ok(server.logs.some(line => line.msg === 'an answer broke off'))
    const { status } = await server.as(alice).get(`${path}?format=${format}`)
    t.ok(status >= 500, 'before anything is sent it is an error like others')
  })

t.test('more images than a worksheet has rows are refused for xlsx', async t => {
  const server = await startApp(t)
  const { db } = server.deps
  await sql`drop index images_newest, images_owner_newest, images_visibility_newest, images_name`.execute(db)
  await sql`insert into images (id, owner) select n, case when n > 1 then 'alpha' else 'cloud' end
    from generate_series(1, ${MAX_ROWS + 1}::int) n`.execute(db)
  await sql`create index on images (created_at desc, id desc)`.execute(db)
  await sql`analyze images`.execute(db)
  const refused = await server.as(admin).get(`${path}?format=xlsx`)
  t.match(refused, { status: 400, text: new RegExp(`at most ${MAX_ROWS} images`) })
  t.equal(refused.headers['content-disposition'], undefined)

  const { headers } = server.as(admin)
  for (const query of ['format=csv', 'format=xlsx&owner=alpha']) {
    const sent = request({ port: server.port, path: `${path}?${query}`, headers, agent: false })
    sent.on('error', () => undefined).end()
    const [incoming] = (await once(sent, 'response')) as [IncomingMessage]
    t.equal(incoming.statusCode, 200, `${query} is not too much`)
    incoming.destroy()
  }
  await answered(server, true, 2)
  await allIdle(server)
})
