/** The server as a process of its own, on its embedded database. */
import { spawn } from 'node:child_process'
import { chownSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { servesCluster } from '../../src/db/embedded-process.js'
import { createImage, runVitrine, startServer, statusOf, temporaryFolder } from '../helpers/server-process.js'

// Each start takes a second of a core, and cores are shared.
t.setTimeout(240_000)

const isRoot = process.getuid?.() === 0

t.test(
  'a registry from one command: data outlive a stop, a kill, a leftover database and a wrong pid file',
  async t => {
    const env = { VITRINE_DATA_DIR: join(temporaryFolder(t), 'data') }
    const postmaster = join(env.VITRINE_DATA_DIR, 'postgres', 'data', 'postmaster.pid')
    const first = await startServer(t, { env })
    const id = await createImage(first, 'kept')
    t.equal(statSync(join(env.VITRINE_DATA_DIR, 'secret-key')).mode & 0o777, 0o600)
    t.equal(statSync(join(env.VITRINE_DATA_DIR, 'postgres', 'password')).mode & 0o777, 0o600)

    await t.test('a second server on the data directory refuses, a command beside it works', async t => {
      const [second, command] = await Promise.all([
        runVitrine(['serve'], { env: { ...env, VITRINE_PORT: '0' } }),
        runVitrine(['migrate'], { env }),
      ])
      t.equal(second.code, 1)
      t.match(
        second.output,
        `vitrine: Another Vitrine (process ${first.pid}, serve) works on this data directory`,
      )
      t.match(command, { code: 0, output: 'the database is up to date\n' })
      t.equal(await statusOf(first, `/v2/images/${id}`), 200)
    })

    await t.test('SIGTERM ends the database too', async t => {
      t.equal(await first.stop(), 0)
      t.throws(() => statSync(postmaster), { code: 'ENOENT' })
    })

    // PostgreSQL would believe this pid file: the process lives, and as the account that PostgreSQL runs as.
    const { uid, gid } = statSync(join(postmaster, '..'))
    const stranger = spawn('sleep', ['60'], { uid, gid })
    t.teardown(() => stranger.kill())
    const run = join(env.VITRINE_DATA_DIR, 'postgres', 'run')
    const lines = [stranger.pid, join(postmaster, '..'), 1, 5432, run, '', '  1 1', 'ready']
    for (const file of [postmaster, join(run, '.s.PGSQL.5432.lock')]) {
      writeFileSync(file, `${lines.join('\n')}\n`, { mode: 0o600 })
      if (isRoot) chownSync(file, uid, gid)
    }
    const second = await startServer(t, { env })
    t.equal(await statusOf(second, `/v2/images/${id}`), 200, 'a stranger with the pid does no harm')
    t.equal(stranger.exitCode, null, 'nor is any done to the stranger')

    const leftover = Number(readFileSync(postmaster, 'utf8').split('\n')[0])
    await second.stop('SIGKILL')
    t.ok(servesCluster(leftover, join(postmaster, '..')), 'the database outlives a killed server')
    const third = await startServer(t, { env })
    t.equal(await statusOf(third, `/v2/images/${id}`), 200)
    t.notOk(servesCluster(leftover, join(postmaster, '..')), 'the leftover was stopped')
    t.equal(await third.stop(), 0)
  },
)

t.test('of servers that start at once one wins, the others refuse', async t => {
  const env = { VITRINE_DATA_DIR: join(temporaryFolder(t), 'data') }
  const results = await Promise.allSettled([1, 2, 3].map(() => startServer(t, { env })))
  t.equal(results.filter(result => result.status === 'fulfilled').length, 1)
  for (const result of results)
    if (result.status === 'rejected') t.match(result.reason.message, /vitrine: Another Vitrine \(process \d+/)
})
