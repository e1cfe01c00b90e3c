/**
 * The README's tour, and what goes beyond Glance, run as printed against a fresh server. Only the server's address is
 * another.
 */
import { execFile } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import t from 'tap'
import { startServer, temporaryFolder } from './helpers/server-process.js'
import { needs } from './helpers/tools.js'

t.setTimeout(240_000)

const root = new URL('../../', import.meta.url)
const readme = readFileSync(new URL('README.md', root), 'utf8')

/** Commands up to the next line of what is to be printed, and that text. */
interface Step {
  commands: string
  printed: string | undefined
}

const sectionOf = (heading: string) => new RegExp(`^## ${heading}\\n(.*?)^## `, 'ms').exec(readme)?.[1] ?? ''

const blocksOf = (section: string) => [...section.matchAll(/^```sh\n(.*?)^```/gms)].map(([, text]) => text!)

function stepsOf(blocks: readonly string[]): Step[] {
  return blocks.flatMap(block => {
    const parts = block.split(/^#=> (.*)\n/m)
    const steps: Step[] = []
    for (let n = 0; n < parts.length; n += 2)
      if (parts[n]!.trim() !== '') steps.push({ commands: parts[n]!, printed: parts[n + 1] })
    return steps
  })
}

t.test('the tour with curl works as printed', { skip: needs('curl') }, async t => {
  // of the additions the blocks that say what is printed: the others need more than a server on this machine
  const additions = blocksOf(sectionOf('Beyond Glance')).filter(block => block.includes('\n#=> '))
  const steps = stepsOf([...blocksOf(sectionOf('A tour with curl')), ...additions])
  t.ok(steps.length > 20)
  const folder = temporaryFolder(t)
  const { url } = await startServer(t, { env: { VITRINE_DATA_DIR: join(folder, 'data') } })
  // one shell for all of it, as the reader has
  const mark = '@@@ end of step'
  const script = steps.map(({ commands }) => `${commands}\necho; echo '${mark}'`).join('\n')
  const { stdout } = await promisify(execFile)(
    'bash',
    ['-euo', 'pipefail', '-c', script.replaceAll('http://127.0.0.1:9292', url)],
    { cwd: folder, timeout: 120_000 },
  )
  const outputs = stdout.split(mark)
  for (const [n, { commands, printed }] of steps.entries())
    if (printed !== undefined) t.match(outputs[n], printed, commands.trim())
})

t.test('the README names the two commands, and its links lead somewhere', async t => {
  t.match(readme, 'npm ci && npm start')
  t.match(readme, 'npm ci && npm test')
  const documents = ['README.md', 'CONTRIBUTING.md', 'CHANGELOG.md']
  for (const document of documents) {
    const text = readFileSync(new URL(document, root), 'utf8')
    const headings = [...text.matchAll(/^#+ (.*)$/gm)].map(([, heading]) =>
      heading!
        .toLowerCase()
        .replaceAll(/[^\w -]/g, '')
        .replaceAll(' ', '-'),
    )
    for (const [, target = ''] of text.matchAll(/\]\(([^)]+)\)/g)) {
      if (/^https:/.test(target)) continue
      const [path = '', anchor] = target.split('#')
      if (path === '') t.ok(headings.includes(anchor!), `${document}: #${anchor}`)
      else t.ok(existsSync(fileURLToPath(new URL(path, root))), `${document}: ${path}`)
    }
  }
})
