import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { Writable } from 'node:stream'
import t from 'tap'
import { BadRequest, NotFound } from '../../src/errors.js'
import { openStores, parseStores } from '../../src/stores/index.js'
import { key, put } from './conformance.js'

t.test('without a setting there is one store, files under the data directory', async t => {
  t.match(parseStores([], '/var/lib/a b'), [
    { name: 'local', kind: 'file', url: 'file:/var/lib/a b/images', description: null, weight: 0 },
  ])
  t.equal(parseStores([], './data')[0]!.url, `file:${path.resolve('data/images')}`)
})

t.test('description and weight belong to every kind', async t => {
  t.match(parseStores(['fast=file:/a?description=Fast%2C%20and%20small&weight=-5'], '/'), [
    { name: 'fast', description: 'Fast, and small', weight: -5 },
  ])
})

t.test('every fault is named, in one error', async t => {
  const faulty = [
    'file:/a',
    'a=file:relative',
    'b=swift:/x',
    'c=file:/c?weight=heavy',
    'd=file:/d?colour=red',
    'e=file:/e',
    'e=file:/f',
    'g=file:/e/',
    'os_glance_x=file:/g',
  ]
  t.throws(() => parseStores(faulty, '/'), {
    message:
      /store 1 .*\n.*a .*absolute.*\n.*b .*kinds.*\n.*c .*weight.*\n.*d .*colour.*\n.*e is there twice\n.*g is at the same place as e\n.*os_glance_x/s,
  })
})

t.test('stores are found by name', async t => {
  const root = await mkdtemp(path.join(tmpdir(), 'vitrine-stores-'))
  t.teardown(() => rm(root, { recursive: true, force: true }))
  const settings = parseStores([`one=file:${root}/1?weight=3`, `two=file:${root}/2`], root)
  const stores = await openStores(settings, 'two')
  t.teardown(() => stores.close())
  t.same(stores.names, ['one', 'two'])
  t.equal(stores.defaultName, 'two')
  t.equal(stores.multi, true)
  t.equal(stores.settings('one').weight, 3)
  t.equal(stores.get('one').name, 'one')
  t.equal(stores.readable('two').kind, 'file')
  t.equal(stores.all().length, 2)
  for (const find of [stores.get, stores.readable, stores.settings]) t.throws(() => find('three'), BadRequest)
  await stores.check()
  t.equal((await openStores(settings, null)).defaultName, 'one')
  await t.rejects(openStores(settings, 'three'), /three/)
})

t.test('errors carry the name of the store, and the hooks hear of everything', async t => {
  const root = await mkdtemp(path.join(tmpdir(), 'vitrine-stores-'))
  t.teardown(() => rm(root, { recursive: true, force: true }))
  const operations: string[] = []
  const bytes = { in: 0, out: 0 }
  const stores = await openStores(parseStores([`one=file:${root}`], root), null, {
    hooks: {
      operation: (store, operation, seconds, failed) => {
        t.ok(seconds >= 0)
        operations.push(`${store} ${operation} ${failed ? 'failed' : 'done'}`)
      },
      bytes: (_store, direction, count) => {
        bytes[direction] += count
      },
    },
  })
  const store = stores.get('one')
  await t.rejects(store.stat('missing'), { message: /^Store one: There is no object missing$/ })
  await t.rejects(store.stat('missing'), NotFound)
  const name = key()
  await put(store, name, Buffer.alloc(1000))
  await (await store.read(name)).sendTo(new Writable({ write: (_chunk, _encoding, done) => done() }))
  for await (const _ of (await store.read(name, { start: 0, end: 9 })).stream());
  t.same(bytes, { in: 1000, out: 1010 })
  await store.remove(name)
  t.same(operations, [
    'one stat done',
    'one stat done',
    'one write done',
    'one commit done',
    'one read done',
    'one send done',
    'one read done',
    'one remove done',
  ])
})
