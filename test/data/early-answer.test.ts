import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { request } from 'node:http'
import { Readable } from 'node:stream'
import { promisify } from 'node:util'
import t from 'tap'
import { alice, startApp } from '../helpers/app.js'
import { type Answer, whole } from '../helpers/client.js'
import { tidying } from '../helpers/left.js'

// A refusal that comes while the client is still sending must reach it: most clients look for an answer only when
// they have sent everything.

const MiB = 2 ** 20
const server = await startApp(t, { max_image_size: 5 * MiB })
const owner = server.as(alice)
const test = tidying(t, server)
const run = promisify(execFile)
const { id } = await owner.create()
const { id: taken } = await owner.createActive()
const url = (image: string) => `${server.url}/v2/images/${image}/file`
const token = String(owner.headers['x-auth-token'])

/** A body of so many MiB that is not in memory. */
const endless = (count: number) =>
  Readable.from(
    (function* () {
      const piece = Buffer.alloc(MiB, 'x')
      for (let n = 0; n < count; n++) yield piece
    })(),
  )

async function has(program: string, ...args: string[]): Promise<boolean> {
  return run(program, args).then(
    () => true,
    () => false,
  )
}

const noCurl = !(await has('curl', '--version')) && 'there is no curl'
const noPython = !(await has('python3', '-c', 'import requests')) && 'there is no Python with requests'

test('Node: the answer is there while the body is still going out', async t => {
  for (const [image, status] of [
    [id, 413],
    [taken, 409],
    ['nothing', 404],
  ] as const) {
    const answer = await new Promise<Answer>((resolve, reject) => {
      const outgoing = request(url(image), {
        method: 'PUT',
        agent: false,
        headers: { ...owner.headers, 'content-type': 'application/octet-stream' },
      })
      outgoing.on('error', reject)
      outgoing.on('response', incoming => whole(incoming).then(resolve, reject))
      endless(100).pipe(outgoing)
    })
    t.equal(answer.status, status)
  }
})

test('fetch', async t => {
  for (const [image, status] of [
    [id, 413],
    [taken, 409],
  ] as const) {
    const answer = await fetch(url(image), {
      method: 'PUT',
      headers: { 'x-auth-token': token, 'content-type': 'application/octet-stream' },
      body: Readable.toWeb(endless(100)) as ReadableStream,
      duplex: 'half',
    } as RequestInit)
    t.equal(answer.status, status)
    t.match(await answer.text(), String(status))
  }
})

/** Feeds a child's standard input as fast as it takes it. */
function feed(child: ChildProcess, count: number): void {
  child.stdin?.on('error', () => {})
  if (child.stdin) endless(count).pipe(child.stdin)
}
async function output(child: ChildProcess): Promise<string> {
  let text = ''
  child.stdout?.on('data', chunk => {
    text += chunk
  })
  await new Promise(resolve => child.on('close', resolve))
  return text
}

test(
  'curl, with a length and without, asking first and not',
  async t => {
    for (const [image, status] of [
      [id, '413'],
      [taken, '409'],
    ] as const)
      for (const more of [[], ['-H', 'expect:'], ['-H', 'transfer-encoding: chunked', '-H', 'expect:']]) {
        const child = spawn(
          'curl',
          [
            '-s',
            '-o',
            '/dev/null',
            '-w',
            '%{http_code}',
            '-X',
            'PUT',
            '-T',
            '-',
            '-H',
            `x-auth-token: ${token}`,
            '-H',
            'content-type: application/octet-stream',
            ...more,
            url(image),
          ],
          { stdio: ['pipe', 'pipe', 'ignore'] },
        )
        feed(child, 60)
        t.equal(await output(child), status, `${status} ${more.join(' ')}`)
      }
  },
  noCurl,
)

const script = `
import sys, requests
def body(n):
    for _ in range(n):
        yield b'x' * 1048576
s = requests.Session()
h = {'x-auth-token': sys.argv[2], 'content-type': 'application/octet-stream'}
print(s.put(sys.argv[1], data=body(60), headers=h).status_code)
print(s.put(sys.argv[1], data=b'x' * (60 << 20), headers=h).status_code)
print(s.get(sys.argv[1], headers=h).status_code)
`
test(
  'Python requests, over one kept connection',
  async t => {
    for (const [image, status] of [
      [id, '413\n413\n204\n'],
      [taken, '409\n409\n200\n'],
    ] as const) {
      const { stdout } = await run('python3', ['-c', script, url(image), token])
      t.equal(stdout, status)
    }
  },
  noPython,
)

test('a refused client that sends on for ever is cut off', async t => {
  const outgoing = request(url(taken), {
    method: 'PUT',
    agent: false,
    headers: { ...owner.headers, 'content-type': 'application/octet-stream' },
  })
  const sending = setInterval(() => outgoing.write('more'), 100)
  const began = Date.now()
  await new Promise(resolve => outgoing.on('error', resolve).on('close', resolve))
  clearInterval(sending)
  t.ok(Date.now() - began < 20_000)
})
