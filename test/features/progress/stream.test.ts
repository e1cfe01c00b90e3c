/** Progress as events: each change, until it is over, and never for ever. */
import { request } from 'node:http'
import t, { type Test } from 'tap'
import type { Caller } from '../../../src/auth/caller.js'
import { TooManyRequests } from '../../../src/errors.js'
import { openStreams } from '../../../src/features/progress/stream.js'
import { alice, startApp } from '../../helpers/app.js'
import type { Client } from '../../helpers/client.js'
import { until } from '../../helpers/left.js'
import { sending } from '../../helpers/slow.js'

t.setTimeout(120_000)

const MiB = 2 ** 20
const stopping = new AbortController()
const server = await startApp(t, {}, { stopping: stopping.signal })
const me = server.as(alice)

interface Listening {
  status: number
  headers: Record<string, unknown>
  /** Everything that has come so far. */
  text: () => string
  events: () => Record<string, unknown>[]
  ended: Promise<void>
  leave: () => void
}

/** Asks for events as a client does, over a socket. */
function listen(t: Test, who: Client, id: string): Promise<Listening> {
  return new Promise((resolve, reject) => {
    const outgoing = request(
      {
        host: '127.0.0.1',
        port: server.port,
        path: `/v2/images/${id}/progress`,
        agent: false,
        headers: { ...who.headers, accept: 'text/event-stream' },
      },
      incoming => {
        let text = ''
        incoming.setEncoding('utf8').on('data', chunk => {
          text += chunk
        })
        resolve({
          status: incoming.statusCode ?? 0,
          headers: incoming.headers,
          text: () => text,
          events: () => [...text.matchAll(/^data: (.*)$/gm)].map(([, json]) => JSON.parse(json!)),
          ended: new Promise(over => incoming.once('close', over)),
          leave: () => outgoing.destroy(),
        })
      },
    )
    outgoing.on('error', reject)
    outgoing.end()
    t.teardown(() => outgoing.destroy())
  })
}

t.test('from before the first byte to the last', async t => {
  const { id } = await me.create()
  const seen = await listen(t, me, id)
  t.equal(seen.status, 200)
  t.match(seen.headers, { 'content-type': 'text/event-stream', 'cache-control': 'no-store', vary: /Accept/ })
  await until(() => seen.events().length === 1, 'the first event')
  const { outgoing, answer } = await sending(
    me,
    server.port,
    `/v2/images/${id}/file`,
    Buffer.alloc(2 * MiB),
    {
      'content-length': 4 * MiB,
    },
  )
  await until(() => seen.events().some(({ percent }) => percent === 50), 'the half')
  outgoing.end(Buffer.alloc(2 * MiB))
  t.equal((await answer).status, 204)
  await seen.ended
  const told = seen.events()
  const phases = told.map(({ phase }) => phase)
  t.equal(phases[0], 'making')
  t.ok(phases.includes('uploading'))
  t.match(told.at(-1), { phase: 'available', percent: 100 })
  t.strictSame(told.at(-1), (await me.get(`/v2/images/${id}/progress`)).json, 'as the plain answer')
})

t.test('what is over already', async t => {
  const { id } = await me.createActive()
  const seen = await listen(t, me, id)
  await seen.ended
  t.match(seen.events(), [{ phase: 'available' }])
  const failed = await me.create({ disk_format: 'qcow2' })
  await me.upload(failed.id, 'no qcow2')
  const other = await listen(t, me, failed.id)
  await other.ended
  t.match(other.events(), [{ phase: 'failed', error: { code: 'format_mismatch' } }])
})

t.test('what may not be seen', async t => {
  const { id } = await me.create()
  t.equal((await listen(t, server.as({ project_id: 'gamma' }), id)).status, 404)
})

t.test('an image that is deleted', async t => {
  const { id } = await me.create()
  const seen = await listen(t, me, id)
  await until(() => seen.events().length === 1, 'the first event')
  await me.delete(`/v2/images/${id}`)
  await seen.ended
  t.equal(seen.events().length, 1)
})

t.test('so many at once and so long', async t => {
  const caller = { project_id: 'alpha', roles: ['member', 'reader'], service_roles: [] } as unknown as Caller
  const other = { ...caller, project_id: 'beta' }
  const { id } = await me.create()
  const stream = openStreams(server.deps, {
    most: 3,
    mostOfProject: 2,
    look: 0.02,
    beat: 0.05,
    life: 1000,
  })
  const first = { phase: 'making' } as never
  const begun: { gone: AbortController; beats: number; ended: boolean }[] = []
  const begin = () => {
    const gone = new AbortController()
    const one = { gone, beats: 0, ended: false }
    begun.push(one)
    return {
      closed: gone.signal,
      send: () => {},
      beat: () => void one.beats++,
      end: () => {
        one.ended = true
      },
    }
  }
  const open = (who: Caller) => stream(who, id, first, begin)
  const running = [open(caller), open(caller)]
  await t.rejects(open(caller), TooManyRequests, 'of the project')
  running.push(open(other))
  await t.rejects(open({ ...caller, project_id: 'gamma' }), TooManyRequests, 'of all')
  await until(() => begun[0]!.beats > 2, 'signs of life')
  begun[0]!.gone.abort()
  await running[0]
  t.ok(begun[0]!.ended, 'who goes makes room')
  running.push(open(caller))
  for (const { gone } of begun) gone.abort()
  await Promise.all(running)

  const short = openStreams(server.deps, { most: 1, mostOfProject: 1, look: 0.02, beat: 1, life: 0.1 })
  await short(caller, id, first, begin)
  t.ok(begun.at(-1)!.ended, 'its time was up')
})

t.test('a server that stops', async t => {
  const { id } = await me.create()
  const seen = await listen(t, me, id)
  await until(() => seen.events().length === 1, 'the first event')
  stopping.abort()
  await seen.ended
  t.equal(seen.events().length, 1)
})
