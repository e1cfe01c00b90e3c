import { readFile, writeFile } from 'node:fs/promises'
import type { RecordedScenario } from './exchange.js'

/** The sources' folder, seen from dist/test/contract. */
const folder = new URL('../../../test/contract/fixtures/', import.meta.url)

export async function readFixture(area: string): Promise<RecordedScenario[]> {
  return JSON.parse(await readFile(new URL(`${area}.json`, folder), 'utf8')) as RecordedScenario[]
}

/** One exchange a line, so that a change of the real Glance reads as a diff. */
export async function writeFixture(area: string, scenarios: readonly RecordedScenario[]): Promise<void> {
  const parts = scenarios.map(({ exchanges, ...head }) => {
    const lines = exchanges.map(exchange => `    ${JSON.stringify(exchange)}`)
    const opening = JSON.stringify(head).slice(0, -1)
    return `  ${opening}, "exchanges": [\n${lines.join(',\n')}\n  ]}`
  })
  await writeFile(new URL(`${area}.json`, folder), `[\n${parts.join(',\n')}\n]\n`)
}
