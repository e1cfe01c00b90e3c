import { readFile, writeFile } from 'node:fs/promises'
import { countTables } from './counts.js'
import { type Difference, differenceAt, differences } from './differences.js'
import type { Exchange, Reply } from './exchange.js'
import { readFixture } from './fixtures.js'
import { areas } from './scenarios/index.js'

const page = new URL('../../../docs/differences.md', import.meta.url)

const intro = `# Where Vitrine leaves Glance

Vitrine answers as the OpenStack Image service (Glance 33) does. The exchanges in \`test/contract/fixtures\` were
recorded with a real Glance and are replayed against Vitrine; below is every answer that differs on purpose. The wording of errors is ours
throughout. This page is generated from \`test/contract/differences.ts\` by \`npm run contract:record -- differences\`.

On every answer:

- \`x-openstack-request-id\` is there also where Glance sends none (401, the versions).
- A 416 carries \`Content-Range: bytes */SIZE\`.
- An error is plain text where Glance writes HTML (\`Accept: */*\`, \`text/html\`): a browser would run what it quotes.

Bounds that Glance has not, each 400, 408 or 413 with a sentence:

- The properties of an image hold at most 128 KiB together; JSON nests at most 1000 deep; a list takes at most 128
  filters, a PATCH at most 1000 operations; a JSON body comes within 300 seconds (408).
- A location holds no user or password (locations are shown as they are), its bytes have the image's size, and its metadata
  holds texts, lists and objects only.

What tells how bytes are encrypted (\`os_encrypt_*\`, \`cinder_encryption_key_id\`) can not be changed or removed while the image
has them (403).

Signatures of images are not verified. Bytes for an image that has all \`img_signature*\` properties, by which Glance would
verify them, are refused instead of accepted unseen: an upload with 400, an import as a failed task.

An import that fails leaves its image \`queued\`, to be tried again; in Glance many of them stay \`importing\` for ever.

`

const head = `## The differences

| Exchanges | Glance | Vitrine | What | Why |
|---|---|---|---|---|
`

/** The exchanges that each difference is about; empty for one that no exchange matches any more. */
export async function differing(): Promise<
  Map<Difference, { area: string; exchange: Exchange; ours: Reply }[]>
> {
  const found = new Map(
    differences.map(difference => [difference, [] as { area: string; exchange: Exchange; ours: Reply }[]]),
  )
  for (const area of areas) {
    for (const scenario of await readFixture(area.name)) {
      for (const exchange of scenario.exchanges) {
        const difference = differenceAt(area.name, scenario, exchange)
        if (!difference) continue
        found
          .get(difference)
          ?.push({ area: area.name, exchange, ours: difference.ours(exchange.reply, exchange, scenario) })
      }
    }
  }
  return found
}

/** The text of docs/differences.md. */
export async function differencesPage(): Promise<string> {
  const rows = [...(await differing())].map(([difference, found]) => {
    const glance = statuses(found.map(({ exchange }) => exchange.reply))
    const ours = statuses(found.map(({ ours }) => ours))
    const names = [...new Set(found.map(({ exchange }) => exchange.request.name))]
    const shown = names.slice(0, 4).map(name => `\`${name}\``)
    const more = names.length > 4 ? ` and ${names.length - 4} more` : ''
    const scenario = typeof difference.scenario === 'string' ? `, ${difference.scenario}` : ''
    const where = `${difference.area}${scenario}: ${shown.join(', ')}${more}`
    return `| ${[where, glance, ours, difference.what, difference.why].map(cell).join(' | ')} |`
  })
  const counts = `## How many exchanges are the same

Apart from what is said above of every answer; wordings, times, places and random ids are not compared.

${await countTables()}
`
  return `${intro}${counts}${head}${rows.join('\n')}\n`
}

export const readDifferencesPage = () => readFile(page, 'utf8')
export const writeDifferencesPage = async () => writeFile(page, await differencesPage())

function statuses(replies: readonly Reply[]): string {
  const found = new Set(replies.map(({ status }) => (status === 0 ? 'no answer' : String(status))))
  return [...found].sort().join(', ')
}

function cell(text: string): string {
  return text.replaceAll('|', '\\|').replaceAll('\n', ' ')
}
