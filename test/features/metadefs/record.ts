/**
 * Writes glance-metadefs.json: what a real Glance shows of the metadata definitions that it ships, loaded by its own
 * command into an empty database. Of each namespace a digest, as the texts are Glance's.
 *
 *   VITRINE_TEST_BASE_URL=http://127.0.0.1:9292 VITRINE_TEST_KEYSTONE_URL=http://127.0.0.1:5000/v3 \
 *     node dist/test/features/metadefs/record.js
 */
import { writeFile } from 'node:fs/promises'
import { keystoneTarget } from '../../contract/target.js'
import { digest } from './canonical.js'

const { VITRINE_TEST_BASE_URL: base, VITRINE_TEST_KEYSTONE_URL: keystone } = process.env
if (!base || !keystone) throw new Error('set VITRINE_TEST_BASE_URL and VITRINE_TEST_KEYSTONE_URL')
const headers = (await keystoneTarget(base, keystone, true)).credentials.admin

async function get(path: string): Promise<unknown> {
  const reply = await fetch(base + path, { headers })
  if (reply.status !== 200) throw new Error(`${path}: ${reply.status}`)
  return reply.json()
}

const { namespaces } = (await get('/v2/metadefs/namespaces?limit=1000')) as {
  namespaces: { namespace: string; owner: string }[]
}
const digests: Record<string, { listed: string; shown: string; as_image: string }> = {}
const shipped = namespaces.filter(({ owner }) => owner === 'admin')
for (const one of shipped.sort((a, b) => (a.namespace < b.namespace ? -1 : 1))) {
  const path = `/v2/metadefs/namespaces/${encodeURIComponent(one.namespace)}`
  digests[one.namespace] = {
    listed: digest(one),
    shown: digest(await get(path)),
    as_image: digest(await get(`${path}?resource_type=OS::Glance::Image`)),
  }
}
const file = new URL('../../../../test/features/metadefs/glance-metadefs.json', import.meta.url)
await writeFile(file, `${JSON.stringify(digests, null, 2)}\n`)
console.log(`${shipped.length} namespaces`)
