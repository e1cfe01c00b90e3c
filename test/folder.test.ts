import { existsSync, mkdtempSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t from 'tap'
import { makeFolder } from '../src/folder.js'

const root = mkdtempSync(join(tmpdir(), 'vitrine-folder-'))
t.teardown(() => rmSync(root, { recursive: true }))

t.test('a folder is made with those above it, and once only', async t => {
  const path = join(root, 'a', 'b', 'c')
  makeFolder(path, 0o750)
  makeFolder(path, 0o700)
  t.equal(statSync(path).mode & 0o777, 0o750)
  makeFolder(join(root, 'a/../a/d'))
  t.ok(existsSync(join(root, 'a', 'd')))
})

t.test('where none can be made a sentence says why', async t => {
  const file = join(root, 'file')
  writeFileSync(file, '')
  t.throws(() => makeFolder(file), { name: 'StartFailure', message: `${file} is not a folder.` })
  t.throws(() => makeFolder(join(file, 'x')), { name: 'StartFailure', message: /can not be made: ENOTDIR/ })
  const link = join(root, 'link')
  symlinkSync(join(root, 'gone'), link)
  t.throws(() => makeFolder(link), { name: 'StartFailure' })
  if (existsSync('/proc/self'))
    t.throws(() => makeFolder('/proc/x/y'), { name: 'StartFailure', message: /ENOENT/ })
})
