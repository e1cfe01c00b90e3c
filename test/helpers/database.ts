import { spawn } from 'node:child_process'
import { createHash, randomBytes } from 'node:crypto'
import { readdirSync, readFileSync } from 'node:fs'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import pg from 'pg'
import { type Database, openDatabase, openPool } from '../../src/db/connect.js'
import { migrate } from '../../src/db/migrate.js'

/** The part of a tap test that helpers need. */
export interface Teardown {
  teardown(fn: () => unknown): void
}

export interface TestDatabase {
  url: string
  pool: pg.Pool
  db: Database
}

/**
 * A migrated, empty database of the test's own on a real PostgreSQL, dropped at the test's end. The server is
 * VITRINE_TEST_DATABASE_URL, where that is set (its role must be able to create databases), else an embedded one
 * which all test files of a run share.
 */
export async function testDatabase(t: Teardown): Promise<TestDatabase> {
  const { url, drop } = await createTestDatabase()
  const pool = openPool(url, { applicationName: 'vitrine test' })
  const db = openDatabase(pool)
  t.teardown(async () => {
    await db.destroy()
    await drop()
  })
  return { url, pool, db }
}

/** The same without a connection: for what opens its own. `empty` leaves the migrations out. */
export async function createTestDatabase(
  options: { empty?: boolean } = {},
): Promise<{ url: string; drop: () => Promise<void> }> {
  const server = await serverUrl()
  const template = options.empty ? 'template0' : await ensureTemplate(server)
  const name = `vitrine_test_${randomBytes(6).toString('hex')}`
  await admin(server, client => client.query(`create database ${name} template ${template}`))
  return {
    url: onDatabase(server, name),
    drop: () => admin(server, client => client.query(`drop database if exists ${name} with (force)`)),
  }
}

let server: Promise<string> | undefined

function serverUrl(): Promise<string> {
  server ??= process.env.VITRINE_TEST_DATABASE_URL
    ? Promise.resolve(process.env.VITRINE_TEST_DATABASE_URL)
    : embeddedUrl()
  return server
}

/** Asks the keeper of this checkout's shared server for it, and starts the keeper if there is none. */
async function embeddedUrl(): Promise<string> {
  const keeper = fileURLToPath(new URL('./database-keeper.js', import.meta.url))
  const name = createHash('sha256').update(`${keeper} ${process.getuid?.()}`).digest('hex').slice(0, 16)
  const socketPath = join(tmpdir(), `vitrine-test-${name}.sock`)
  for (let attempt = 0; attempt < 300; attempt++) {
    const answer = await ask(socketPath)
    if (answer?.error) throw new Error(`the tests' database does not start: ${answer.error}`)
    if (answer?.url) return answer.url
    // Again after a while: a keeper that was just stopping may have been in the way.
    if (attempt % 50 === 0)
      spawn(process.execPath, [keeper, socketPath], { detached: true, stdio: 'ignore' }).unref()
    await sleep(100)
  }
  throw new Error('the tests have no database: its keeper does not answer')
}

/** The connection stays open, which tells the keeper that this process is there, but does not keep it there. */
function ask(socketPath: string): Promise<{ url?: string; error?: string } | undefined> {
  return new Promise(resolve => {
    const socket = connect(socketPath).setEncoding('utf8')
    let text = ''
    socket.on('data', (chunk: string) => {
      text += chunk
      if (!text.endsWith('\n')) return
      socket.unref()
      resolve(JSON.parse(text))
    })
    socket.on('error', () => resolve(undefined))
    socket.on('close', () => resolve(undefined))
  })
}

/** Migrates once for all test files; the name follows the migrations, so that a change of them makes a new one. */
async function ensureTemplate(server: string): Promise<string> {
  const folder = new URL('../../../migrations/', import.meta.url)
  const hash = createHash('sha256')
  for (const file of readdirSync(folder).sort()) hash.update(file).update(readFileSync(new URL(file, folder)))
  const name = `vitrine_template_${hash.digest('hex').slice(0, 16)}`
  await admin(server, async client => {
    await client.query('select pg_advisory_lock(7001)') // until this connection ends
    const { rows } = await client.query(
      'select datistemplate as complete from pg_database where datname = $1',
      [name],
    )
    if (rows[0]?.complete) return
    await client.query(`drop database if exists ${name} with (force)`)
    await client.query(`create database ${name} template template0`)
    await migrate(onDatabase(server, name))
    await client.query(`alter database ${name} is_template true`)
  })
  return name
}

async function admin(server: string, work: (client: pg.Client) => Promise<unknown>): Promise<void> {
  const client = new pg.Client(server)
  await client.connect()
  try {
    await work(client)
  } finally {
    await client.end()
  }
}

function onDatabase(server: string, name: string): string {
  const url = new URL(server)
  url.pathname = `/${name}`
  return url.href
}
