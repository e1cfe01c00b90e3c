import { connect, type Socket } from 'node:net'
import { finished, Readable } from 'node:stream'
import { BadRequest, HttpError, Unavailable } from '../errors.js'
import { type Control, openControl, type Reply } from './ftp-control.js'
import { type FtpPlace, readFtpUrl } from './ftp-url.js'
import { checkUri, type Rules } from './guard.js'
import { unreachable } from './http.js'
import { type Checked, resolveChecked } from './resolve.js'
import { Broken, type Connection, changed } from './resumable.js'

/** Milliseconds for an address to take the connection and greet, and for all that is said before the first byte. */
const GREETING = 15_000
const DIALOGUE = 60_000

/** Addresses of one name that are tried. */
const MAX_ADDRESSES = 4

export interface FtpStart {
  /** First byte that is wanted. */
  from?: number
  /** What the file was when an earlier connection read it. */
  identity?: string | undefined
  /** Ends the connection at once, also after it was made. */
  signal: AbortSignal
}

/**
 * Makes a connection that gives a file's bytes from an offset on, in passive mode. The data connection goes to the
 * address that was checked for the control connection, whatever the server names. Until the server has greeted there
 * is one sentence for every failure, so that nobody scans ports by it.
 */
export async function connectFtp(
  rules: Rules,
  uri: string,
  { from = 0, identity, signal }: FtpStart,
): Promise<Connection> {
  const url = checkUri(rules, uri)
  const place = readFtpUrl(url)
  if (!place) throw new BadRequest('The ftp URL names no file.')
  const addresses = await resolveChecked(rules, url.hostname, signal)
  const greeted = await greet(addresses ?? [], Number(url.port || 21), signal)
  const { control, address, socket } = greeted
  const over = new AbortController()
  const either = AbortSignal.any([signal, over.signal])
  const late = setTimeout(
    () => over.abort(new Broken('The FTP server takes too long to answer.', { code: 'source_cut' })),
    DIALOGUE,
  )
  try {
    endWith(socket, over.signal)
    await login(control, place)
    const facts = await describe(control, place.path)
    if (identity !== undefined && facts.identity !== identity) throw changed()
    const data = await dial(address, await passivePort(control), either)
    try {
      if (from > 0) await insist(control.ask('REST', String(from)), 300, 'can not resume a transfer')
      await insist(control.ask('RETR', place.path), 100, 'does not give the file')
    } catch (error) {
      data.destroy()
      throw error
    }
    return { stream: bytesOf(control, data), ...facts }
  } catch (cause) {
    control.close()
    signal.throwIfAborted()
    if (cause instanceof HttpError) throw cause
    throw new Broken('The FTP server ended the connection.', { cause, code: 'source_cut' })
  } finally {
    clearTimeout(late)
  }
}

/** The first of the addresses where an FTP server greets. */
async function greet(
  addresses: readonly Checked[],
  port: number,
  signal: AbortSignal,
): Promise<{ control: Control; address: Checked; socket: Socket }> {
  let cause: unknown
  for (const address of addresses.slice(0, MAX_ADDRESSES)) {
    let socket: Socket | undefined
    try {
      socket = await dial(address, port, signal)
      const control = openControl(socket)
      const { code } = await within(socket, control.next())
      if (code === 220) return { control, address, socket }
      cause = new Error(`greeted with ${code}`)
    } catch (error) {
      cause = error
    }
    socket?.destroy()
    signal.throwIfAborted()
  }
  throw unreachable(cause)
}

/** A connection to a checked address. The signal ends it, also later. */
function dial({ address, family }: Checked, port: number, signal: AbortSignal): Promise<Socket> {
  // routers forget connections that say nothing, as the control connection does while bytes come over the other one
  const socket = connect({ host: address, family, port, keepAlive: true, keepAliveInitialDelay: 60_000 })
  endWith(socket, signal)
  const connected = new Promise<Socket>((resolve, reject) => {
    socket.once('error', reject)
    socket.once('connect', () => resolve(socket))
  })
  // its errors are seen by whoever reads it
  socket.on('error', () => undefined)
  return within(socket, connected)
}

