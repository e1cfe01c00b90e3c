/** Bytes from FTP servers: a real one for everything but replies that no decent server would give. */
import { randomBytes } from 'node:crypto'
import { type AddressInfo, createServer } from 'node:net'
import { buffer } from 'node:stream/consumers'
import t from 'tap'
import { loadConfig } from '../../src/config/load.js'
import { type FetchOptions, fetchUri } from '../../src/fetch/index.js'
import { ftpServer, hostileServer, noFtpServer } from '../helpers/ftp.js'

t.setTimeout(120_000)
const rules = {
  ...loadConfig({ VITRINE_DATA_DIR: '/nowhere' }),
  import_allowed_ports: [],
  import_allowed_addresses: ['127.0.0.0/8'],
}
const bytes = randomBytes(5_000_001)
const files = { 'disk.raw': bytes }
const skip = noFtpServer

async function get(uri: string, options: FetchOptions = {}): Promise<Buffer> {
  const { stream } = await fetchUri(rules, uri, { pause: 1, ...options })
  return buffer(stream)
}

t.test('a file comes as it is, by EPSV, with its size said before', { skip }, async t => {
  const server = await ftpServer(t, { ...files, empty: Buffer.alloc(0), 'a b?c': Buffer.from('named') })
  const { stream, size } = await fetchUri(rules, `ftp://127.0.0.1:${server.port}/disk.raw`)
  t.equal(size, bytes.length)
  t.ok((await buffer(stream)).equals(bytes))
  t.strictSame(server.commands().slice(0, 7), ['USER', 'PASS', 'TYPE', 'SIZE', 'MDTM', 'EPSV', 'RETR'])
  t.equal((await get(`ftp://127.0.0.1:${server.port}/empty`)).length, 0)
  t.equal((await get(`ftp://127.0.0.1:${server.port}/a%20b?c;type=i`)).toString(), 'named')
  t.equal((await get(`ftp://127.0.0.1:${server.port}/%2Fa%20b%3Fc`)).toString(), 'named', 'absolute')
})

t.test('user and password are decoded; wrong ones and missing files are told apart', { skip }, async t => {
  const server = await ftpServer(t, files, { users: { 'b@b': 'p/ä:#%' } })
  const at = `127.0.0.1:${server.port}`
  t.ok((await get(`ftp://b%40b:p%2F%C3%A4%3A%23%25@${at}/disk.raw`)).equals(bytes))
  await t.rejects(get(`ftp://b%40b:wrong-pw@${at}/disk.raw`), {
    message: 'The FTP server refuses the login (530).',
    code: 'source_refused',
  })
  await t.rejects(get(`ftp://${at}/missing`), {
    message: 'The FTP server does not give the file (550).',
    code: 'source_refused',
  })
})

t.test('a transfer that is cut goes on where it ended', { skip }, async t => {
  const server = await ftpServer(t, files, { cut_after: 1_000_000, cuts: 3 })
  t.ok((await get(`ftp://127.0.0.1:${server.port}/disk.raw`)).equals(bytes))
  const offsets = server.events.flatMap(one =>
    one.event === 'command' && one.command === 'REST' ? [Number(one.argument)] : [],
  )
  t.equal(offsets.length, 3)
  t.ok(offsets[0]! > 0 && offsets[1]! > offsets[0]! && offsets[2]! > offsets[1]!, String(offsets))
  t.equal(server.commands().filter(command => command === 'RETR').length, 4)
})

t.test('it goes on a few times only, and not with another file', { skip }, async t => {
  const cutting = await ftpServer(t, files, { cut_after: 1000, cuts: 1000 })
  await t.rejects(get(`ftp://127.0.0.1:${cutting.port}/disk.raw`), { code: 'source_cut' })
  t.equal(cutting.commands().filter(command => command === 'RETR').length, 6)
  const changing = await ftpServer(t, files, { cut_after: 1_000_000, touch: 'disk.raw' })
  await t.rejects(get(`ftp://127.0.0.1:${changing.port}/disk.raw`), {
    message: 'The source changed while it was read.',
  })
  const silent = await ftpServer(t, files, { cut_after: 1_000_000, no_mdtm: true })
  await t.rejects(get(`ftp://127.0.0.1:${silent.port}/disk.raw`), { code: 'source_cut' })
  t.notOk(silent.commands().includes('REST'), 'without MDTM nothing tells that it is the same')
})

t.test('PASV is asked for where EPSV is not known, and its address is not believed', { skip }, async t => {
  const server = await ftpServer(t, files, { no_epsv: true, pasv_address: '192.0.2.1' })
  t.ok((await get(`ftp://127.0.0.1:${server.port}/disk.raw`)).equals(bytes))
  t.match(server.commands().join(), /EPSV,PASV,RETR/)
})

t.test('a slow transfer ends at once when its signal does, and so does its server', { skip }, async t => {
  const server = await ftpServer(t, files, { speed: 20_000 })
  const cancel = new AbortController()
  const { stream } = await fetchUri(rules, `ftp://127.0.0.1:${server.port}/disk.raw`, {
    signal: cancel.signal,
  })
  const ended = t.rejects(buffer(stream), { message: 'not wanted any more' })
  stream.once('data', () => cancel.abort(new Error('not wanted any more')))
  await ended
  await server.seen('disconnect')
})

