import { execFileSync } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { mkdir, mkdtemp, readdir, rename, rm, stat, symlink, truncate, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { buffer } from 'node:stream/consumers'
import t, { type Test } from 'tap'
import { Conflict, TooLarge, Unavailable } from '../../src/errors.js'
import { fileKind, openFileStore } from '../../src/stores/file.js'
import { collector, key, listed, put, testStore } from './conformance.js'

const MiB = 2 ** 20

/** A new folder that is removed with the test. */
async function folder(t: Test): Promise<string> {
  const made = await mkdtemp(path.join(tmpdir(), 'vitrine-store-'))
  t.teardown(() => rm(made, { recursive: true, force: true }))
  return made
}

testStore('A store of files', async () => {
  const root = path.join(await folder(t), 'images')
  return { store: await openFileStore('files', { root }), leftovers: () => readdir(root) }
})

t.test('a file is for its owner and group only, its folder too', async t => {
  const root = path.join(await folder(t), 'a', 'b')
  const store = await openFileStore('files', { root })
  await put(store, 'x', Buffer.from('x'))
  t.equal((await stat(root)).mode & 0o027, 0)
  t.equal((await stat(path.join(root, 'x'))).mode & 0o137, 0)
})

t.test('an object that exists or is being written is a conflict', async t => {
  const store = await openFileStore('files', { root: await folder(t) })
  const name = key()
  const writer = await store.write(name)
  await t.rejects(store.write(name), Conflict)
  await writer.commit()
  await t.rejects(store.write(name), Conflict)
})

t.test('a file that became shorter is an error and destroys the sink', async t => {
  const root = await folder(t)
  const store = await openFileStore('files', { root })
  const name = key()
  await put(store, name, randomBytes(8 * MiB))
  const first = await store.read(name)
  const second = await store.read(name)
  await truncate(path.join(root, name), 3 * MiB)
  const sink = collector()
  await t.rejects(first.sendTo(sink), Unavailable)
  t.ok(sink.destroyed)
  t.equal(sink.bytes().length <= 3 * MiB, true)
  await t.rejects(buffer(second.stream()), Unavailable)
})

t.test('other files and folders in the folder are left alone', async t => {
  const root = await folder(t)
  await mkdir(path.join(root, 'sub'))
  await writeFile(path.join(root, '.hidden'), 'x')
  await writeFile(path.join(root, 'a b'), 'x')
  await symlink('/etc', path.join(root, 'link'))
  const store = await openFileStore('files', { root })
  t.same(await listed(store), [])
})

t.test('a folder that went away is unavailable, its objects are not called lost', async t => {
  const root = path.join(await folder(t), 'images')
  const store = await openFileStore('files', { root })
  await put(store, 'x', Buffer.from('x'))
  await store.check()
  await rename(root, `${root}.away`)
  await t.rejects(store.check(), Unavailable)
  await t.rejects(store.stat('x'), Unavailable)
  await t.rejects(store.read('x'), Unavailable)
  await t.rejects(store.write('y'), Unavailable)
  await t.rejects(store.remove('x'), Unavailable)
  await t.rejects(listed(store), Unavailable)
})

t.test('a folder that can not be made is refused at once', async t => {
  const root = path.join(await folder(t), 'file', 'images')
  await writeFile(path.dirname(root), 'x')
  await t.rejects(openFileStore('files', { root }), { name: 'StartFailure' })
})

t.test('a full disk is TooLarge and leaves nothing', async t => {
  const root = await folder(t)
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=8m', 'tmpfs', root], { stdio: 'ignore' })
  } catch {
    t.comment('skipped: needs the right to mount a small tmpfs')
    return
  }
  try {
    const store = await openFileStore('files', { root })
    await t.rejects(store.write(key(), { size: 9 * MiB }), TooLarge, 'known before the first byte')
    const writer = await store.write(key())
    const writes = await Promise.allSettled(Array.from({ length: 12 }, () => writer.write(randomBytes(MiB))))
    const failed = writes.filter(result => result.status === 'rejected')
    t.ok(failed.length > 0)
    for (const { reason } of failed) t.type(reason, TooLarge)
    await t.rejects(writer.commit(), TooLarge)
    await writer.cancel()
    t.same(await readdir(root), [])
    await put(store, key(), randomBytes(4 * MiB))
  } finally {
    execFileSync('umount', [root])
  }
})

t.test('a disk that may only be read is unavailable for writing', async t => {
  const root = await folder(t)
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=8m', 'tmpfs', root], { stdio: 'ignore' })
  } catch {
    t.comment('skipped: needs the right to mount a small tmpfs')
    return
  }
  try {
    const store = await openFileStore('files', { root })
    await put(store, 'x', Buffer.from('x'))
    execFileSync('mount', ['-o', 'remount,ro', root])
    await t.rejects(store.check(), Unavailable)
    await t.rejects(store.write('y'), Unavailable)
    await t.rejects(store.remove('x'), Unavailable)
    t.same(await store.stat('x'), { size: 1 })
  } finally {
    execFileSync('umount', [root])
  }
})

t.test('the path in a URL is absolute and percent-decoded', async t => {
  const parse = (text: string) => fileKind.parse(text, new URLSearchParams()).settings.root
  t.equal(parse('file:/a/b%20c%2C/'), '/a/b c,')
  t.equal(parse('file:///a'), '/a')
  t.throws(() => parse('file:a'), /absolute/)
  t.throws(() => parse('file://host/a'), /absolute/)
  t.throws(() => parse('file:'), /absolute/)
  t.throws(() => parse('file:/a%'), /hex/)
  t.throws(() => fileKind.parse('file:/a', new URLSearchParams('x=1')), /unknown parameter x/)
})