/** Gives a socket's answer, or ends the socket when none comes. */
async function within<T>(socket: Socket, answer: Promise<T>): Promise<T> {
  const timer = setTimeout(() => socket.destroy(new Error('timed out')), GREETING)
  try {
    return await answer
  } finally {
    clearTimeout(timer)
  }
}

/** Destroys a socket with the signal's reason. */
function endWith(socket: Socket, signal: AbortSignal): void {
  const end = () => void socket.destroy(signal.reason)
  if (signal.aborted) end()
  else signal.addEventListener('abort', end)
  socket.once('close', () => signal.removeEventListener('abort', end))
}

async function login(control: Control, { user, password }: FtpPlace): Promise<void> {
  const refusal = 'refuses the login'
  const asked = await control.ask('USER', user)
  if (asked.code === 331) await insist(control.ask('PASS', password), 200, refusal)
  else hold(asked, 200, refusal)
  await insist(control.ask('TYPE', 'I'), 200, 'does not send files as they are')
}

/** Size and identity of a file, as far as the server tells them (RFC 3659). */
async function describe(
  control: Control,
  path: string,
): Promise<{ size: number | undefined; identity: string | undefined }> {
  const told = await control.ask('SIZE', path)
  const size = told.code === 213 && /^\d{1,15}$/.test(told.text.trim()) ? Number(told.text) : undefined
  const { code, text } = await control.ask('MDTM', path)
  const known = size !== undefined && code === 213 && /^\d{14}/.test(text)
  return { size, identity: known ? `${size} ${text.trim()}` : undefined }
}

/** The port where the server waits for the data connection: by EPSV (RFC 2428), else by PASV, whose address is not read. */
async function passivePort(control: Control): Promise<number> {
  const extended = await control.ask('EPSV')
  const [, , port] = /\(([!-~])\1\1(\d{1,5})\1\)/.exec(extended.code === 229 ? extended.text : '') ?? []
  if (port !== undefined) return checkPort(Number(port))
  const { code, text } = await control.ask('PASV')
  const [, high, low] = /(?:\d{1,3},){4}(\d{1,3}),(\d{1,3})/.exec(code === 227 ? text : '') ?? []
  return checkPort(Number(high) * 256 + Number(low))
}

function checkPort(port: number): number {
  if (port >= 1 && port <= 65_535) return port
  throw new Unavailable('The FTP server offers no passive data connection.', { code: 'source_refused' })
}

/** Waits for a reply of a kind: 100, 200 or 300. */
async function insist(reply: Promise<Reply>, kind: number, refusal: string): Promise<void> {
  hold(await reply, kind, refusal)
}

/** Throws unless a reply is of a kind: Broken for what the server calls a passing trouble, else Unavailable. */
function hold({ code }: Reply, kind: number, refusal: string): void {
  if (code >= kind && code < kind + 100) return
  const sentence = `The FTP server ${refusal} (${code}).`
  if (code >= 400 && code < 500) throw new Broken(sentence, { code: 'source_cut' })
  throw new Unavailable(sentence, { code: 'source_refused' })
}

/** What comes over the data connection. It ends well when the server says that it has sent everything. */
function bytesOf(control: Control, data: Socket): Readable {
  const stream = new Readable({
    highWaterMark: 2 ** 18,
    read: () => void data.resume(),
    destroy(error, done) {
      data.destroy()
      control.close()
      done(error)
    },
  })
  data.on('data', chunk => {
    if (!stream.push(chunk)) data.pause()
  })
  finished(data, { writable: false }, async error => {
    try {
      if (error) throw error
      let reply = await control.next()
      while (reply.code < 200) reply = await control.next()
      hold(reply, 200, 'could not send the whole file')
      stream.push(null)
    } catch (error) {
      stream.destroy(error as Error)
    }
  })
  return stream
}
