import { type ChildProcess, fork } from 'node:child_process'
import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { createServer } from 'node:http'
import { type AddressInfo, connect } from 'node:net'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { openStores, parseStores } from '../src/stores/index.js'
import { openHashPool } from '../src/streams/hash.js'
import { ingest } from '../src/streams/ingest-ring.js'

/**
 * How fast bytes come in: HTTP, digests, store. Each variant is a server process of its own; rounds go through all of
 * them in turn, so that a busy moment of the machine hits every one. Prints medians; checks digests, but no times.
 *
 *   npm run bench:ingest -- [--size MiB] [--rounds N] [--clients 1,4] [--dir FOLDER | --store URL] [--variants a,b]
 */

const MiB = 2 ** 20
const self = fileURLToPath(import.meta.url)
const { values: options } = parseArgs({
  options: {
    size: { type: 'string', default: '1024' },
    rounds: { type: 'string', default: '3' },
    clients: { type: 'string', default: '1,4' },
    dir: { type: 'string', default: '' },
    store: { type: 'string', default: '' },
    variants: { type: 'string', default: '' },
    role: { type: 'string', default: '' },
    variant: { type: 'string', default: '' },
    port: { type: 'string', default: '0' },
    length: { type: 'string', default: 'known' },
  },
})

interface Variant {
  /** Digests to compute. */
  algorithms?: string[]
  /** Whether bytes go to the store, or nowhere. */
  write?: boolean
  /** Only receives, the least that a server can do. */
  discard?: boolean
  ring?: { blockSize: number; blocks: number }
}

const variants: Record<string, Variant> = {
  default: {},
  '256K x 8': { ring: { blockSize: MiB / 4, blocks: 8 } },
  '512K x 8': { ring: { blockSize: MiB / 2, blocks: 8 } },
  '1M x 8': { ring: { blockSize: MiB, blocks: 8 } },
  '2M x 4': { ring: { blockSize: 2 * MiB, blocks: 4 } },
  'no store': { write: false },
  'no digests': { algorithms: [] },
  discard: { discard: true, algorithms: [] },
  'ring alone': { algorithms: [], write: false },
}

const known = new Map<string, string>()
process.on('disconnect', () => process.exit())

if (options.role === 'serve') await serve(variants[options.variant]!)
else if (options.role === 'send') await send()
else await compare()

/** A server that takes bodies in; tells its port, and its use of the processor whenever it is asked. */
async function serve({
  algorithms = ['md5', 'sha512'],
  write = true,
  discard,
  ring,
}: Variant): Promise<void> {
  const stores = await openStores(parseStores([`bench=${options.store || `file:${options.dir}`}`], '/'), null)
  await stores.check()
  const store = stores.get('bench')
  const hashes = openHashPool()
  let count = 0
  const server = createServer(async (request, response) => {
    const key = `object-${process.pid}-${++count}`
    if (discard) {
      request.resume().on('end', () => response.end('{}'))
      return
    }
    const length = request.headers['content-length']
    try {
      const writer = write
        ? await store.write(key, length === undefined ? {} : { size: Number(length) })
        : { write: async () => {}, commit: async () => {} }
      const { digests } = await ingest(request, { writer, hashes, algorithms }, { ring })
      await writer.commit()
      response.end(JSON.stringify(digests))
      await store.remove(key)
    } catch (err) {
      response.writeHead(500).end(String(err))
    }
  })
  server.listen(0, '127.0.0.1', () => process.send!((server.address() as AddressInfo).port))
  process.on('message', () => process.send!(process.cpuUsage()))
}

/** Sends bytes over a plain socket, as fast as they are taken. */
async function send(): Promise<void> {
  const block = body()
  const size = Number(options.size) * MiB
  const socket = connect(Number(options.port), '127.0.0.1')
  await once(socket, 'connect')
  let answer = ''
  socket.on('data', data => {
    answer += data
  })
  const known = options.length === 'known'
  socket.write(
    `PUT / HTTP/1.1\r\nHost: bench\r\nConnection: close\r\n${known ? `Content-Length: ${size}` : 'Transfer-Encoding: chunked'}\r\n\r\n`,
  )
  for (let at = 0; at < size; at += block.length) {
    if (!known) socket.write(`${block.length.toString(16)}\r\n`)
    if (!socket.write(block)) await once(socket, 'drain')
    if (!known) socket.write('\r\n')
  }
  if (!known) socket.write('0\r\n\r\n')
  await once(socket, 'close')
  process.send!(answer.slice(answer.indexOf('{'), answer.lastIndexOf('}') + 1), () => process.exit())
}

