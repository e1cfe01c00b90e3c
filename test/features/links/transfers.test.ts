/** Transfers under way by a link: told by another replica, out of the cache, without a database. */
import { randomBytes } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t from 'tap'
import { alice, startApp } from '../../helpers/app.js'
import { type DatabaseProxy, databaseProxy } from '../../helpers/database-proxy.js'
import { until } from '../../helpers/left.js'
import { begin, endedTransfer, makeLink } from '../../helpers/links.js'

t.setTimeout(120_000)
const large = randomBytes(32 * 2 ** 20)

t.test('a link that is revoked through another replica ends its transfers here', async t => {
  const here = await startApp(t)
  const { stores } = here.deps.config
  const there = await startApp(t, { stores }, { wire: async () => here.databaseUrl })
  const { id } = await here.as(alice).createActive(large)
  const link = await makeLink(here.as(alice), id)
  const reading = await begin(link.url)
  t.equal((await fetch(`${there.url}${link.path}`, { method: 'HEAD' })).status, 200)
  t.equal((await there.as(alice).delete(`/v2/images/${id}/links/${link.id}`)).status, 204)
  for (const { url } of [here, there]) t.equal((await fetch(`${url}${link.path}`)).status, 404)
  t.notOk((await endedTransfer(here, link, reading)).complete)
})

t.test('a transfer out of the cache ends with its link', async t => {
  const cache_dir = mkdtempSync(join(tmpdir(), 'vitrine-cache-'))
  const server = await startApp(t, { cache_dir })
  t.teardown(() => rmSync(cache_dir, { recursive: true, force: true }))
  const owner = server.as(alice)
  const { id } = await owner.createActive(large)
  const link = await makeLink(owner, id)
  t.ok(Buffer.from(await (await fetch(link.url)).arrayBuffer()).equals(large))
  await until(async () => (await server.deps.cache?.list())?.length === 1, 'an image in the cache')
  const reading = await begin(link.url)
  await owner.delete(`/v2/images/${id}/links/${link.id}`)
  t.notOk((await endedTransfer(server, link, reading)).complete)
})

t.test('while nobody can tell whether a link works, it does not', async t => {
  let wire: DatabaseProxy | undefined
  const server = await startApp(
    t,
    {},
    {
      wire: async url => {
        wire = await databaseProxy(t, url)
        return wire.url
      },
    },
  )
  const owner = server.as(alice)
  const { id } = await owner.createActive(large)
  const link = await makeLink(owner, id)
  const reading = await begin(link.url)
  wire?.open(false)
  t.equal((await fetch(link.url)).status, 503)
  t.notOk((await endedTransfer(server, link, reading)).complete)
  wire?.open(true)
  await until(async () => (await fetch(link.url, { method: 'HEAD' })).status === 200, 'the database')
  const rest = await fetch(link.url, { headers: { range: `bytes=${large.length - 100}-` } })
  t.ok(Buffer.from(await rest.arrayBuffer()).equals(large.subarray(-100)), 'who goes on can')
})
