/** Imports take turns: nobody's slow ones keep the others from theirs. */
import t from 'tap'
import { reviveTasks } from '../../../src/queue/tasks.js'
import { alice, bob, startApp } from '../../helpers/app.js'
import type { Client } from '../../helpers/client.js'
import { until } from '../../helpers/left.js'
import { startReplica } from '../../helpers/replica.js'
import { slowSource } from '../../helpers/slow.js'
import { startWorker } from '../../helpers/tasks.js'

t.setTimeout(120_000)

const octets = { 'content-type': 'application/octet-stream' }
const settings = {
  import_allowed_addresses: ['127.0.0.0/8'],
  import_allowed_ports: [],
  import_tasks: 8,
  import_tasks_per_project: 3,
}
const source = await slowSource(t)

async function web(who: Client, path = '/silent'): Promise<string> {
  const { id } = await who.create()
  const asked = await who.post(`/v2/images/${id}/import`, {
    method: { name: 'web-download', uri: `${source.url}${path}` },
  })
  if (asked.status !== 202) throw new Error(asked.text)
  return id
}

/** Milliseconds from asking for an import of staged bytes to the image's being active. */
async function quick(who: Client): Promise<number> {
  const { id } = await who.create()
  await who.send('PUT', `/v2/images/${id}/stage`, octets, 'bytes')
  const began = performance.now()
  await who.post(`/v2/images/${id}/import`, { method: { name: 'glance-direct' } })
  await until(async () => (await who.show(id)).status === 'active', 'active')
  return performance.now() - began
}

t.test(
  'one project runs only so many at once, on all servers together, and others start at once',
  async t => {
    const server = await startApp(t, settings)
    await startWorker(t, server)
    const other = await startReplica(t, server)
    await startWorker(t, other)
    const [a, b] = [server.as(alice), other.as(bob)]
    t.comment(`with nothing to do: ${Math.round(await quick(b))} ms`)

    const slow = await Promise.all(Array.from({ length: 20 }, () => web(a)))
    await until(() => source.open() === 3, 'three connections')
    t.comment(`while another project has 20 slow ones: ${Math.round(await quick(b))} ms`)
    t.equal(source.open(), 3, 'and no more')

    // whoever ends, by deletion or cancel, makes room for the next
    const running = async () =>
      (
        await server.deps.db
          .selectFrom('tasks')
          .select('image_id')
          .where('status', '=', 'processing')
          .where('owner', '=', 'alpha')
          .execute()
      ).map(row => row.image_id as string)
    const first = await running()
    t.equal(first.length, 3)
    await a.delete(`/v2/images/${first[0]}`)
    await a.post(`/v2/images/${first[1]}/actions/cancel`)
    const next = await until(async () => {
      const now = await running()
      return now.length === 3 && !now.includes(first[0]!) && !now.includes(first[1]!) ? now : null
    }, 'the next ones')
    t.ok(next.includes(first[2]!), 'the others are not disturbed')

    // those that wait leave the line, too; one whose turn comes finds nothing to do
    for (const id of slow) await a.delete(`/v2/images/${id}`)
    await until(async () => (await running()).length === 0, 'the end of all')
    await until(() => source.open() === 0, 'the end of all connections')
    t.comment(`afterwards: ${Math.round(await quick(a))} ms`)
  },
)

t.test('a turn that nobody gave is found', async t => {
  const server = await startApp(t, settings)
  const me = server.as(alice)
  const { id } = await me.create()
  await me.send('PUT', `/v2/images/${id}/stage`, octets, 'bytes')
  await me.post(`/v2/images/${id}/import`, { method: { name: 'glance-direct' } })
  // as if the processes that ran the project's tasks had died, with the job gone
  await server.deps.db.updateTable('tasks').set({ waiting: true }).execute()
  await server.deps.pool.query('delete from graphile_worker._private_jobs')
  await startWorker(t, server)
  await reviveTasks(server.deps.db, 30, 3)
  await until(async () => (await me.show(id)).status === 'active', 'active')
})