/** The same bytes in every run, without a pattern. */
function body(): Buffer {
  const block = Buffer.alloc(MiB)
  let seed = Buffer.from('vitrine')
  for (let at = 0; at < MiB; at += 64) {
    seed = createHash('sha512').update(seed).digest()
    seed.copy(block, at)
  }
  return block
}

async function compare(): Promise<void> {
  const made = options.dir || options.store ? '' : await mkdtemp(path.join(tmpdir(), 'vitrine-bench-'))
  const names = options.variants ? options.variants.split(',') : ['default']
  const servers = new Map<string, { child: ChildProcess; port: number }>()
  for (const name of names) {
    const child = start([
      '--role',
      'serve',
      '--variant',
      name,
      '--store',
      options.store,
      '--dir',
      options.dir || made,
    ])
    const [port] = (await once(child, 'message')) as [number]
    servers.set(name, { child, port })
  }
  const runs = new Map<string, { speed: number; cpu: number }[]>()
  for (let round = 0; round < Number(options.rounds); round++) {
    for (const clients of options.clients.split(',').map(Number)) {
      for (const [name, { child, port }] of servers) {
        const size = Math.floor(Number(options.size) / clients)
        for (const algorithm of variants[name]!.algorithms ?? ['md5', 'sha512']) expected(algorithm, size)
        const before = await usage(child)
        const began = performance.now()
        await Promise.all(Array.from({ length: clients }, () => transfer(port, size, variants[name]!)))
        const seconds = (performance.now() - began) / 1000
        const cpu = (await usage(child)) - before
        const row = `${name}, ${clients} client${clients > 1 ? 's' : ''}`
        const all = runs.get(row) ?? []
        all.push({ speed: (size * clients * MiB) / seconds / 1e6, cpu: (cpu / (size * clients)) * 1024 })
        runs.set(row, all)
      }
    }
  }
  for (const [row, all] of runs) {
    const peak = peakOf(servers.get(row.slice(0, row.lastIndexOf(', ')))!.child)
    console.log(
      `${row.padEnd(30)} ${median(all.map(run => run.speed))
        .toFixed(0)
        .padStart(5)} MB/s  ${median(all.map(run => run.cpu)).toFixed(2)} CPU s per GiB  peak ${peak} MiB`,
    )
  }
  for (const { child } of servers.values()) child.kill()
  if (made) await rm(made, { recursive: true, force: true })
}

async function transfer(
  port: number,
  size: number,
  { algorithms = ['md5', 'sha512'] }: Variant,
): Promise<void> {
  const child = start([
    '--role',
    'send',
    '--port',
    String(port),
    '--size',
    String(size),
    '--length',
    options.length,
  ])
  const [answer] = (await once(child, 'message')) as [string]
  const digests = JSON.parse(answer) as Record<string, string>
  for (const name of algorithms) {
    if (digests[name] !== expected(name, size)) throw new Error(`Wrong ${name}: ${answer}`)
  }
}

function expected(algorithm: string, size: number): string {
  const id = `${algorithm} ${size}`
  const found = known.get(id)
  if (found) return found
  const hash = createHash(algorithm)
  const block = body()
  for (let i = 0; i < size; i++) hash.update(block)
  const digest = hash.digest('hex')
  known.set(id, digest)
  return digest
}

function start(args: string[]): ChildProcess {
  return fork(self, args)
}

async function usage(child: ChildProcess): Promise<number> {
  child.send('usage')
  const [{ user, system }] = (await once(child, 'message')) as [NodeJS.CpuUsage]
  return (user + system) / 1e6
}

function peakOf(child: ChildProcess): string {
  try {
    const kilobytes = /VmHWM:\s+(\d+)/.exec(readFileSync(`/proc/${child.pid}/status`, 'utf8'))?.[1]
    return (Number(kilobytes) / 1024).toFixed(0)
  } catch {
    return '?'
  }
}

function median(values: number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)]!
}
