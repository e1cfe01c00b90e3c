import { type Difference, faultOfGlance } from './difference.js'
import { differenceAt, differences } from './differences.js'
import { readFixture } from './fixtures.js'
import { areas } from './scenarios/index.js'

/** How many recorded exchanges there are, and in how many Vitrine answers the same. */
interface Count {
  all: number
  /** The same status. */
  status: number
  /** The same status, headers and body. */
  same: number
  /** Not the same, as Glance's answer is a fault. */
  faults: number
}

const none = (): Count => ({ all: 0, status: 0, same: 0, faults: 0 })

/** Two tables in Markdown: the exchanges by area, and by who calls. */
export async function countTables(): Promise<string> {
  const total = none()
  const byArea = new Map<string, Count>()
  const byActor = new Map<string, Count>()
  for (const { name } of areas) {
    for (const scenario of await readFixture(name)) {
      for (const exchange of scenario.exchanges) {
        const difference = differenceAt(name, scenario, exchange)
        const ours = difference?.ours(exchange.reply, exchange, scenario) ?? exchange.reply
        for (const count of [total, of(byArea, name), of(byActor, exchange.request.actor)]) {
          count.all++
          if (ours.status === exchange.reply.status) count.status++
          if (!difference) count.same++
          else if (reasonOf(difference) === faultOfGlance) count.faults++
        }
      }
    }
  }
  return [table('Area', byArea, total), table('Who calls', byActor, total)].join('\n')
}

/** Why Vitrine answers otherwise; a row that says "the same" goes on with the one above it. */
function reasonOf(difference: Difference): string {
  const at = differences.indexOf(difference)
  return differences.slice(0, at + 1).findLast(({ why }) => why !== 'The same.')?.why ?? ''
}

function of(counts: Map<string, Count>, name: string): Count {
  const count = counts.get(name) ?? none()
  counts.set(name, count)
  return count
}

function table(title: string, counts: Map<string, Count>, total: Count): string {
  const rows = [...counts, ['all', total] as const].map(
    ([name, { all, status, same, faults }]) =>
      `| ${name} | ${all} | ${percent(status, all)} | ${percent(same, all)} | ${percent(same + faults, all)} |`,
  )
  const head = [
    `| ${title} | Exchanges | Same status | Same status, headers and body | So, or a fault of Glance |`,
    '|---|---|---|---|---|',
  ]
  return `${[...head, ...rows].join('\n')}\n`
}

/** Never 100 % unless it is all of them. */
const percent = (part: number, all: number) => `${(Math.floor((part * 1000) / all) / 10).toFixed(1)} %`
