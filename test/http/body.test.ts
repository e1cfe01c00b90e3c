import { createServer } from 'node:http'
import { type AddressInfo, connect } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import t from 'tap'
import { BadRequest, RequestTimeout, TooLarge } from '../../src/errors.js'
import { collect, MAX_JSON } from '../../src/http/body.js'

/** What collecting a body ends with, when a client sends these pieces with pauses between them. */
async function collected(
  length: number,
  pieces: (string | Buffer)[],
  { pause = 0, leave = false, whole = 60 } = {},
) {
  let ended: (result: unknown) => void
  const result = new Promise(resolve => {
    ended = resolve
  })
  const server = createServer((request, response) => {
    collect(request, { idle: 0.5, whole })
      .then(
        bytes => ended(bytes.toString()),
        error => ended(error),
      )
      .finally(() => response.end())
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  const socket = connect((server.address() as AddressInfo).port, '127.0.0.1')
  socket.on('error', () => {})
  socket.write(`POST / HTTP/1.1\r\nhost: x\r\ncontent-length: ${length}\r\n\r\n`)
  for (const piece of pieces) {
    socket.write(piece)
    await sleep(pause)
  }
  if (leave) socket.destroy()
  const seen = await result
  socket.destroy()
  server.close()
  server.closeAllConnections()
  return seen
}

t.test('a body in pieces', async t => {
  t.equal(await collected(6, ['ab', 'cd', 'ef']), 'abcdef')
  t.equal(await collected(4, ['a', 'b', 'c', 'd'], { pause: 200 }), 'abcd', 'slow is not silent')
})

t.test('a body that does not come', async t => {
  t.type(await collected(6, ['ab']), RequestTimeout)
  t.type(await collected(6, []), RequestTimeout)
})

t.test('a body that never ends, however busily it drips', async t => {
  const drops = Array.from({ length: 20 }, () => ' ')
  t.match(await collected(100, drops, { pause: 50, whole: 0.4 }), {
    name: 'RequestTimeout',
    message: /did not end/,
  })
})

t.test('a client that goes away', async t => {
  t.type(await collected(6, ['ab'], { pause: 50, leave: true }), BadRequest)
})

t.test('a body that is too long is refused at the first byte too many', async t => {
  const piece = Buffer.alloc(MAX_JSON / 4, ' ')
  t.type(await collected(MAX_JSON * 2, [piece, piece, piece, piece, ' ']), TooLarge)
})
