import { createHash, randomBytes } from 'node:crypto'
import { type ClientRequest, request } from 'node:http'
import { PassThrough, Readable } from 'node:stream'
import t, { type Test } from 'tap'
import { type Caller, nobody } from '../../src/auth/caller.js'
import { attempt } from '../../src/data/attempt.js'
import * as blobs from '../../src/data/blobs.js'
import { reap } from '../../src/data/reap.js'
import { remove } from '../../src/data/remove.js'
import { upload } from '../../src/data/upload.js'
import { closeDeps, openDeps } from '../../src/deps.js'
import { alice, startApp } from '../helpers/app.js'
import { type Answer, whole } from '../helpers/client.js'
import { databaseProxy } from '../helpers/database-proxy.js'
import { files, ledger, tidying, until } from '../helpers/left.js'

const MiB = 2 ** 20
// deleted is destroyed: no bin keeps the bytes that these tests see go
const server = await startApp(t, { recycle_bin: 0 })
const owner = server.as(alice)
const test = tidying(t, server)

const status = async (id: string) =>
  (await server.deps.db.selectFrom('images').select('status').where('id', '=', id).executeTakeFirst())?.status

/** An upload under way: the client has sent a part and holds the rest back. */
async function begun(
  id: string,
  headers = {},
): Promise<{ outgoing: ClientRequest; answer: Promise<Answer> }> {
  const outgoing = request({
    host: '127.0.0.1',
    port: server.port,
    method: 'PUT',
    path: `/v2/images/${id}/file`,
    agent: false,
    headers: { ...owner.headers, 'content-type': 'application/octet-stream', ...headers },
  })
  const answer = new Promise<Answer>((resolve, reject) => {
    outgoing.on('response', incoming => whole(incoming).then(resolve, reject)).on('error', reject)
  })
  answer.catch(() => {})
  await new Promise(resolve => outgoing.write(Buffer.alloc(3 * MiB, 'first part '), resolve))
  await until(() => files(server).some(name => name.includes(id)), 'the beginning of the upload')
  return { outgoing, answer }
}

test('a client that goes away leaves the image queued and nothing else', async () => {
  for (const headers of [{}, { 'content-length': 10 * MiB }, { 'x-openstack-image-size': 10 * MiB }]) {
    const { id } = await owner.create()
    const { outgoing } = await begun(id, headers)
    outgoing.destroy()
    await until(async () => (await status(id)) === 'queued', 'queued')
    await until(async () => (await ledger(server)).length === 0, 'an empty ledger')
    await until(() => files(server).length === 0, 'empty stores')
    await owner.upload(id, 'second try')
    await owner.delete(`/v2/images/${id}`)
  }
})

test('of several uploads at once one wins, and its bytes are what is kept', async t => {
  for (let round = 0; round < 8; round++) {
    const { id } = await owner.create()
    const bodies = Array.from({ length: 5 }, () => randomBytes(200_000))
    const answers = await Promise.all(bodies.map(body => owner.upload(id, body)))
    const winners = answers.filter(answer => answer.status === 204)
    t.equal(winners.length, 1)
    t.equal(answers.filter(answer => answer.status === 409).length, 4)
    const body = bodies[answers.findIndex(answer => answer.status === 204)] as Buffer
    t.ok((await owner.download(id)).bytes.equals(body))
    t.equal((await owner.show(id)).checksum, createHash('md5').update(body).digest('hex'))
    t.equal((await ledger(server)).filter(row => row.image_id === id).length, 1)
  }
})

test('who comes second is told so at once, and does not disturb the first', async t => {
  const { id } = await owner.create()
  const { outgoing, answer } = await begun(id)
  t.equal((await owner.upload(id, 'mine')).status, 409)
  t.equal(await status(id), 'saving')
  t.equal((await owner.download(id)).status, 204)
  outgoing.end()
  t.equal((await answer).status, 204)
  t.equal((await owner.show(id)).size, 3 * MiB)
})

test('an image that is deleted while its bytes come: the client is told 410, nothing is left', async t => {
  const { id } = await owner.create()
  const { outgoing, answer } = await begun(id)
  t.equal((await owner.delete(`/v2/images/${id}`)).status, 204)
  // it goes on sending until it hears of it
  const sending = setInterval(() => outgoing.write(Buffer.alloc(1000)), 50)
  t.equal((await answer).status, 410)
  clearInterval(sending)
  outgoing.destroy()
  t.equal((await owner.get(`/v2/images/${id}`)).status, 404)
  t.equal(await status(id), 'deleted')
})

test('an image that is deleted at the last moment', async t => {
  for (let round = 0; round < 15; round++) {
    const { id } = await owner.create()
    const [put, gone] = await Promise.all([
      owner.upload(id, randomBytes(20_000)),
      new Promise(resolve => setTimeout(resolve, round)).then(() => owner.delete(`/v2/images/${id}`)),
    ])
    t.equal(gone.status, 204)
    t.ok([204, 404, 409, 410].includes(put.status), String(put.status))
  }
})

