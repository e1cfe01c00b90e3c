/**
 * What five documents of users ask of an image service, sentence by sentence, in our words: each is built, or a rule of
 * Glance wins, or it is a matter of others. docs/wishes.md is this table; `UPDATE_WISHES=1 node dist/test/wishes/wishes.test.js`
 * writes it anew.
 */
import { readFileSync, writeFileSync } from 'node:fs'
import t from 'tap'
import { dashboard } from './dashboard.js'
import { education } from './education.js'
import { helion } from './helion.js'
import { privateCloud } from './private-cloud.js'
import { vsc } from './vsc.js'
import { openWorld, type Source, type Wish } from './wish.js'

t.setTimeout(300_000)

const sources: readonly Source[] = [education, vsc, dashboard, privateCloud, helion]

for (const { name, wishes } of sources)
  t.test(name, async t => {
    const world = await openWorld(t)
    for (const wish of wishes)
      if ('test' in wish)
        await t.test(`${name}: ${wish.says}`, async t => {
          await wish.test(t, world)
        })
  })

t.test('docs/wishes.md is this table', async t => {
  const path = new URL('../../../docs/wishes.md', import.meta.url)
  if (process.env.UPDATE_WISHES) writeFileSync(path, page())
  t.equal(readFileSync(path, 'utf8'), page())
})

function page(): string {
  const sections = sources.map(
    ({ name, title, wishes }) =>
      `## ${title}\n\nTests: \`${name}: …\`\n\n| What it asks | What became of it |\n|---|---|\n${wishes.map(row).join('\n')}\n`,
  )
  return `# What users' documents ask for

Vitrine is made for the users of five documents about images of virtual machines. Below is every sentence of theirs that
asks something of an image service, in our words. What is built, and what a rule of Glance decides, has a test of the same
words in \`test/wishes\`. This page is generated from there.

${sections.join('\n')}`
}

const row = (wish: Wish) => `| ${wish.says}. | ${outcome(wish)} |`

function outcome(wish: Wish): string {
  if ('built' in wish) return `Built: ${wish.built}`
  return 'glance' in wish ? `Glance’s rule wins: ${wish.glance}` : `Outside: ${wish.outside}`
}
