import type { Socket } from 'node:net'

/** An answer of an FTP server. */
export interface Reply {
  code: number
  /** The last line without its code. It is the server's: neither shown nor logged, as it may repeat what it was told. */
  text: string
}

/** The control connection of FTP (RFC 959): commands go out, replies come in one after the other. */
export interface Control {
  /** Sends a command and gives the reply to it. Rejects when the connection ends. */
  ask(command: string, argument?: string): Promise<Reply>
  /** The next reply, when several come to one command. */
  next(): Promise<Reply>
  /** Takes leave and ends the connection. */
  close(): void
}

/** Bytes of one line, lines of one reply, replies that nobody asked for: more is not FTP, and not kept. */
const MAX_LINE = 4096
const MAX_LINES = 200
const MAX_WAITING = 10

/** Speaks over a connected socket, which it owns from then on. */
export function openControl(socket: Socket): Control {
  const replies: Reply[] = []
  let waiting: { resolve: (reply: Reply) => void; reject: (error: Error) => void } | undefined
  let rest = ''
  /** Code of a reply of several lines that has not ended, and how many came. */
  let open = ''
  let lines = 0

  function take(line: string): void {
    const [, code = '', mark = '', text = ''] = /^([1-5]\d\d)(?:([ -])(.*))?$/.exec(line) ?? []
    if (open === '' && code === '') throw new Error('the server does not speak FTP')
    if (++lines > MAX_LINES) throw new Error('the server never ends its reply')
    if (open === '' && mark === '-') open = code
    if (open !== '' && (code !== open || mark === '-')) return
    open = ''
    lines = 0
    const reply = { code: Number(code), text }
    if (waiting) {
      waiting.resolve(reply)
      waiting = undefined
    } else if (replies.push(reply) > MAX_WAITING) throw new Error('the server answers without being asked')
  }

  socket.setEncoding('latin1')
  socket.on('data', (chunk: string) => {
    try {
      const parts = (rest + chunk).split('\n')
      rest = parts.pop() ?? ''
      for (const part of parts) take(part.replace(/\r$/, ''))
      if (rest.length > MAX_LINE) throw new Error('the server sends lines without an end')
    } catch (error) {
      socket.destroy(error as Error)
    }
  })
  socket.on('error', () => undefined)
  // a server that has said its last word says nothing more
  socket.once('end', () => socket.destroy())
  socket.once('close', () => {
    waiting?.reject(lost())
    waiting = undefined
  })
  const lost = () => socket.errored ?? new Error('the control connection ended')

  const next = () =>
    new Promise<Reply>((resolve, reject) => {
      const reply = replies.shift()
      if (reply) resolve(reply)
      else if (socket.destroyed) reject(lost())
      else waiting = { resolve, reject }
    })
  return {
    next,
    ask(command, argument) {
      const line = argument === undefined ? command : `${command} ${argument}`
      if (/[\r\n\0]/.test(line)) return Promise.reject(new Error('an FTP command can not hold line ends'))
      socket.write(`${line}\r\n`, 'utf8')
      return next()
    },
    close() {
      if (socket.writable) socket.end('QUIT\r\n')
      socket.destroySoon()
    },
  }
}
