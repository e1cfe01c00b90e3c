import { randomBytes } from 'node:crypto'
import t from 'tap'
import { alice, startApp } from '../helpers/app.js'
import { tidying } from '../helpers/left.js'

const MiB = 2 ** 20
const server = await startApp(t, { max_image_size: 3 * MiB })
const owner = server.as(alice)
const test = tidying(t, server)

/** Sends a form as browsers do. */
async function submit(id: string, form: FormData, headers: Record<string, string> = {}) {
  const answer = await fetch(`${server.url}/v2/images/${id}/file`, {
    method: 'POST',
    body: form,
    headers: { ...(owner.headers as Record<string, string>), ...headers },
  })
  return { status: answer.status, text: await answer.text() }
}
const formOf = (...files: [name: string, bytes: Uint8Array][]) => {
  const form = new FormData()
  for (const [name, bytes] of files)
    form.append(name, new Blob([bytes as Uint8Array<ArrayBuffer>]), `${name}.img`)
  return form
}
/** Sends a body by hand. */
const send = (id: string, body: string | Buffer, boundary = 'boundary=b') =>
  owner.send('POST', `/v2/images/${id}/file`, { 'content-type': `multipart/form-data; ${boundary}` }, body)
const part = (headers: string, content: string) => `--b\r\n${headers}\r\n\r\n${content}\r\n`
const file = 'content-disposition: form-data; name="file"; filename="a.img"'

test('the file of a form becomes the bytes of the image', async t => {
  for (const length of [0, 1, 100_000, 3 * MiB]) {
    const bytes = randomBytes(length)
    const { id } = await owner.create()
    t.equal((await submit(id, formOf(['file', bytes]))).status, 204)
    t.ok((await owner.download(id)).bytes.equals(bytes), `${length} bytes`)
    t.equal((await owner.show(id)).size, length)
  }
  const { id } = await owner.create()
  t.equal(
    (await submit(id, formOf(['any name', Buffer.from('x')]), { 'x-image-meta-store': 'cheap' })).status,
    204,
  )
  t.equal((await owner.show(id)).stores, 'cheap')
})

test('fields around the file do no harm, and of several files the first counts', async t => {
  const { id } = await owner.create()
  const form = new FormData()
  form.append('comment', 'before')
  form.append('first', new Blob(['first']), 'a.img')
  form.append('second', new Blob([new Uint8Array(2 * MiB)]), 'b.img')
  form.append('comment', 'after')
  t.equal((await submit(id, form)).status, 204)
  t.equal((await owner.download(id)).text, 'first')
})

test('forms that are none', async t => {
  const { id } = await owner.create()
  const cases: [what: string, ask: () => Promise<{ status: number; text: string }>, status: number][] = [
    ['no file', () => submit(id, new FormData()), 400],
    ['only fields', () => send(id, `${part('content-disposition: form-data; name="x"', 'y')}--b--\r\n`), 400],
    ['no boundary', () => send(id, 'x', ''), 400],
    ['nothing', () => send(id, ''), 400],
    ['no form', () => send(id, 'what is this?'), 400],
    ['cut within the file', () => send(id, `--b\r\n${file}\r\n\r\nhalf of`), 400],
    ['cut after the file', () => send(id, `--b\r\n${file}\r\n\r\nall of it\r\n--b`), 400],
    ['cut within the headers', () => send(id, `--b\r\n${file}`), 400],
    [
      'many fields',
      () => send(id, `${part('content-disposition: form-data; name="x"', 'y').repeat(500)}--b--\r\n`),
      400,
    ],
    [
      'a name of objects',
      () =>
        send(id, `${part('content-disposition: form-data; name="__proto__"; filename="x"', 'y')}--b--\r\n`),
      400,
    ],
    ['too large', () => submit(id, formOf(['file', Buffer.alloc(3 * MiB + 1, 'x')])), 413],
    ['much too large', () => submit(id, formOf(['file', Buffer.alloc(12 * MiB, 'x')])), 413],
    ['unsafe', () => submit(id, formOf(['file', Buffer.from(`QED\0${'x'.repeat(5000)}`)])), 415],
  ]
  for (const [what, ask, status] of cases) {
    const answer = await ask()
    t.equal(answer.status, status, `${what}: ${answer.text}`)
  }
  t.match(await owner.show(id), { status: 'queued', size: null, checksum: null })
  t.equal((await submit(id, formOf(['file', Buffer.from('good')]))).status, 204, 'and then a good one')
  t.equal((await submit(id, formOf(['file', Buffer.from('good')]))).status, 409)
  t.equal((await submit('nothing', formOf(['file', Buffer.from('good')]))).status, 404)
})

test('any other POST is 405, and Allow does not speak of forms', async t => {
  const { id } = await owner.create()
  for (const type of [
    'application/octet-stream',
    'application/json',
    'application/x-www-form-urlencoded',
    'multipart/mixed; boundary=b',
    '',
  ]) {
    const answer = await owner.send('POST', `/v2/images/${id}/file`, { 'content-type': type }, 'x')
    t.equal(answer.status, 405, type)
    t.equal(answer.headers.allow, 'GET, PUT')
  }
  t.equal((await owner.send('DELETE', `/v2/images/${id}/file`)).headers.allow, 'GET, PUT')
})

test('a browser that goes away', async t => {
  const { id } = await owner.create()
  const stop = new AbortController()
  const body = new ReadableStream({
    async start(to) {
      to.enqueue(Buffer.from(`--b\r\n${file}\r\n\r\n`))
      to.enqueue(Buffer.alloc(MiB))
      setTimeout(() => stop.abort(), 100)
    },
  })
  await t.rejects(
    fetch(`${server.url}/v2/images/${id}/file`, {
      method: 'POST',
      body,
      signal: stop.signal,
      duplex: 'half',
      headers: {
        ...(owner.headers as Record<string, string>),
        'content-type': 'multipart/form-data; boundary=b',
      },
    } as RequestInit),
  )
})
