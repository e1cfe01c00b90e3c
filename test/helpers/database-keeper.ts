/**
 * Keeps one embedded PostgreSQL for all test processes of a run: started by the first that needs it, it gives the
 * server's URL to whoever connects to its socket (argument 1), and stops, leaving nothing, five seconds after the
 * last of them has gone.
 */
import { chmodSync, mkdtempSync, rmSync } from 'node:fs'
import { connect, createServer, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type EmbeddedDatabase, startEmbedded } from '../../src/db/embedded.js'

const socketPath = process.argv[2]!
const dataDir = mkdtempSync(join(tmpdir(), 'vitrine-test-'))
chmodSync(dataDir, 0o755) // so that PostgreSQL's account reaches it and it stays where it is
const users = new Set<Socket>()
const quiet = { debug() {}, info() {}, warn() {}, error: console.error }
let idle: NodeJS.Timeout | undefined
let started: Promise<EmbeddedDatabase> | undefined

const server = createServer(async socket => {
  clearTimeout(idle)
  users.add(socket)
  socket.on('error', () => {})
  socket.resume().on('close', () => {
    users.delete(socket)
    if (users.size === 0) idle = setTimeout(stop, 5000)
  })
  started ??= startEmbedded(dataDir, {
    log: quiet,
    purpose: 'test',
    connections: 300,
    settings: { fsync: 'off', synchronous_commit: 'off', full_page_writes: 'off' },
  })
  try {
    socket.write(`${JSON.stringify({ url: (await started).url })}\n`)
  } catch (err) {
    socket.end(`${JSON.stringify({ error: (err as Error).message })}\n`)
  }
})

async function stop(): Promise<void> {
  server.close()
  await (await started?.catch(() => undefined))?.close()
  rmSync(dataDir, { recursive: true, force: true })
  process.exit()
}

/** Another keeper was faster; or one was killed, and only its socket's name is left. */
server.on('error', () => {
  const other = connect(socketPath)
  const leave = () => {
    rmSync(dataDir, { recursive: true })
    process.exit()
  }
  other.on('connect', leave)
  other.on('error', () => {
    rmSync(socketPath, { force: true })
    server.removeAllListeners('error').on('error', leave).listen(socketPath)
  })
})
for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const) process.on(signal, () => void stop())
idle = setTimeout(stop, 10_000)
server.listen(socketPath)