t.test('what is not read is not fetched: a reader that waits holds the server back', { skip }, async t => {
  const big = Buffer.alloc(64 * 2 ** 20, 7)
  const server = await ftpServer(t, { big })
  const { stream } = await fetchUri(rules, `ftp://127.0.0.1:${server.port}/big`, { idle: 300 })
  await new Promise(resolve => stream.once('readable', resolve))
  // longer than a source may be silent, which a waiting reader is not blamed on
  await new Promise(resolve => setTimeout(resolve, 1000))
  t.ok(stream.readableLength < 2 ** 20, `${stream.readableLength} bytes wait`)
  t.notOk(stream.destroyed)
  let size = 0
  for await (const chunk of stream) size += (chunk as Buffer).length
  t.equal(size, big.length)
})

t.test('until a server greets, there is one sentence for every failure', async t => {
  const deaf = await hostileServer(t, (_, socket) => void socket.destroy())
  const other = await hostileServer(t, () => 'SSH-2.0-OpenSSH_9.6\r\n')
  const full = await hostileServer(t, () => '421 Too many users\r\n')
  const closed = createServer().listen(0, '127.0.0.1')
  await new Promise(resolve => closed.once('listening', resolve))
  const { port } = closed.address() as AddressInfo
  await new Promise(resolve => closed.close(resolve))
  for (const one of [port, deaf.port, other.port, full.port]) {
    await t.rejects(get(`ftp://127.0.0.1:${one}/x`), {
      message: 'The source of the import could not be reached.',
      code: 'source_unreachable',
    })
  }
  await t.rejects(fetchUri({ ...rules, import_allowed_addresses: [] }, `ftp://127.0.0.1:${port}/x`), {
    message: /does not pass filtering/,
  })
  await t.rejects(fetchUri({ ...rules, import_allowed_addresses: [] }, `ftp://localhost:${port}/x`), {
    code: 'source_unreachable',
  })
  t.equal(deaf.commands.length + other.commands.length, 0)
})

/** Replies of a server that has one small file, and what a test says instead. */
const replies =
  (data: () => number, special: Record<string, string> = {}) =>
  (line: string): string => {
    const [command = ''] = line.split(' ')
    const port = data()
    const usual: Record<string, string> = {
      hello: '220 hello\r\n',
      USER: '331 password\r\n',
      PASS: '230 in\r\n',
      TYPE: '200 binary\r\n',
      SIZE: '213 5\r\n',
      MDTM: '213 20240102030405\r\n',
      EPSV: `229 passive (|||${port}|)\r\n`,
      RETR: '150 here\r\n226 sent\r\n',
      QUIT: '221 bye\r\n',
    }
    return special[command] ?? usual[command] ?? '502 unknown\r\n'
  }

t.test('replies in many lines and pieces are understood; endless ones end the connection', async t => {
  const data = createServer(socket => socket.on('error', () => undefined).end('bytes'))
  await new Promise<void>(resolve => data.listen(0, '127.0.0.1', resolve))
  t.teardown(() => data.close())
  const port = () => (data.address() as AddressInfo).port
  const serve = async (special: Record<string, string>, pieces = false) => {
    const answer = replies(port, special)
    const server = await hostileServer(t, (line, socket) => {
      const text = answer(line)
      if (!pieces) return text
      socket.setNoDelay(true)
      void (async () => {
        for (const letter of text) {
          socket.write(letter)
          await new Promise(resolve => setImmediate(resolve))
        }
      })()
      return undefined
    })
    return `ftp://127.0.0.1:${server.port}/file`
  }
  const lines = '220-Welcome\r\n 230 is not the end\r\n221-nor this\r\nnor\r\n220 this is\r\n'
  t.equal((await get(await serve({ hello: lines }))).toString(), 'bytes')
  t.equal((await get(await serve({ hello: lines }, true))).toString(), 'bytes', 'letter by letter')
  t.equal((await get(await serve({ SIZE: '550 no\r\n' }))).toString(), 'bytes', 'without a size')

  const silly = {
    'a line without an end': { USER: 'x'.repeat(5000) },
    'a reply without an end': { USER: `331-\r\n${'more\r\n'.repeat(500)}` },
    'replies to nothing': { USER: '331 password\r\n'.repeat(50) },
    'an extended port that is too high': { EPSV: '229 (!!!99999!)\r\n' },
    'a port that is none': { EPSV: '500 no\r\n', PASV: '227 (127,0,0,1,0,0)\r\n' },
    'a port that is too high': { EPSV: '500 no\r\n', PASV: '227 (127,0,0,1,999,9)\r\n' },
    'more bytes than it said': { SIZE: '213 3\r\n' },
    'nonsense for an answer': { TYPE: 'what?\r\n' },
  }
  for (const [name, special] of Object.entries(silly)) {
    t.match(await get(await serve(special)).catch(error => error), { status: 503 }, name)
  }
  t.equal(
    (await get(await serve({ RETR: '150 here\r\n' }), { idle: 200 })).toString(),
    'bytes',
    'all bytes came: the last word is not needed',
  )
})

t.test('a server that falls silent is left, whatever it was about to say', async t => {
  const silent = await hostileServer(t, line => (line === 'hello' ? '220 hello\r\n' : undefined))
  const cancel = new AbortController()
  const fetching = fetchUri(rules, `ftp://127.0.0.1:${silent.port}/x`, { signal: cancel.signal })
  fetching.catch(() => undefined)
  while (silent.commands.length === 0) await new Promise(resolve => setImmediate(resolve))
  const gone = new Promise(resolve => silent.sockets[0]!.once('close', resolve))
  cancel.abort(new Error('cancelled'))
  await t.rejects(fetching, { message: 'cancelled' })
  await gone
})
