/**
 * Writes the fixtures: plays every scenario against a real Glance and keeps what it answered.
 *
 *   VITRINE_TEST_BASE_URL=http://127.0.0.1:9292 VITRINE_TEST_KEYSTONE_URL=http://127.0.0.1:5000/v3 \
 *     npm run contract:record [area…]
 *
 * With the single word `differences` it only writes docs/differences.md, which needs no Glance.
 *
 * That Glance needs the users of actors.ts, the file stores fast (default, weight 100) and cheap,
 * show_multiple_locations, show_image_direct_url, an image cache, image_size_cap 10 GiB and all import methods; any port
 * but 22 and 25 may be fetched from.
 *
 * The areas that are marked `web` are recorded with another Glance, which has more: the http store web, cheap with weight
 * 100 and fast with 0, and leave to fetch from 127.0.0.1 and localhost (allowed_hosts). It asks a web server that this
 * starts on loopback, so it runs on the same machine. Under uWSGI it needs py-sys-executable to be a Python, or its tasks
 * of type import can not run qemu-img. Where no area is named, WEB=1 records those that are marked, else the others. The
 * disks of the area formats are made by make-disks.ts.
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
  const { VITRINE_TEST_BASE_URL: base, VITRINE_TEST_KEYSTONE_URL: keystone, WEB } = process.env
  if (!base || !keystone) throw new Error('set VITRINE_TEST_BASE_URL and VITRINE_TEST_KEYSTONE_URL')
  const web = await startWeb()
  const target = { ...(await keystoneTarget(base, keystone, true)), web: web.base }
  for (const area of areas) {
    const asked = wanted.length > 0 ? wanted.includes(area.name) : (area.web ?? false) === (WEB === '1')
    if (!asked) continue
    const recorded = await mapFew(area.scenarios, 4, async (scenario): Promise<RecordedScenario> => {
      const { name, needs } = scenario
      return { name, ...(needs && { needs }), exchanges: await play(scenario, target) }
    })
    await writeFixture(area.name, recorded)
    console.log(`${area.name}: ${recorded.flatMap(scenario => scenario.exchanges).length} exchanges`)
  }
}
