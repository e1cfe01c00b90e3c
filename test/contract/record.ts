/**
 * Writes the fixtures: plays every scenario against a real Glance and keeps what it answered.
 *
 *   VITRINE_TEST_BASE_URL=http://127.0.0.1:9292 VITRINE_TEST_KEYSTONE_URL=http://127.0.0.1:5000/v3 \
 *     npm run contract:record [area…]
 *
 * With the single word `differences` it only writes docs/differences.md, which needs no Glance.
 *
 * That Glance needs the users of actors.ts, the file stores fast (default, weight 100) and cheap,
 * show_multiple_locations, show_image_direct_url, an image cache, image_size_cap 10 GiB and all import methods; for the
 * area locations also the http store web, and leave to import from 127.0.0.1 (and from nowhere else), which no other
 * area is recorded with.
 */
import { writeDifferencesPage } from './differences-page.js'
import type { RecordedScenario } from './exchange.js'
import { writeFixture } from './fixtures.js'
import { mapFew } from './pool.js'
import { play } from './run.js'
import { areas } from './scenarios/index.js'
import { keystoneTarget } from './target.js'
import { startWeb } from './web.js'

const wanted = process.argv.slice(2)
if (wanted.join() !== 'differences') await record(wanted)
await writeDifferencesPage()
process.exit(0)

async function record(wanted: readonly string[]): Promise<void> {
  const { VITRINE_TEST_BASE_URL: base, VITRINE_TEST_KEYSTONE_URL: keystone } = process.env
  if (!base || !keystone) throw new Error('set VITRINE_TEST_BASE_URL and VITRINE_TEST_KEYSTONE_URL')
  const web = await startWeb()
  const target = { ...(await keystoneTarget(base, keystone, true)), web: web.base }
  for (const area of areas) {
    if (wanted.length > 0 && !wanted.includes(area.name)) continue
    const recorded = await mapFew(area.scenarios, 4, async (scenario): Promise<RecordedScenario> => {
      const { name, needs } = scenario
      return { name, ...(needs && { needs }), exchanges: await play(scenario, target) }
    })
    await writeFixture(area.name, recorded)
    console.log(`${area.name}: ${recorded.flatMap(scenario => scenario.exchanges).length} exchanges`)
  }
}
