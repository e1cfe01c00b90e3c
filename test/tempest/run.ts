/**
 * OpenStack's own tests of the Image API (tempest) against Vitrine and a real Keystone; see docs/tempest.md.
 *
 *   npm run test:tempest                 all of them; exits with 1 when one fails
 *   npm run test:tempest -- REGEX        those whose id matches
 *   UPDATE_DOCS=1 npm run test:tempest   writes docs/tempest.md, too
 */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { fileURLToPath } from 'node:url'
import { serve as serveBytes, webServer } from '../helpers/web.js'
import { startKeystone, startVitrines } from './cloud.js'
import { makeImages, makeQcow2 } from './images.js'
import { judge, page, type Result, short } from './report.js'
import { confText, type Settings, settings } from './settings.js'

const root = fileURLToPath(new URL('../../..', import.meta.url))
const venv = join(root, '.cache/tempest')
const version = readFileSync(join(venv, 'ready.txt'), 'utf8').trim().replace('tempest==', '')

interface Pass {
  only: string
  vitrine: Record<string, string>
  tempest: Settings
}

const passes: Pass[] = [
  { only: '', vitrine: {}, tempest: {} },
  {
    only: 'ListUserImagesTest|do_secure_hash_false|ImageCachingTest',
    vitrine: { VITRINE_DO_SECURE_HASH: 'false' },
    tempest: {
      image: { image_caching_enabled: true, disk_formats: 'raw,ami,ari,aki,ploop' },
      'image-feature-enabled': { do_secure_hash: false, image_format_enforcement: false },
    },
  },
]

/** What is to be undone, last first. */
const undo: (() => unknown)[] = []
const t = { teardown: (fn: () => unknown) => void undo.push(fn) }

const folder = mkdtempSync(join(tmpdir(), 'vitrine-tempest-'))
t.teardown(() => rmSync(folder, { recursive: true, force: true }))

/** Runs stestr in the run's folder and gives what it printed. */
async function stestr(args: string[], env: Record<string, string> = {}): Promise<Buffer> {
  const child = spawn(join(venv, 'bin/stestr'), args, {
    cwd: folder,
    env: {
      PATH: `${join(venv, 'bin')}:${process.env.PATH}`,
      HOME: folder,
      TEMPEST_CONFIG_DIR: folder,
      LANG: 'C.UTF-8',
      PYTHONWARNINGS: 'ignore',
      ...env,
    },
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const chunks: Buffer[] = []
  child.stdout.on('data', (chunk: Buffer) => chunks.push(chunk))
  await once(child, 'close')
  return Buffer.concat(chunks)
}

/** What the last run of stestr kept. */
async function lastResults(): Promise<Result[]> {
  const stream = await stestr(['last', '--subunit'])
  const child = spawn(join(venv, 'bin/python'), [join(root, 'test/tempest/results.py')], {
    stdio: ['pipe', 'pipe', 'inherit'],
  })
  child.stdin.end(stream)
  const lines = (await text(child.stdout)).split('\n').filter(line => line !== '')
  return lines.map(line => JSON.parse(line) as Result)
}

async function main(wanted: string): Promise<boolean> {
  const images = join(folder, 'images')
  mkdirSync(images)
  const manifest = makeImages(images)
  const bytes: Record<string, Buffer> = {
    '/raw': Buffer.alloc(2 ** 20, 'bytes of a raw image'),
    '/qcow2': makeQcow2(images),
  }
  const web = await webServer(t, (request, response) => {
    const found = bytes[request.url ?? '']
    if (found) return serveBytes(found)(request, response)
    response.writeHead(404).end()
  })

  const keystone = await startKeystone(t)
  const base = settings({
    folder,
    keystone: keystone.url,
    rawImage: `${web.url}/raw`,
    qcow2Image: `${web.url}/qcow2`,
    manifest,
  })
  const packages = join(venv, 'lib', readdirSync(join(venv, 'lib'))[0]!, 'site-packages')
  const tests = join(packages, 'tempest/api/image')
  writeFileSync(
    join(folder, '.stestr.conf'),
    `[DEFAULT]\ntest_path=${tests}\ntop_dir=${packages}\ngroup_regex=([^\\.]*\\.)*\n`,
  )

  await stestr(['init'])

  let listed: string[] = []
  const results: Result[][] = []
  for (const [i, pass] of passes.entries()) {
    writeFileSync(join(folder, 'tempest.conf'), confText(base, pass.tempest))
    listed = i === 0 ? ids(await stestr(['list', ...(wanted ? [wanted] : [])])) : listed
    const now = listed.filter(id => new RegExp(pass.only).test(id))
    if (now.length === 0) continue
    writeFileSync(join(folder, 'tests.txt'), `${now.join('\n')}\n`)
    console.log(`pass ${i + 1}: ${now.length} tests`)
    const vitrines = await startVitrines(t, keystone, join(folder, `vitrine-${i}`), pass.vitrine)
    await stestr(['run', '--concurrency', '2', '--load-list', 'tests.txt'])
    results.push(await lastResults())
    for (const { stop, log } of vitrines) {
      await stop()
      for (const line of log.filter(line => /"level":[56]0/.test(line))) console.log(`vitrine: ${line}`)
    }
  }

  const outcome = judge(listed, results)
  for (const { id, status, details } of outcome.failed)
    console.log(`\n${status} ${short(id)}\n${details.trim().slice(-4000)}`)
  for (const { id, reason } of outcome.skipped) console.log(`skipped ${short(id)}: ${reason.trim()}`)
  const { passed, failed, skipped } = outcome
  console.log(`${passed.length} passed, ${failed.length} failed, ${skipped.length} skipped`)
  if (process.env.UPDATE_DOCS && !wanted) writeFileSync(join(root, 'docs/tempest.md'), page(version, outcome))
  return failed.length === 0 && passed.length > 0
}

const ids = (list: Buffer): string[] =>
  list
    .toString()
    .split('\n')
    .filter(line => line.startsWith('tempest.'))

try {
  process.exitCode = (await main(process.argv[2] ?? '')) ? 0 : 1
} finally {
  for (const fn of undo.toReversed()) await fn()
}
