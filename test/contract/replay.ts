import type { Test } from 'tap'
import { compare } from './compare.js'
import { type Difference, differenceAt, everywhere } from './differences.js'
import type { RecordedScenario, Reply } from './exchange.js'
import { readFixture } from './fixtures.js'
import { mapFew } from './pool.js'
import { playing } from './run.js'
import { areas } from './scenarios/index.js'
import type { Target } from './target.js'

/** One recorded exchange, held against a server. */
export interface Outcome {
  area: string
  scenario: string
  exchange: string
  /** Where the answer is not as expected, in words. */
  faults: string[]
  expected: Reply
  actual?: Reply
  difference?: Difference
}

/** Replays recorded areas (all of them by default) as tap tests: one for each area, an assertion for each scenario. */
export async function replay(t: Test, target: Target, wanted?: readonly string[]): Promise<void> {
  for (const { name } of areas) {
    if (wanted && !wanted.includes(name)) continue
    await t.test(`contract: ${name}`, async t => {
      const faults = new Map<string, string[]>()
      for (const outcome of await replayArea(name, target)) {
        const found = outcome.faults.map(fault => `${outcome.exchange}: ${fault}`)
        faults.set(outcome.scenario, [...(faults.get(outcome.scenario) ?? []), ...found])
      }
      for (const [scenario, found] of faults) t.same(found, [], scenario)
    })
  }
}

/** Replays one area; the outcomes of scenarios that the target's way of signing in can not play are left out. */
export async function replayArea(area: string, target: Target): Promise<Outcome[]> {
  const recorded = (await readFixture(area)).filter(
    ({ needs }) => needs === undefined || needs === target.mode,
  )
  return (await mapFew(recorded, 4, scenario => replayScenario(area, scenario, target))).flat()
}

async function replayScenario(area: string, scenario: RecordedScenario, target: Target): Promise<Outcome[]> {
  const wanted = scenario.exchanges.map((exchange): Outcome => {
    const difference = target.isGlance ? undefined : differenceAt(area, scenario, exchange)
    const expected = difference ? difference.ours(exchange.reply, exchange, scenario) : exchange.reply
    const where = { area, scenario: scenario.name, exchange: exchange.request.name }
    return {
      ...where,
      expected: target.isGlance ? expected : everywhere(expected),
      faults: [],
      ...(difference && { difference }),
    }
  })
  const steps = scenario.exchanges.map(({ request }) => request)
  let at = 0
  try {
    for await (const { reply } of playing({ name: scenario.name, steps }, target)) {
      const outcome = wanted[at++] as Outcome
      outcome.actual = reply
      outcome.faults = compare(outcome.expected, reply)
    }
  } catch (err) {
    // Usually an id that an earlier, failed step should have given.
    for (const outcome of wanted.slice(at)) outcome.faults = [`not asked: ${(err as Error).message}`]
  }
  return wanted
}
