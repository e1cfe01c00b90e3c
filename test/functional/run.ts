/**
 * Glance's own functional tests against Vitrine and a real Keystone; see docs/glance-functional.md.
 *
 *   npm run test:functional                 all of them; exits with 1 when one fails
 *   npm run test:functional -- REGEX        those whose id matches, left out or not
 *   UPDATE_DOCS=1 npm run test:functional   writes docs/glance-functional.md, too
 */
import { spawn } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { text } from 'node:stream/consumers'
import { fileURLToPath } from 'node:url'
import { ownKeystone } from '../helpers/keystone.js'
import { short, whyLeftOut } from './left-out.js'
import { judge, page, type Result } from './report.js'
import { control } from './vitrines.js'

const root = fileURLToPath(new URL('../../..', import.meta.url))
const venv = join(root, '.cache/glance')
const script = join(root, 'test/functional/run.py')
const [, version = ''] = /^glance==(\S+)/.exec(readFileSync(join(venv, 'ready.txt'), 'utf8')) ?? []
/** How many run at once. */
const JOBS = 2

/** What is to be undone, last first. */
const undo: (() => unknown)[] = []
const t = { teardown: (fn: () => unknown) => void undo.push(fn) }

function python(...args: string[]) {
  const child = spawn(join(venv, 'bin/python'), ['-W', 'ignore', script, ...args], {
    env: { PATH: process.env.PATH, LANG: 'C.UTF-8', PYTHONPATH: join(root, 'test/functional') },
    stdio: ['pipe', 'pipe', process.env.DEBUG ? 'inherit' : 'ignore'],
  })
  child.stdin.on('error', () => {})
  return child
}

/** Runs tests of one class after the other in a process of their own. */
async function worker(
  urls: readonly string[],
  classes: string[][],
  done: (result: Result) => void,
): Promise<void> {
  for (let tests = classes.shift(); tests; tests = classes.shift()) {
    const missing = new Set(tests)
    const child = python(...urls)
    child.stdin.end(`${tests.join('\n')}\n`)
    for await (const line of createInterface(child.stdout)) {
      const result = JSON.parse(line) as Result
      missing.delete(result.id)
      done(result)
    }
    for (const id of missing) done({ id, status: 'missing', seconds: 0, details: 'The test was not run.' })
  }
}

function byClass(tests: readonly string[]): string[][] {
  const classes = new Map<string, string[]>()
  for (const id of tests) {
    const name = id.slice(0, id.lastIndexOf('.'))
    classes.set(name, [...(classes.get(name) ?? []), id])
  }
  return [...classes.values()].toSorted((a, b) => b.length - a.length)
}

async function main(wanted: string): Promise<boolean> {
  const listing = python()
  listing.stdin.end()
  const all = (await text(listing.stdout)).split('\n').filter(id => id !== '')
  const chosen = wanted
    ? all.filter(id => new RegExp(wanted).test(short(id)))
    : all.filter(id => whyLeftOut(id) === undefined)
  const keystone = await ownKeystone(t)
  const url = await control(t, keystone)
  const classes = byClass(chosen)
  const results: Result[] = []
  const done = (result: Result) => {
    results.push(result)
    console.log(`${result.status} ${result.id} (${result.seconds} s)`)
    if (result.status !== 'success') console.log(result.details.trim().slice(-4000))
  }
  await Promise.all(Array.from({ length: JOBS }, () => worker([url, keystone.url], classes, done)))
  const outcome = judge(all, chosen, results)
  console.log(`${outcome.passed.length} passed, ${outcome.failed.length} failed`)
  for (const { id } of outcome.failed) console.log(`failed ${id}`)
  if (process.env.UPDATE_DOCS && !wanted)
    writeFileSync(join(root, 'docs/glance-functional.md'), page(version, outcome))
  return outcome.failed.length === 0 && outcome.passed.length > 0
}

try {
  process.exitCode = (await main(process.argv[2] ?? '')) ? 0 : 1
} finally {
  for (const fn of undo.toReversed()) await fn()
}
