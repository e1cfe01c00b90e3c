import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { type AddressInfo, createServer, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import type { Teardown } from './database.js'

const python = fileURLToPath(new URL('../../../.cache/ftp-server/bin/python', import.meta.url))
const script = fileURLToPath(new URL('../../../test/helpers/ftp-server.py', import.meta.url))

/** Why a test that needs an FTP server is skipped, or false. Throws when VITRINE_TEST_REQUIRE_FTP wants one. */
export const noFtpServer: string | false = existsSync(
  fileURLToPath(new URL('../../../.cache/ftp-server/ready.txt', import.meta.url)),
)
  ? false
  : 'no FTP server: run scripts/get-ftp-server'
if (noFtpServer && process.env.VITRINE_TEST_REQUIRE_FTP === '1') throw new Error(noFtpServer)

/** What the server says of itself while it runs. */
export type FtpEvent =
  | { event: 'port'; port: number }
  | { event: 'command'; command: string; argument: string }
  | { event: 'cut'; sent: number }
  | { event: 'disconnect' }

/** What goes wrong; see ftp-server.py. */
export interface FtpTroubles {
  cut_after?: number
  cuts?: number
  touch?: string
  speed?: number
  no_epsv?: boolean
  no_mdtm?: boolean
  pasv_address?: string
}

export interface FtpServer {
  port: number
  /** Everything it told, in order. */
  events: FtpEvent[]
  /** Commands as they came, without their arguments. */
  commands(): string[]
  /** Resolves when something of a kind has been told. */
  seen(kind: FtpEvent['event']): Promise<void>
}

/** A real FTP server (pyftpdlib) that gives files to anonymous and to users, ended at the test's end. */
export async function ftpServer(
  t: Teardown,
  files: Record<string, Uint8Array>,
  { users = {}, ...troubles }: FtpTroubles & { users?: Record<string, string> } = {},
): Promise<FtpServer> {
  const root = mkdtempSync(join(tmpdir(), 'vitrine-ftp-'))
  for (const [name, bytes] of Object.entries(files)) writeFileSync(join(root, name), bytes)
  const child = spawn(python, [script, JSON.stringify({ root, users, ...troubles })], {
    stdio: ['pipe', 'pipe', 'inherit'],
  })
  const exited = once(child, 'exit')
  t.teardown(async () => {
    child.stdin.end()
    await exited
    rmSync(root, { recursive: true, force: true })
  })
  const events: FtpEvent[] = []
  const waiting: { kind: FtpEvent['event']; resolve: () => void }[] = []
  createInterface(child.stdout).on('line', line => {
    const event = JSON.parse(line) as FtpEvent
    events.push(event)
    for (const { kind, resolve } of waiting) if (kind === event.event) resolve()
  })
  const seen = (kind: FtpEvent['event']) =>
    new Promise<void>((resolve, reject) => {
      if (events.some(({ event }) => event === kind)) return resolve()
      waiting.push({ kind, resolve })
      child.once('exit', () => reject(new Error('the FTP server ended')))
    })
  await seen('port')
  const [first] = events
  return {
    port: first?.event === 'port' ? first.port : 0,
    events,
    commands: () => events.flatMap(event => (event.event === 'command' ? [event.command] : [])),
    seen,
  }
}

/** A server that answers as it likes: what it says to each command, and to the connection (`hello`). */
export async function hostileServer(
  t: Teardown,
  answer: (command: string, socket: Socket) => string | undefined,
): Promise<{ port: number; commands: string[]; sockets: Socket[] }> {
  const commands: string[] = []
  const sockets: Socket[] = []
  const server = createServer(socket => {
    sockets.push(socket)
    socket.on('error', () => undefined).setEncoding('utf8')
    const say = (line: string | undefined) => line !== undefined && socket.write(line)
    say(answer('hello', socket))
    let rest = ''
    socket.on('data', (chunk: string) => {
      const lines = (rest + chunk).split('\r\n')
      rest = lines.pop() ?? ''
      for (const line of lines) {
        commands.push(line)
        say(answer(line, socket))
      }
    })
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  t.teardown(() => {
    for (const socket of sockets) socket.destroy()
    server.close()
  })
  return { port: (server.address() as AddressInfo).port, commands, sockets }
}
