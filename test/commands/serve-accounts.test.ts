/** Who runs the embedded database, and where it goes when that account can't reach the data directory. */
import { chmodSync, chownSync, lstatSync, mkdirSync, realpathSync, rmSync, statSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { createImage, startServer, statusOf, temporaryFolder } from '../helpers/server-process.js'

// Each start takes a second of a core, and cores are shared.
t.setTimeout(240_000)

const isRoot = process.getuid?.() === 0

t.test(
  'started by root below a folder that only root may enter',
  { skip: !isRoot && 'needs root' },
  async t => {
    const folder = temporaryFolder(t)
    chmodSync(folder, 0o700)
    const env = { VITRINE_DATA_DIR: join(folder, 'data') }
    const server = await startServer(t, { env })
    const link = join(env.VITRINE_DATA_DIR, 'postgres')
    t.ok(lstatSync(link).isSymbolicLink())
    const base = realpathSync(link)
    t.teardown(() => rmSync(base, { recursive: true, force: true }))
    t.not(statSync(join(base, 'data')).uid, 0, 'PostgreSQL has an account without rights')
    const id = await createImage(server, 'kept')
    t.equal(await server.stop(), 0)
    const again = await startServer(t, { env })
    t.equal(await statusOf(again, `/v2/images/${id}`), 200)
    t.equal(await again.stop(), 0)
  },
)

t.test(
  'started by an ordinary user, in a folder with a long name',
  { skip: !isRoot && 'needs root' },
  async t => {
    const uid = 65534
    const folder = join(temporaryFolder(t), 'x'.repeat(120))
    mkdirSync(folder)
    chownSync(folder, uid, uid)
    const env = { VITRINE_DATA_DIR: join(folder, 'data'), XDG_RUNTIME_DIR: '' }
    const server = await startServer(t, { env, uid })
    t.equal(statSync(join(env.VITRINE_DATA_DIR, 'postgres', 'data')).uid, uid)
    const id = await createImage(server, 'mine')
    t.equal(await server.stop(), 0)
    const byRoot = await startServer(t, { env })
    t.equal(await statusOf(byRoot, `/v2/images/${id}`), 200, 'root takes over what is there')
    t.equal(await byRoot.stop(), 0)
  },
)
