import { test } from 'tap'
import { replay } from './replay.js'
import { basicTarget, keystoneTarget } from './target.js'
import { startWeb } from './web.js'

/**
 * Holds a server that is already running to the recorded exchanges. With VITRINE_TEST_KEYSTONE_URL everybody signs in
 * at that Keystone, without it by HTTP basic as in users-file.ts. VITRINE_TEST_IS_GLANCE=1: it is the real Glance, no
 * differences are expected. VITRINE_TEST_AREAS names some areas (all by default).
 */
const { VITRINE_TEST_BASE_URL: base, VITRINE_TEST_KEYSTONE_URL: keystone } = process.env
const wanted = process.env.VITRINE_TEST_AREAS?.split(',')

test('a running server answers as recorded', {
  skip: !base && 'VITRINE_TEST_BASE_URL is not set',
}, async t => {
  if (!base) return
  const isGlance = process.env.VITRINE_TEST_IS_GLANCE === '1'
  const web = await startWeb()
  t.teardown(() => web.close())
  const target = keystone ? await keystoneTarget(base, keystone, isGlance) : basicTarget(base)
  await replay(t, { ...target, web: web.base }, wanted)
})
