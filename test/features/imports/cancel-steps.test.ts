/** Cancelling an import on its way through a file: the step ends, its child process too, and the folder goes. */
import { randomBytes } from 'node:crypto'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import t, { type Test } from 'tap'
import type { Config } from '../../../src/config/schema.js'
import { reap } from '../../../src/data/reap.js'
import { alice, startApp, type TestApp } from '../../helpers/app.js'
import { files, ledger, until } from '../../helpers/left.js'
import { startWorker } from '../../helpers/tasks.js'
import { needs } from '../../helpers/tools.js'
import { serve, webServer } from '../../helpers/web.js'

t.setTimeout(120_000)

const MiB = 2 ** 20

async function importing(t: Test, settings: Partial<Config>, bytes: Buffer) {
  const server = await startApp(t, {
    import_allowed_addresses: ['127.0.0.0/8'],
    import_allowed_ports: [],
    ...settings,
  })
  await startWorker(t, server)
  const web = await webServer(t, serve(bytes))
  const me = server.as(alice)
  const { id } = await me.create()
  await me.post(`/v2/images/${id}/import`, { method: { name: 'web-download', uri: web.url } })
  const staging = join(server.deps.config.data_dir, 'staging')
  return { server, me, id, staging }
}

/** Cancels, and shows that the import ended with all it had. */
async function ends(t: Test, server: TestApp, id: string, staging: string): Promise<void> {
  const me = server.as(alice)
  const began = performance.now()
  t.equal((await me.post(`/v2/images/${id}/actions/cancel`)).status, 204)
  t.match(await me.show(id), { status: 'queued', disk_format: 'raw' })
  await until(() => readdirSync(staging).length === 0, 'the end of the folder')
  t.comment(`all was gone after ${Math.round(performance.now() - began)} ms`)
  await reap(server.deps)
  t.strictSame([files(server), await ledger(server)], [[], []])
  t.equal((await me.upload(id, 'other bytes')).status, 204)
}

const find = (folder: string, name: string) =>
  existsSync(folder) &&
  readdirSync(folder, { recursive: true, encoding: 'utf8' }).some(path => path.endsWith(name))

t.test('unpacking', async t => {
  const { server, id, staging } = await importing(
    t,
    { import_decompress: true },
    gzipSync(Buffer.alloc(512 * MiB), { level: 1 }),
  )
  await until(() => find(staging, 'decompressed'), 'the unpacking')
  t.match((await server.as(alice).get(`/v2/images/${id}/progress`)).json, {
    phase: 'importing',
    bytes_total: null,
  })
  await ends(t, server, id, staging)
})

/** Processes of qemu-img that convert something in a folder. */
const converting = (folder: string) =>
  readdirSync('/proc').filter(pid => {
    if (!/^\d+$/.test(pid)) return false
    try {
      const command = readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0')
      return (
        command[0]?.endsWith('qemu-img') && command[1] === 'convert' && command.at(-2)?.startsWith(folder)
      )
    } catch {
      return false
    }
  })

t.test('converting', { skip: needs('qemu-img') }, async t => {
  const { server, id, staging } = await importing(t, { import_convert_to: 'qcow2' }, randomBytes(128 * MiB))
  const pid = await new Promise<number>(resolve => {
    const timer = setInterval(() => {
      const [found] = converting(staging)
      if (found === undefined) return
      clearInterval(timer)
      // held, so that it can't end before it is told to
      process.kill(Number(found), 'SIGSTOP')
      resolve(Number(found))
    }, 2)
    t.teardown(() => clearInterval(timer))
  })
  t.ok(pid > 0, 'qemu-img was at work')
  await ends(t, server, id, staging)
  await until(() => converting(staging).length === 0, 'the end of qemu-img')
})