test('formats that change just before the bytes come are those that count', async t => {
  for (let round = 0; round < 20; round++) {
    const { id } = await owner.create()
    const [put, patch] = await Promise.all([
      owner.upload(id, randomBytes(5000)),
      owner.patch(`/v2/images/${id}`, [{ op: 'replace', path: '/disk_format', value: 'qcow2' }]),
    ])
    const image = await owner.show(id)
    if (image.disk_format === 'qcow2') t.strictSame([put.status, image.status], [415, 'queued'])
    else t.strictSame([put.status, patch.status, image.status], [204, 403, 'active'])
    await owner.delete(`/v2/images/${id}`)
  }
})

/** An attempt on a new image, with a file half written. */
async function attempted() {
  const { id } = await owner.create()
  const write = await attempt(server.deps, id, 'fast', { during: 'saving' })
  const writer = await server.deps.stores.get('fast').write(write.blob.key)
  await writer.write(Buffer.from('half'))
  return { id, write, writer }
}

/** The same parts over a connection to the database that can be cut. */
async function overProxy(t: Test) {
  const proxy = await databaseProxy(t, server.databaseUrl)
  const opened = await openDeps(server.deps.config, { databaseUrl: proxy.url, log: server.deps.log })
  t.teardown(() => closeDeps(opened))
  const take = (id: string, source: Readable) =>
    upload(opened, caller, {
      id,
      expected: undefined,
      store: undefined,
      open: () => source,
      signal: new AbortController().signal,
    })
  return { proxy, opened, take }
}
const caller: Caller = { ...nobody, user_id: 'alice', project_id: 'alpha', roles: ['member', 'reader'] }

test('a commit whose answer was lost is no reason to remove the bytes', async t => {
  const { proxy, take } = await overProxy(t)
  const { id } = await owner.create()
  const source = new PassThrough()
  const taken = take(id, source)
  await until(async () => (await status(id)) === 'saving', 'saving')
  proxy.loseAnswerTo('commit')
  source.end('kept')
  await t.rejects(taken)
  t.equal(await status(id), 'active')
  t.equal((await owner.download(id)).text, 'kept')
})

test('a database that goes away during an upload: the reaper does what the upload could not', async t => {
  const { proxy, take } = await overProxy(t)
  const { id } = await owner.create()
  const source = new PassThrough()
  const taken = take(id, source)
  await until(async () => (await status(id)) === 'saving', 'saving')
  proxy.open(false)
  source.end('lost')
  await t.rejects(taken)
  t.equal(await status(id), 'saving')
  await reap(server.deps, undefined, 0)
  t.equal(await status(id), 'queued')
  proxy.open(true)
  await take(id, Readable.from([Buffer.from('second try')]))
  t.equal((await owner.download(id)).text, 'second try')
})

test('a write that was taken for dead does not disturb the next one', async t => {
  const { id, write, writer } = await attempted()
  await reap(server.deps, undefined, 0)
  t.equal(await status(id), 'queued')
  const next = await begun(id)
  t.equal(await status(id), 'saving')
  // the first one wakes up again
  await t.rejects(writer.commit())
  t.equal(
    await server.deps.db.transaction().execute(tx => blobs.settle(tx, write.blob, 4)),
    false,
    'its lease is gone',
  )
  await writer.cancel()
  await write.undo()
  t.equal(await status(id), 'saving', 'the state is the second one’s')
  next.outgoing.end()
  t.equal((await next.answer).status, 204)
})

test('an object that comes to be after it was given up is removed', async t => {
  const { id, write, writer } = await attempted()
  await writer.cancel()
  await reap(server.deps, undefined, 0)
  t.strictSame(
    await ledger(server),
    (await ledger(server)).filter(row => row.image_id !== id),
  )
  const late = await server.deps.stores.get('fast').write(write.blob.key)
  await late.write(Buffer.from('late'))
  await late.commit()
  t.ok(files(server).includes(`fast/${write.blob.key}`))
  await write.undo()
  t.notOk(files(server).includes(`fast/${write.blob.key}`))
})

test('many deletions of one image at once', async t => {
  const { id } = await owner.createActive()
  const answers = await Promise.all(Array.from({ length: 10 }, () => owner.delete(`/v2/images/${id}`)))
  t.equal(answers.filter(answer => answer.status === 204).length, 1)
  t.equal(answers.filter(answer => answer.status === 404).length, 9)
})

test('a store that does not let go of an object is asked again', async t => {
  const { id } = await owner.createActive()
  const { stores } = server.deps
  const stuck = {
    ...server.deps,
    stores: {
      ...stores,
      get: (name: string) => ({
        ...stores.get(name),
        remove: () => Promise.reject(new Error('not today')),
      }),
    },
  }
  await remove(
    stuck,
    { ...alice, is_admin: true, roles: ['admin'], service_roles: [], groups: [] } as never,
    id,
  )
  t.equal((await owner.get(`/v2/images/${id}`)).status, 404)
  t.match(await ledger(server).then(rows => rows.filter(row => row.image_id === id)), [{ state: 'doomed' }])
  await reap(server.deps)
  t.strictSame(
    (await ledger(server)).filter(row => row.image_id === id),
    [],
  )
})
