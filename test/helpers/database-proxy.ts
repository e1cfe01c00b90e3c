import { type AddressInfo, connect, createServer, type Socket } from 'node:net'
import type { Teardown } from './database.js'

export interface DatabaseProxy {
  /** The database, through the proxy. */
  url: string
  /** The next statement with this text reaches the database; its answer does not come back, the connection breaks. */
  loseAnswerTo(text: string): void
  /** Whether connections are let through; false breaks those that are open. */
  open(yes: boolean): void
}

/** A wire to a real PostgreSQL that can be cut at a chosen place. */
export async function databaseProxy(t: Teardown, databaseUrl: string): Promise<DatabaseProxy> {
  const url = new URL(databaseUrl)
  const folder = url.searchParams.get('host')
  const port = Number(url.port || 5432)
  const target = folder?.startsWith('/')
    ? { path: `${folder}/.s.PGSQL.${port}` }
    : { host: folder ?? url.hostname, port }
  let fatal: string | undefined
  let isOpen = true
  const sockets = new Set<Socket>()
  const server = createServer(client => {
    if (!isOpen) return void client.destroy()
    const upstream = connect(target)
    let cut = false
    const end = () => {
      client.destroy()
      upstream.destroy()
    }
    for (const socket of [client, upstream]) {
      sockets.add(socket)
      socket.on('error', end).on('close', () => {
        sockets.delete(socket)
        end()
      })
    }
    client.on('data', chunk => {
      if (fatal !== undefined && chunk.includes(fatal)) {
        fatal = undefined
        cut = true
      }
      upstream.write(chunk)
    })
    upstream.on('data', chunk => (cut ? end() : client.write(chunk)))
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  t.teardown(() => {
    for (const socket of sockets) socket.destroy()
    server.close()
  })
  url.searchParams.delete('host')
  url.hostname = '127.0.0.1'
  url.port = String((server.address() as AddressInfo).port)
  return {
    url: url.href,
    loseAnswerTo(text) {
      fatal = text
    },
    open(yes) {
      isOpen = yes
      if (!yes) for (const socket of sockets) socket.destroy()
    },
  }
}
